"""The comparison of pixel semantic clarity: without and with text-to-pixel attention.

The measure is ``measures.clarity``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from tqdm_demo.inference.agreement import Clarity, clarity
from tqdm_demo.inference.rendering import margin_map, margin_stops
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.components.image_grid import (
    Cell,
    Column,
    ImageGrid,
    Scale,
    photo,
    value_pixels,
)

WHAT = (
    "Every pixel is compared with the embeddings of all listed classes. Its margin is its cosine "
    "with its own class minus the best cosine with another one: violet pixels are nearest to their "
    "own class, orange ones to another. Clarity is the mean margin."
)
TRUTH = "A pixel’s own class is that of the ground truth, which is known for this picture."
PREDICTED = (
    "The ground truth of this picture is not known: a pixel’s own class is what the same model’s "
    "final mask says (for CLIP and “before”: tqdm’s). This measures how sure a model is, not how "
    "right."
)


@dataclass(frozen=True)
class Measured:
    """The clarity of one stage of one model.

    Attributes:
        title: of the stage.
        note: what it is.
        clarity: the charts.
    """

    title: str
    note: str
    clarity: Clarity


def measure(title: str, note: str, maps: np.ndarray, labels: np.ndarray) -> Measured:
    """Measures one stage: float (K, h, w) cosines against uint8 (H, W) own classes.

    Raises:
        ValueError: fewer than two entries, or no pixel whose class is one of them.
    """
    return Measured(title, note, clarity(maps, labels))


def clarity_grid(image: np.ndarray, measured: Sequence[Measured]) -> ImageGrid:
    """Margin maps side by side, on one scale."""
    finite = [np.abs(m.clarity.margins[np.isfinite(m.clarity.margins)]) for m in measured]
    reach = max(float(np.quantile(np.concatenate(finite), 0.98)), 1e-3)
    scale = Scale(-reach, reach, margin_stops())
    columns = tuple(
        Column(
            m.title,
            m.note,
            (
                Cell(
                    photo(margin_map(image, m.clarity.margins, reach)),
                    f"Margins of all pixels: {m.title}",
                    pixels=value_pixels(m.clarity.margins, scale),
                    scale=scale,
                ),
            ),
        )
        for m in measured
    )
    return ImageGrid(columns, rows=("",), aspect=image.shape[1] / image.shape[0])


def clarity_table(measured: Sequence[Measured], known: bool) -> str:
    """The figures, with bars, and how they were measured."""
    top = max(max(abs(m.clarity.mean) for m in measured), 1e-6)
    rows = "".join(
        f'<tr><th scope="row">{escape(m.title)}<small>{escape(m.note)}</small></th>'
        f"<td><span>{m.clarity.mean:+.3f}</span>{charts.bar(m.clarity.mean / top)}</td>"
        f"<td>{100 * m.clarity.nearest:.1f} %</td></tr>"
        for m in measured
    )
    return (
        '<table class="figures"><thead><tr><th scope="col">Stage</th>'
        '<th scope="col">Clarity: mean margin (cosine)</th>'
        '<th scope="col">Pixels nearest to their own class</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<p class="caption">{escape(WHAT)} {escape(TRUTH if known else PREDICTED)} '
        "Stages use different parts of the cosine’s range: compare the two stages after the pixel "
        "decoder with each other.</p>"
    )
