"""Heat maps as cells of a grid: which colours, and which values they stand for.

Axes: H W the picture; h w a similarity map; K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import colour_stops, heat_map, similarity_range
from tqdm_demo.interface.components.image_grid import Cell, Scale, photo, value_pixels
from tqdm_demo.vocabulary import Colour

SHARED, FIXED, STRETCHED = "shared", "fixed", "stretched"
SCALES = {
    "One scale per stage": SHARED,
    "Fixed: cosine −1 to 1": FIXED,
    "Stretched per map": STRETCHED,
}
EXPLAINED = {
    SHARED: "All classes of a picture and stage share one scale, from the lowest to the highest "
    "value of the whole list (half a percent cut off at both ends); final masks go from 0 to 1.",
    FIXED: "Every cosine map goes from −1 to 1, final masks from 0 to 1: maps can be compared "
    "everywhere, and most use a small part of the colours.",
    STRETCHED: "Every map is stretched to its own lowest and highest value: details show best, "
    "but a class that is not there glows too.",
}


@dataclass(frozen=True)
class HeatLook:
    """How heat maps are drawn.

    Attributes:
        colour_map: one of ``rendering.COLOUR_MAPS``.
        scale: one of the values of :data:`SCALES`.
    """

    colour_map: str
    scale: str


@dataclass(frozen=True)
class Listed:
    """Names that were picked for a view, found in the class list or added to it.

    Attributes:
        classes: the class list, then the names that it does not have.
        rows: for every picked name its place among the classes.
        labels: of the picked names.
        colours: of the picked names.
        added: picked names that the class list does not have.
    """

    classes: ClassList
    rows: tuple[int, ...]
    labels: tuple[str, ...]
    colours: tuple[Colour, ...]
    added: tuple[str, ...]


def find_picked(classes: ClassList, picked: Sequence[str]) -> Listed:
    """Finds picked names in a class list.

    Args:
        classes: the list.
        picked: names as a user picked or wrote them; none = the first three of the list.

    Raises:
        ValueError: a written name that is not usable, or more names than a list may have.
    """
    places = {n.lower(): row for row, entry in enumerate(classes.entries) for n in entry.names}
    places |= {label.lower(): row for row, label in enumerate(classes.labels)}
    wanted = ClassList.from_names(picked).entries if picked else classes.entries[:3]
    labels = tuple(entry.text if picked else entry.label for entry in wanted)
    added = [e for e, label in zip(wanted, labels, strict=True) if label.lower() not in places]
    longer = classes.extended(added) if added else classes
    places |= {entry.text.lower(): len(classes.entries) + n for n, entry in enumerate(added)}
    rows = tuple(places[label.lower()] for label in labels)
    colours = tuple(longer.colours[row] for row in rows)
    return Listed(longer, rows, labels, colours, tuple(entry.text for entry in added))


def heat_cell(
    image: np.ndarray, maps: np.ndarray, row: int, look: HeatLook, is_score: bool, alt: str
) -> Cell:
    """One map over the picture.

    Args:
        image: uint8 (H, W, 3).
        maps: float (K, h, w), cosines or scores of all classes.
        row: which of them.
        look: how to draw it.
        is_score: whether the maps are scores, from 0 on.
        alt: what it shows.
    """
    low, high = _ends(maps, row, look.scale, is_score)
    scale = Scale(low, high, colour_stops(colour_map=look.colour_map))
    drawn = heat_map(image, maps[row], low, high, colour_map=look.colour_map)
    return Cell(photo(drawn), alt, pixels=value_pixels(maps[row], scale), scale=scale)


def _ends(maps: np.ndarray, row: int, scale: str, is_score: bool) -> tuple[float, float]:
    if scale == STRETCHED:
        return float(maps[row].min()), float(maps[row].max())
    if is_score:
        return 0.0, 1.0
    return (-1.0, 1.0) if scale == FIXED else similarity_range(maps)
