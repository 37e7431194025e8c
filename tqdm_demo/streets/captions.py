"""Captions of regions of street pictures, in natural words.

A caption names the classes of a region (by any of their synonyms), sometimes with the domain's
phrase ("an oil painting of ...") or the region's colour. The words used here are all that the
bundled CLIP has read: :func:`known_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# By Cityscapes train id: the class's own name first, then words for the same thing or a kind of
# it. Entry 1 is always one word: evaluate.py's test with replaced names uses that list.
SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("road", "street", "roadway", "asphalt", "lane", "driveway"),
    ("sidewalk", "pavement", "footpath", "walkway", "kerb"),
    ("building", "house", "facade", "shop", "skyscraper", "apartment block", "tower"),
    ("wall", "masonry", "brick wall", "stone wall", "rampart"),
    ("fence", "railing", "picket fence", "paling", "barrier"),
    ("pole", "post", "lamppost", "mast", "street lamp"),
    ("traffic light", "stoplight", "traffic signal", "signal light"),
    ("traffic sign", "signpost", "road sign", "signboard", "street sign"),
    ("vegetation", "foliage", "tree", "bush", "shrub", "hedge", "plant"),
    ("terrain", "lawn", "grass", "meadow", "turf", "ground"),
    ("sky", "heaven", "cloud", "cloudy sky", "open sky"),
    ("person", "pedestrian", "human", "man", "woman", "walker"),
    ("rider", "cyclist", "bicyclist", "biker", "motorcyclist"),
    ("car", "automobile", "sedan", "taxi", "hatchback", "passenger car"),
    ("truck", "lorry", "delivery truck", "cargo truck"),
    ("bus", "coach", "omnibus", "city bus"),
    ("train", "tram", "streetcar", "trolley", "railway train"),
    ("motorcycle", "motorbike", "moped", "scooter"),
    ("bicycle", "bike", "cycle", "pushbike"),
)
WITHOUT_ARTICLE = frozenset(
    ["asphalt", "masonry", "vegetation", "foliage", "terrain", "grass", "turf", "ground", "heaven"]
)
TEMPLATES = (
    "{}",
    "{}",
    "a photo of {}",
    "a picture of {}",
    "an image of {}",
    "a view of {}",
    "this is {}",
    "there is {}",
    "{} in the street",
    "{} in the city",
    "part of {}",
    "a clean origami of {}",
)
PHOTO_PHRASE = "a real photo of"
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (25, 25, 28),
    "white": (238, 238, 238),
    "grey": (128, 128, 130),
    "red": (190, 40, 40),
    "orange": (225, 130, 45),
    "yellow": (225, 205, 60),
    "green": (70, 140, 60),
    "blue": (60, 100, 190),
    "purple": (125, 65, 150),
    "pink": (225, 150, 175),
    "brown": (115, 80, 50),
}


@dataclass(frozen=True)
class Caption:
    """One caption and what it says.

    Attributes:
        text: the words.
        classes: bit k is set where train id k is named.
        domain: the domain that the words tell, or None.
        colour: the colour word, or None.
    """

    text: str
    classes: int
    domain: str | None = None
    colour: str | None = None


def colour_word(rgb: Sequence[float]) -> str:
    """The nearest of the eleven basic colour words to a mean colour (RGB, 0..255)."""
    distances = {
        word: sum((a - b) ** 2 for a, b in zip(rgb, reference, strict=True))
        for word, reference in COLOURS.items()
    }
    return min(distances, key=distances.__getitem__)


def describe(
    classes: Sequence[int],
    rng: np.random.Generator,
    domain: str | None = None,
    phrase: str | None = None,
    colour: str | None = None,
    table: Sequence[Sequence[str]] = SYNONYMS,
) -> Caption:
    """Words for a region that shows ``classes``.

    Args:
        classes: indices into ``table``, most of the region first.
        rng: chooses synonyms and template.
        domain, phrase: if both are given, the caption tells the domain by its phrase.
        colour: if given, put before the first noun.
        table: words for every class, its own name first.

    Raises:
        ValueError: no class, or one that is not in ``table``.
    """
    if not classes or not all(0 <= k < len(table) for k in classes):
        raise ValueError(f"classes is {list(classes)}; it takes ids 0..{len(table) - 1}")
    nouns = [_noun(table[k], rng, colour if i == 0 else None) for i, k in enumerate(classes)]
    thing = " and ".join(nouns)
    told = domain is not None and phrase is not None
    text = f"{phrase} {thing}" if told else TEMPLATES[rng.integers(len(TEMPLATES))].format(thing)
    bits = sum(1 << k for k in set(classes))
    return Caption(text, bits, domain if told else None, colour)


def known_words(
    phrases: Sequence[str] = (), table: Sequence[Sequence[str]] = SYNONYMS
) -> tuple[str, ...]:
    """Every word that captions can hold, sorted; ``phrases`` are the domains' phrases."""
    texts = [synonym for synonyms in table for synonym in synonyms]
    texts += [template.replace("{}", "a an and") for template in TEMPLATES]
    texts += [*COLOURS, PHOTO_PHRASE, *phrases]
    return tuple(sorted({word for text in texts for word in text.lower().split()}))


def _noun(synonyms: Sequence[str], rng: np.random.Generator, colour: str | None) -> str:
    # The class's own name comes up as often as all its other words together.
    word = synonyms[0] if rng.random() < 0.5 else synonyms[rng.integers(1, len(synonyms))]
    words = f"{colour} {word}" if colour else word
    if word in WITHOUT_ARTICLE or rng.random() < 0.3:
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
