"""A sheet to look at: for a few pictures the image, the prediction, the labels and the errors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tqdm_demo.atomic_files import replacing
from tqdm_demo.vocabulary import IGNORED, Colour, colours_for

WIDTH = 320  # of each of the four pictures of a row
_GAP, _CAPTION = 4, 16
_WRONG, _UNKNOWN = (214, 39, 40), (0, 0, 0)
_HEADINGS = ("picture", "prediction", "labels", "errors (red), not labelled (black)")


@dataclass(frozen=True)
class SheetRow:
    """One row.

    Attributes:
        place: among the pictures of its set.
        caption: what stands above.
        pixels: uint8 (h, 4 * WIDTH + 3 gaps, 3).
        legend: names and colours of the classes of its set.
    """

    place: int
    caption: str
    pixels: np.ndarray
    legend: tuple[tuple[str, Colour], ...]


def draw_row(
    place: int,
    caption: str,
    image: np.ndarray,
    label_map: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
) -> SheetRow:
    """Draws one row.

    Args:
        place: for sorting.
        caption: what stands above.
        image: uint8 (H, W, 3) RGB.
        label_map: predicted train ids (H, W).
        labels: uint8 (H, W) train ids, 255 = not labelled.
        class_names: in the order of the ids; they decide the colours.
    """
    colours = colours_for(class_names)
    table = np.zeros((256, 3), np.uint8)
    table[: len(colours)] = colours
    height, width = labels.shape
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    predicted, truth = (_shrink(ids, size) for ids in (label_map, labels))
    pale = 255 - (255 - small.mean(-1, keepdims=True).repeat(3, -1)) // 2
    errors = np.where((predicted != truth)[..., None], _WRONG, pale)
    errors = np.where((truth == IGNORED)[..., None], _UNKNOWN, errors)
    gap = np.full((size[1], _GAP, 3), 255)
    parts = [small, gap, table[predicted], gap, table[truth], gap, errors]
    pixels = np.concatenate(parts, axis=1).astype(np.uint8)
    return SheetRow(place, caption, pixels, tuple(zip(class_names, colours, strict=True)))


def write_sheet(file: Path, rows: Sequence[SheetRow], names: Collection[str]) -> None:
    """Writes the rows, one below the other, under headings and a legend.

    Args:
        file: JPEG or PNG; written atomically, its folder is made.
        rows: at least one.
        names: of the classes in the legend; a name that has two colours is there twice.
    """
    pairs = dict.fromkeys(pair for row in rows for pair in row.legend if pair[0] in names)
    width = 4 * WIDTH + 3 * _GAP
    columns = 7
    legend = _CAPTION * (1 + (len(pairs) - 1) // columns)
    height = legend + _CAPTION + sum(_CAPTION + len(row.pixels) for row in rows)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for n, (name, colour) in enumerate(pairs):
        x, y = n % columns * (width // columns), n // columns * _CAPTION
        draw.rectangle((x + 2, y + 3, x + 12, y + 13), fill=colour)
        draw.text((x + 17, y + 2), name, fill="black")
    for n, heading in enumerate(_HEADINGS):
        draw.text((n * (WIDTH + _GAP) + 2, legend + 2), heading, fill="grey")
    top = legend + _CAPTION
    for row in rows:
        draw.text((2, top + 2), row.caption, fill="black")
        sheet.paste(Image.fromarray(row.pixels), (0, top + _CAPTION))
        top += _CAPTION + len(row.pixels)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as partial:
        sheet.save(partial, quality=90)


def _shrink(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(ids.astype(np.uint8))
    return np.asarray(image.resize(size, Image.Resampling.NEAREST))
