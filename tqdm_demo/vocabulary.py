"""Class names: the lists that come with the project, their colours, and their checks.

A class has one or more names: the first is what the legend shows, the others are its synonyms,
and the best of them counts. :mod:`tqdm_demo.class_list` reads what a user types.
"""

from __future__ import annotations

import colorsys
import hashlib
import re
import unicodedata
from collections.abc import Sequence

Colour = tuple[int, int, int]
# In a map of labels: the pixel has no label, or one that does not count.
IGNORED = 255

# Cityscapes, in the order of its train ids, with its published colours.
_CITYSCAPES: dict[str, Colour] = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
CITYSCAPES_NAMES: tuple[str, ...] = tuple(_CITYSCAPES)
CITYSCAPES_COLOURS: tuple[Colour, ...] = tuple(_CITYSCAPES.values())

CAMVID_NAMES: tuple[str, ...] = (
    "road", "sidewalk", "building", "fence", "pole", "traffic sign", "vegetation", "sky",
    "person", "rider", "car",
)  # fmt: skip

# One other word for every Cityscapes name, in the same order.
SYNONYM_NAMES: tuple[str, ...] = (
    "street", "pavement", "house", "masonry", "railing", "post", "stoplight", "signpost",
    "foliage", "lawn", "heaven", "pedestrian", "cyclist", "automobile", "lorry", "coach", "tram",
    "motorbike", "bike",
)  # fmt: skip

# The classes of the photographs that the bundled “photos” models were trained on (MSRC v2).
PHOTO_NAMES: tuple[str, ...] = (
    "building", "grass", "tree", "cow", "horse", "sheep", "sky", "mountain", "aeroplane", "water",
    "face", "car", "bicycle", "flower", "sign", "bird", "book", "chair", "road", "cat", "dog",
    "body", "boat",
)  # fmt: skip

PRESETS: dict[str, tuple[str, ...]] = {
    "Cityscapes 19": CITYSCAPES_NAMES,
    "Photographs 23": PHOTO_NAMES,
    "CamVid 11": CAMVID_NAMES,
    "Things only": CITYSCAPES_NAMES[11:],
    "Other words": SYNONYM_NAMES,
    "In the park": ("footpath", "tree", "bush", "grass", "sky", "pedestrian", "bike"),
    "Coarse": ("road, pavement, grass", "building, house, wall", "sky"),
}
# Lists that would flood the picture without a class for the rest.
NEED_EVERYTHING_ELSE = ("Things only",)

MAX_NAMES = 64
MAX_LENGTH = 60
# So many mistakes of a list are told at once.
_TOLD = 5

# Two colours of one picture differ by at least this much (Euclidean distance in RGB).
_DISTINCT = 80.0


def split_names(entries: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Reads entries as they are written and checks them.

    Args:
        entries: one class each, synonyms separated by commas: ``["road", "car, taxi"]``.

    Returns:
        The names of every entry with single spaces, the one that is shown first.

    Raises:
        ValueError: as :func:`check_names`, or a text in place of a list.
    """
    if isinstance(entries, str):
        raise ValueError(f"The class names must be a list, not the text {entries[:40]!r}.")
    groups = tuple(tuple(map(_tidy, _normal(entry).split(","))) for entry in entries)
    check_names(groups)
    return groups


def check_names(groups: Sequence[Sequence[str]]) -> None:
    """Looks for mistakes in a list of classes.

    Args:
        groups: the names of every class, 1 to :data:`MAX_NAMES` in all, each up to
            :data:`MAX_LENGTH` characters long.

    Raises:
        ValueError: no name at all, too many, an empty one, one that is too long, one without a
            letter, or one that is there twice (capitals make no difference).
    """
    if not groups:
        raise ValueError("The list is empty: write at least one class name.")
    count = sum(map(len, groups))
    if count > MAX_NAMES:
        raise ValueError(f"{count} names are too many: {MAX_NAMES} at most, synonyms included.")
    seen: dict[str, int] = {}
    problems: list[str] = []
    for number, names in enumerate(groups, start=1):
        for name in names:
            problems += _mistakes(name, number, seen)
            seen.setdefault(name.lower(), number)
    if problems:
        raise ValueError(tell_mistakes(problems))


def tell_mistakes(problems: Sequence[str]) -> str:
    """The first sentences of a list of mistakes, and how many there are besides."""
    more = len(problems) - _TOLD
    rest = [f"And {more} more mistake{'s' if more > 1 else ''}."] if more > 0 else []
    return " ".join([*problems[:_TOLD], *rest])


def unknown_words(name: str, known: frozenset[str]) -> tuple[str, ...]:
    """The words of a name that a text tower never saw while it was trained.

    Args:
        name: one class name, or several in one text.
        known: the words it saw, lower case; empty = not recorded, then nothing is unknown.
    """
    if not known:
        return ()
    words = re.findall(r"[^\W_]+", name.lower())
    return tuple(dict.fromkeys(word for word in words if word not in known))


def colours_for(names: Sequence[str]) -> tuple[Colour, ...]:
    """One colour (RGB, 0 to 255) for every name: it keeps its colour between lists.

    Cityscapes names have their published colours. Others get one from their spelling, moved on
    where it would be hard to tell from a colour that is already taken.
    """
    keys = [name.lower() for name in names]
    taken = [_CITYSCAPES[key] for key in keys if key in _CITYSCAPES]
    colours = []
    for key in keys:
        colour = _CITYSCAPES.get(key)
        if colour is None:
            colour = _free_colour(key, taken)
            taken.append(colour)
        colours.append(colour)
    return tuple(colours)


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", str(text))
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _mistakes(name: str, number: int, seen: dict[str, int]) -> list[str]:
    if not name:
        return [f"Entry {number} has an empty name."]
    shown = f"“{name[:MAX_LENGTH]}{'…' if len(name) > MAX_LENGTH else ''}”"
    if len(name) > MAX_LENGTH:
        return [f"{shown} is too long: {len(name)} characters, {MAX_LENGTH} at most."]
    if not any(c.isalnum() for c in name):
        return [f"{shown} has no letter in it."]
    if name.lower() in seen:
        return [f"{shown} is there twice (entries {seen[name.lower()]} and {number})."]
    return []


def _free_colour(key: str, taken: Sequence[Colour]) -> Colour:
    """The first of a fixed walk through the colour circle, begun at ``key``, that is distinct."""
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    best, best_distance = (0, 0, 0), -1.0
    for step in range(MAX_NAMES):
        # The golden angle spreads the hues; two more cycles vary how deep and bright they are.
        place = start + step
        hue = (place * 0.618034) % 1.0
        saturation = (0.75, 0.5, 0.9)[place % 3]
        value = (0.95, 0.75, 0.55, 0.85)[place % 4]
        red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
        colour = (round(red * 255), round(green * 255), round(blue * 255))
        distance = min((_distance(colour, other) for other in taken), default=_DISTINCT)
        if distance >= _DISTINCT:
            return colour
        if distance > best_distance:
            best, best_distance = colour, distance
    return best


def _distance(first: Colour, second: Colour) -> float:
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5
