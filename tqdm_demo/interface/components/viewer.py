"""The viewer: a picture with its label map on a canvas of its own.

Its code in the browser lies in ``viewer_canvas.js`` (painting) and ``viewer.js`` (everything
else), its style in ``viewer.css``. Opacity, modes, hiding, zoom, wipe and hover need no server.
The file holds one component alone, because gradio writes a ``.pyi`` beside every subclass.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData, GradioModel
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

FOLDER = Path(__file__).parent
FILES = ("viewer_canvas.js", "viewer.js", "viewer_events.js")


class ViewerData(GradioModel):
    """What the browser gets.

    Attributes:
        picture: JPEG of the picture; None = nothing is shown but ``empty``.
        labels: grey PNG of the same size whose values index ``names``; 255 = not labelled.
        scores: grey PNG, any size; the winning score of every pixel, 255 = ``score_top``.
        score_top: what 255 stands for.
        names: of the K classes, plain text.
        colours: K times ``#rrggbb``.
        shares: K shares of the picture, 0 to 1.
        notes: K remarks, plain text; empty = none.
        alt: what the picture shows, for who cannot see it.
        token: goes back with every question for a pixel; empty = there is nothing to ask.
        empty: what is said where there is no picture; empty = that one has to be chosen.
    """

    picture: FileData | None = None
    labels: FileData | None = None
    scores: FileData | None = None
    score_top: float = 1.0
    names: list[str] = []
    colours: list[str] = []
    shares: list[float] = []
    notes: list[str] = []
    alt: str = ""
    token: str = ""
    empty: str = ""


class Viewer(gr.HTML):
    """Shows a :class:`ViewerData`, or nothing for None.

    Its event ``submit`` asks for the answer again: the one it shows is not kept any more.

    Args:
        value: what is shown first.
        elem_id: of the page's element.
        read_pixel: ``{"token", "place": [x, y]}`` -> ``order``, ``scores``, ``similarities`` of
            all classes, or None where the answer is not kept any more. Called without the queue,
            with whatever a browser sends. None = a click asks for nothing.
        render: as in gradio.
    """

    data_model = ViewerData

    def __init__(
        self,
        value: ViewerData | None = None,
        *,
        elem_id: str,
        read_pixel: Callable[[Any], dict[str, Any] | None] | None = None,
        render: bool = True,
    ) -> None:
        # gradio makes a new one whenever a value is sent, with `value` and `render` set.
        script = [(FOLDER / name).read_text("utf-8") for name in FILES]
        super().__init__(
            value,
            render=render,
            elem_id=elem_id,
            elem_classes="viewer",
            html_template=(FOLDER / "viewer.html").read_text("utf-8"),
            js_on_load="\n".join(script),
            apply_default_css=False,
            server_functions=[read_pixel] if read_pixel else None,
        )

    def preprocess(self, payload: ViewerData | None) -> ViewerData | None:
        """Hands over what the browser sent back."""
        return payload

    def postprocess(self, value: ViewerData | None) -> ViewerData | None:
        """Sends the data as it is; see :func:`viewer_data`."""
        return value

    def api_info(self) -> dict:
        """The component is for the page only."""
        return {"type": "object"}


def viewer_data(
    image: np.ndarray,
    label_map: np.ndarray,
    scores: np.ndarray,
    names: list[str],
    colours: list[tuple[int, int, int]],
    notes: list[str],
    title: str,
    token: str = "",
) -> ViewerData:
    """Packs a result for the viewer; the files go to gradio's cache.

    Args:
        image: uint8 (H, W, 3).
        label_map: uint8 (H, W), index into ``names``; 255 = not labelled.
        scores: float (K, h, w), not below 0.
        names: K plain names.
        colours: K RGB colours, 0 to 255.
        notes: K remarks; empty = none.
        title: what the answer comes from, for the text that describes the picture.
        token: see :class:`ViewerData`.
    """
    best = scores.max(axis=0)
    top = max(float(best.max()), 1e-6)
    counts = np.bincount(label_map.ravel(), minlength=len(names))
    shares = (counts[: len(names)] / label_map.size).tolist()
    return ViewerData(
        picture=_file(image, "picture.jpg", quality=90),
        labels=_file(label_map, "labels.png", compress_level=1),
        scores=_file(np.round(best / top * 255).astype(np.uint8), "scores.png"),
        score_top=top,
        names=list(names),
        colours=["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours],
        shares=shares,
        notes=list(notes),
        alt=_describe(title, names, shares),
        token=token,
    )


def _describe(title: str, names: list[str], shares: list[float]) -> str:
    """A sentence with the five largest classes."""
    order = sorted(range(len(names)), key=lambda k: -shares[k])[:5]
    parts = [f"{names[k]} {100 * shares[k]:.0f} %" for k in order if shares[k] >= 0.005]
    return f"Picture with the answer of {title}: {', '.join(parts)}"


def _file(pixels: np.ndarray, name: str, **settings: int) -> FileData:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG" if name.endswith("jpg") else "PNG", **settings)
    path = save_bytes_to_cache(file.getvalue(), name, get_upload_folder())
    return FileData(path=path, orig_name=name)
