"""The three steps as one component: all that they show is sent once, and explored in the browser.

``walk.js`` draws the figures and reads them where the pointer is; its styles are in ``walk.css``.
Class names reach the page as text.

Axes: K classes; L pixel-decoder layers; P mask predictions; h w a map.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import shrink
from tqdm_demo.interface.components.image_grid import photo

if TYPE_CHECKING:
    from tqdm_demo.inference.walkthrough import Walkthrough

FOLDER = Path(__file__).parent
SHOWN_SIDE = 640
# Maps of more rows or columns than this are thinned out before they are sent.
MAP_SIDE = 128


def make_walk() -> gr.HTML:
    """The component; its value is that of :func:`walk_value`, or None."""
    return gr.HTML(
        None,
        elem_id="walk",
        html_template=(FOLDER / "walk.html").read_text("utf-8"),
        js_on_load=(FOLDER / "walk.js").read_text("utf-8"),
        apply_default_css=False,
    )


def walk_value(
    walk: Walkthrough, image: np.ndarray, classes: ClassList, title: str
) -> dict[str, Any]:
    """What the component takes.

    Args:
        walk: of the picture and the first name of every class.
        image: uint8 (H, W, 3).
        classes: K.
        title: of the model.
    """
    return {
        "title": title,
        "picture": photo(shrink(image, SHOWN_SIDE)),
        "aspect": image.shape[1] / image.shape[0],
        "names": list(classes.labels),
        "colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in classes.colours],
        "plain": _rounded(walk.plain),
        "contextual": _rounded(walk.contextual),
        "attention": _sheet(walk.attention, 0, 1),
        "before": None if walk.before is None else _sheet(walk.before[None], -1, 1),
        "after": _sheet(walk.after[None], -1, 1),
        "masks": _sheet(walk.masks, 0, 1),
        "classes": np.round(walk.classes.astype(float), 3).tolist(),
    }


def _rounded(matrix: np.ndarray | None) -> list[list[float]] | None:
    return None if matrix is None else np.round(matrix.astype(float), 3).tolist()


def _sheet(maps: np.ndarray | None, low: float, high: float) -> dict[str, Any] | None:
    """Maps (P, K, h, w) in [low, high] as one grey PNG: a column a P, a row a K."""
    if maps is None:
        return None
    step = -(-max(maps.shape[2:]) // MAP_SIDE)
    maps = maps[:, :, ::step, ::step].astype(np.float32)
    count, classes, height, width = maps.shape
    grey = np.round((maps.clip(low, high) - low) / (high - low) * 255).astype(np.uint8)
    sheet = grey.transpose(1, 2, 0, 3).reshape(classes * height, count * width)
    file = BytesIO()
    Image.fromarray(sheet).save(file, "PNG", compress_level=6)
    address = f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"
    return {"png": address, "w": width, "h": height, "n": count, "low": low, "high": high}
