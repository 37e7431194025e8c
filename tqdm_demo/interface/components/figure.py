"""A grid of pictures as one figure for papers and posts, drawn by matplotlib as PNG or PDF.

Laid out as papers do: a row a picture, a column a model, the classes below. Texts come from users,
so nothing in them is taken for a formula.

Axes: H W a cell's picture.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

KINDS = ("png", "pdf")
# All in inches; text sizes in points.
_CELL, _GAP, _EDGE = 2.2, 0.06, 0.1
_HEAD, _CAPTION, _LEGEND, _SIDE = 0.34, 0.2, 0.22, 0.28
_TEXT, _SMALL = 9, 7
# Of a letter of the size _TEXT, on average.
_LETTER = 0.074
_DPI = 200
_LETTERS_OF_A_HEAD = int(_CELL / _LETTER)


def draw_figure(grid: dict[str, Any], kind: str) -> bytes:
    """The figure as a file.

    Args:
        grid: value of an ``ImageGrid`` with at least one cell that has its picture.
        kind: one of :data:`KINDS`.
    """
    heads, sides, cells = _as_papers_do(grid)
    height = _CELL / grid["aspect"]
    captioned = [any(_caption(cell) for cell in row) for row in cells]
    left = _EDGE + (_SIDE if any(sides) else 0)
    width = max(left + len(heads) * (_CELL + _GAP) + _EDGE, 3.0)
    legend = list(_legend_lines(_present(grid), width - 2 * _EDGE))
    total = _HEAD + sum(height + _GAP + _CAPTION * c for c in captioned)
    total += _LEGEND * len(legend) + 2 * _EDGE
    page = _Page(width, total)
    for number, head in enumerate(heads):
        page.text(left + number * (_CELL + _GAP) + _CELL / 2, _EDGE + _HEAD * 0.6, head, _TEXT)
    top = _EDGE + _HEAD
    for side, row, has_captions in zip(sides, cells, captioned, strict=True):
        page.text(_EDGE + _SIDE / 2, top + height / 2, side, _TEXT, rotation=90)
        for number, cell in enumerate(row):
            x = left + number * (_CELL + _GAP)
            page.picture(cell["picture"], x, top, _CELL, height)
            page.text(x + _CELL / 2, top + height + 0.1, _caption(cell), _SMALL)
        top += height + _GAP + _CAPTION * has_captions
    for line in legend:
        for x, label, colour in line:
            page.patch(_EDGE + x, top + 0.07, colour)
            page.text(_EDGE + x + 0.19, top + 0.125, label, _SMALL + 1, align="left")
        top += _LEGEND
    return page.save(kind)


class _Page:
    """A white page whose places are inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self._width, self._height = width, height
        self._figure = Figure((width, height), dpi=_DPI, facecolor="white")

    def text(
        self, x: float, y: float, text: str, size: float, rotation: int = 0, align: str = "center"
    ) -> None:
        self._figure.text(
            x / self._width, 1 - y / self._height, text, size=size, rotation=rotation,
            ha=align, va="center", color="black", parse_math=False,
        )  # fmt: skip

    def picture(self, address: str, x: float, y: float, width: float, height: float) -> None:
        if not address:
            return
        box = (x / self._width, 1 - (y + height) / self._height)
        axes = self._figure.add_axes((*box, width / self._width, height / self._height))
        axes.set_axis_off()
        axes.imshow(_cut(_decoded(address), width / height), aspect="auto", interpolation="none")

    def patch(self, x: float, y: float, colour: Sequence[int]) -> None:
        from matplotlib.patches import Rectangle

        side = 0.11
        place = (x / self._width, 1 - (y + side) / self._height)
        size = side / self._width, side / self._height
        fill = tuple(channel / 255 for channel in colour)
        self._figure.add_artist(
            Rectangle(place, *size, facecolor=fill, edgecolor="0.4", linewidth=0.4)
        )

    def save(self, kind: str) -> bytes:
        file = BytesIO()
        self._figure.savefig(file, format=kind)
        return file.getvalue()


def _as_papers_do(
    grid: dict[str, Any],
) -> tuple[list[str], list[str], list[list[dict[str, Any]]]]:
    """Heads of the columns, titles of the rows, and the cells row by row.

    On the page every picture is a card, whose cells stand below each other; here it is a row.
    """
    columns = [column["title"] for column in grid["columns"]]
    rows = list(grid["rows"])
    cells = [list(column["cells"]) for column in grid["columns"]]
    if grid["layout"] == "cards":
        rows = [row or "Picture" for row in rows[:1]] + rows[1:]
        heads, sides = rows, columns
    else:
        heads, sides, cells = columns, rows, [list(row) for row in zip(*cells, strict=True)]
    return [_short(head) for head in heads], [_short(side, 22) for side in sides], cells


def _present(grid: dict[str, Any]) -> list[tuple[str, Sequence[int]]]:
    """Names and colours of the classes that any cell shows."""
    seen: set[int] = set()
    for column in grid["columns"]:
        for cell in column["cells"]:
            if cell["pixels"] and not cell["scale"]:
                seen |= set(np.unique(_decoded(cell["pixels"], "L")).tolist())
    pairs = zip(grid["labels"], grid["colours"], strict=True)
    return [pair for index, pair in enumerate(pairs) if index in seen]


def _legend_lines(
    classes: Sequence[tuple[str, Sequence[int]]], width: float
) -> Iterator[list[tuple[float, str, Sequence[int]]]]:
    """The legend in lines: for every class its place from the left, name and colour."""
    line: list[tuple[float, str, Sequence[int]]] = []
    x = 0.0
    for label, colour in classes:
        label = _short(label)
        need = 0.36 + _LETTER * len(label)
        if line and x + need > width:
            yield line
            line, x = [], 0.0
        line.append((x, label, colour))
        x += need
    if line:
        yield line


def _caption(cell: dict[str, Any]) -> str:
    scale = cell["scale"]
    text = f"{scale['low']:.2f} to {scale['high']:.2f}" if scale else ""
    # One line: a picture that cannot be read tells why, on the page.
    return _short(cell["caption"] or text, 44)


def _short(text: str, most: int = _LETTERS_OF_A_HEAD) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _decoded(address: str, mode: str = "RGB") -> np.ndarray:
    return np.asarray(Image.open(BytesIO(b64decode(address.partition(",")[2]))).convert(mode))


def _cut(image: np.ndarray, aspect: float) -> np.ndarray:
    """The middle of a picture, cut to the shape of a cell, as the page cuts it."""
    height, width = image.shape[:2]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    top, left = (height - high) // 2, (width - wide) // 2
    return image[top : top + max(high, 1), left : left + max(wide, 1)]
