"""Heat maps as cells of a grid: which colours, and which values they stand for.

Axes: H W the picture; h w a similarity map; K entries of the class list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import colour_stops, heat_map, similarity_range
from tqdm_demo.interface.components.image_grid import Cell, Scale, photo, value_pixels
from tqdm_demo.vocabulary import Colour, check_names, colours_for, split_synonyms

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
        entries: the class list, then the names that it does not have.
        rows: for every picked name its place among the entries.
        labels: of the picked names.
        colours: of the picked names.
        added: picked names that the class list does not have.
    """

    entries: tuple[str, ...]
    rows: tuple[int, ...]
    labels: tuple[str, ...]
    colours: tuple[Colour, ...]
    added: tuple[str, ...]


def find_picked(classes: ClassList, picked: Sequence[str]) -> Listed:
    """Finds picked names in a class list.

    Args:
        classes: the list.
        picked: names as a visitor picked or wrote them; none = the first three of the list.

    Raises:
        ValueError: a written name that is not usable, or more names than a list may have.
    """
    places = {
        name.lower(): row for row, e in enumerate(classes.names) for name in split_synonyms(e)
    }
    places |= {label.lower(): row for row, label in enumerate(classes.labels)}
    wanted = check_names(list(picked)) if picked else classes.labels[:3]
    added = tuple(name for name in wanted if name.lower() not in places)
    entries = check_names((*classes.names, *added))
    rows = {name: len(classes.names) + number for number, name in enumerate(added)}
    rows |= {name: places[name.lower()] for name in wanted if name not in rows}
    colours = (*classes.colours, *colours_for(entries)[len(classes.names) :])
    places_wanted = tuple(rows[name] for name in wanted)
    chosen = tuple(colours[row] for row in places_wanted)
    return Listed(entries, places_wanted, tuple(wanted), chosen, added)


def heat_cell(
    image: np.ndarray, maps: np.ndarray, row: int, look: HeatLook, is_score: bool, alt: str
) -> Cell:
    """One map over the picture.

    Args:
        image: uint8 (H, W, 3).
        maps: float (K, h, w), cosines or scores of all entries.
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
