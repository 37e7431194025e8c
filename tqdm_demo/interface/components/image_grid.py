"""A grid of pictures: columns of cells under headings, filled one after the other.

The browser's side is ``image_grid.js``: it lays the cells out, enlarges one that is clicked, and,
while the pointer is over a cell, tells in all cells of the grid what each says about that place.
Its styles are in ``image_grid.css``. Titles, captions and class names reach the page as text.

Axes: H W a picture or label map; h w a similarity map.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from tqdm_demo.inference.rendering import quantised
from tqdm_demo.vocabulary import Colour

_SCRIPT = Path(__file__).with_suffix(".js")
_QUALITY = 84
# Pointing does not need more label pixels than this on the longer side.
_POINTED = 512


@dataclass(frozen=True)
class Scale:
    """The colour scale of a heat map.

    Attributes:
        low: value of the first colour.
        high: value of the last.
        stops: colours between them, ``#rrggbb``.
    """

    low: float
    high: float
    stops: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One picture.

    Attributes:
        picture: its address; empty = it is awaited, or there is none if ``caption`` says why.
        alt: what it shows, for those who do not see it.
        caption: a line below it.
        pixels: address of a PNG whose grey values tell what is where; empty = nothing to tell.
        scale: what the grey values 0 and 255 mean; None = they index the classes of the grid.
    """

    picture: str = ""
    alt: str = ""
    caption: str = ""
    pixels: str = ""
    scale: Scale | None = None


AWAITED = Cell()


@dataclass(frozen=True)
class Column:
    """Cells under a heading.

    Attributes:
        title: the heading.
        note: a smaller line below it.
        cells: one for every row.
    """

    title: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ImageGrid:
    """What the component shows.

    Attributes:
        columns: all of them, awaited cells included.
        rows: a heading for every row; may be empty texts.
        row_colours: a colour beside every row's heading, or none at all.
        labels: names of the classes that the pixels of cells without a scale index.
        colours: of these classes.
        aspect: width over height of the pictures, so that awaited ones keep their place.
        layout: "table" = rows and columns; "cards" = every column is a card, and cards wrap;
            "wide" = the same with larger cards; "pair" = two columns side by side, which a user
            can lay over each other and wipe.
    """

    columns: tuple[Column, ...]
    rows: tuple[str, ...]
    row_colours: tuple[Colour, ...] = ()
    labels: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()
    aspect: float = 2.0
    layout: str = "table"

    def value(self) -> dict[str, Any]:
        """As the component takes it; equal parts of two values are sent once while streaming."""
        return asdict(self)


def make_grid(elem_id: str) -> gr.HTML:
    """The component; its value is that of :meth:`ImageGrid.value`, or None."""
    return gr.HTML(
        None,
        elem_id=elem_id,
        html_template='<div class="image-grid" role="group"></div>',
        js_on_load=_SCRIPT.read_text(encoding="utf-8"),
        apply_default_css=False,
    )


def photo(image: np.ndarray) -> str:
    """Address of a picture, uint8 (H, W, 3), that is carried in the address itself."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=_QUALITY)
    return _address("image/jpeg", file)


def label_pixels(label_map: np.ndarray) -> str:
    """Address of a label map, uint8 (H, W), for :attr:`Cell.pixels`."""
    step = -(-max(label_map.shape) // _POINTED)
    return _png(label_map[::step, ::step])


def value_pixels(values: np.ndarray, scale: Scale) -> str:
    """Address of a float map (h, w) for :attr:`Cell.pixels`, in the steps of its scale."""
    return _png(quantised(values, scale.low, scale.high))


def with_cell(columns: Sequence[Column], column: int, row: int, cell: Cell) -> tuple[Column, ...]:
    """The same columns with one cell replaced."""
    old = columns[column]
    cells = (*old.cells[:row], cell, *old.cells[row + 1 :])
    return (*columns[:column], Column(old.title, old.note, cells), *columns[column + 1 :])


def _png(grey: np.ndarray) -> str:
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(file, "PNG", compress_level=6)
    return _address("image/png", file)


def _address(kind: str, file: BytesIO) -> str:
    return f"data:{kind};base64,{b64encode(file.getvalue()).decode()}"
