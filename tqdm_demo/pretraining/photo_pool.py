"""Labelled photographs and their copies through the domains' filters, made once and then kept.

Their classes become concepts by name, see :mod:`tqdm_demo.pretraining.concepts`.

Axes: N pictures; H W pixels.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image
from tqdm import tqdm

from tqdm_demo.data.file_source import FileSource, LabelledPicture
from tqdm_demo.data.street_pool import mapper
from tqdm_demo.pretraining.concepts import concept_ids
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.streets.captions import PHOTO_PHRASE
from tqdm_demo.streets.domains import DOMAINS, apply_domain

PHOTO = "real photo"  # the domain of photographs as they are
UNLABELLED = 255


@dataclass(frozen=True)
class Filters:
    """Which copies of a photograph are made.

    Attributes:
        styles: keys of DOMAINS to choose from.
        copies: of each photograph, every one through another style; no more than there are.
        weakest: half the copies have a strength between this and 1, the others 1.
        side: pixels of a picture's longer side, at most.
        seed: of the choice, the filters and their strengths.
    """

    styles: tuple[str, ...]
    copies: int
    weakest: float = 0.4
    side: int = 320
    seed: int = 0

    @property
    def rows(self) -> int:
        """Pictures that one photograph becomes: itself and its copies."""
        return 1 + min(self.copies, len(self.styles))

    def chosen(self, index: int) -> tuple[str, ...]:
        """The styles of photograph ``index``, in the order of ``styles``."""
        rng = np.random.default_rng([self.seed, index])
        kept = rng.permutation(len(self.styles))[: self.copies]
        return tuple(self.styles[n] for n in sorted(kept))


def photo_pictures(
    source: FileSource, filters: Filters, cache: Path, workers: int = 2
) -> list[Pictures]:
    """Photographs as they are, each followed by its filtered copies; a Pictures for every shape.

    Args:
        source: the photographs with labels.
        filters: the copies.
        cache: folder of painted and filtered pictures.
        workers: processes; 0 = this one.

    Raises:
        ValueError: a class that is no concept, or a picture that cannot be read.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for index, files in enumerate(source.files):
        with Image.open(files.image) as opened:
            groups.setdefault(opened.size, []).append(index)
    places = [_place(source, chosen, filters, cache) for chosen in groups.values()]
    missing = [not place.exists() for place in places]
    with mapper(workers if any(missing) else 0) as run:
        for chosen, place in itertools.compress(zip(groups.values(), places, strict=True), missing):
            _filter_group(source, chosen, filters, place, run)
    return [
        _open_group(source, chosen, filters, place)
        for chosen, place in zip(groups.values(), places, strict=True)
    ]


def _place(source: FileSource, chosen: Sequence[int], filters: Filters, cache: Path) -> Path:
    """Where photographs of one shape are kept; another place for any other content."""
    files = [source.files[n] for n in chosen]
    sizes = [(f.name, f.domain, f.image.stat().st_size, f.labels.stat().st_size) for f in files]
    content = json.dumps([sizes, concept_ids(source.names), dataclasses.asdict(filters)])
    return cache / f"photos-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _filter_group(
    source: FileSource, chosen: Sequence[int], filters: Filters, place: Path, run: Callable
) -> None:
    """Filters photographs of one shape into ``place``, by ``run``, a ``map`` over processes."""
    partial, rows, count = place.with_suffix(".partial"), filters.rows, len(chosen)
    partial.mkdir(parents=True, exist_ok=True)
    image, labels = reduced(source.read(chosen[0]), concept_ids(source.names), filters.side)
    for name, shape in (("images", image.shape), ("labels", labels.shape)):
        whole = (count * rows, *shape)
        open_memmap(partial / f"{name}.npy", mode="w+", dtype=np.uint8, shape=whole).flush()
    arguments = (
        [partial] * count, [source] * count, chosen, range(0, count * rows, rows),
        [filters] * count,
    )  # fmt: skip
    for _ in tqdm(run(_filter_photo, *arguments), "photographs", count, unit="photo"):
        pass
    os.replace(partial, place)


def _open_group(
    source: FileSource, chosen: Sequence[int], filters: Filters, place: Path
) -> Pictures:
    """Photographs of one shape and their copies."""
    domains = []
    for index in chosen:
        domains.append(_look(source.files[index].domain))
        domains += [(style, DOMAINS[style].phrase) for style in filters.chosen(index)]
    return Pictures(
        np.load(place / "images.npy", mmap_mode="r"),
        np.load(place / "labels.npy", mmap_mode="r"),
        domains,
        tuple(sorted(concept_ids(source.names))),
    )


def _filter_photo(
    place: Path, source: FileSource, index: int, first: int, filters: Filters
) -> None:
    """Writes one photograph and its copies into the arrays of ``place``, from row ``first`` on.

    The filters guess sky and ground, as they do for any picture without labels.
    """
    images = np.load(place / "images.npy", mmap_mode="r+")
    labels = np.load(place / "labels.npy", mmap_mode="r+")
    image, ids = reduced(source.read(index), concept_ids(source.names), filters.side)
    images[first], labels[first : first + filters.rows] = image, ids
    rng = np.random.default_rng([filters.seed, index])
    for row, style in enumerate(filters.chosen(index), first + 1):
        strength = 1.0 if rng.random() < 0.5 else rng.uniform(filters.weakest, 1.0)
        images[row] = apply_domain(style, image, strength=strength, seed=int(rng.integers(1 << 30)))


def reduced(
    picture: LabelledPicture, concepts: Sequence[int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """A picture, its longer side at most ``side``, and its concepts: uint8 (H, W, 3), (H, W).

    Args:
        picture: with label ids.
        concepts: of every label id.
        side: in pixels.
    """
    image, ids = Image.fromarray(picture.image), Image.fromarray(picture.labels)
    factor = min(side / max(image.size), 1)
    size = tuple(max(round(edge * factor), 1) for edge in image.size)
    table = np.full(256, UNLABELLED, np.uint8)
    table[: len(concepts)] = concepts
    ids = np.asarray(ids.resize(size, Image.Resampling.NEAREST))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC)), table[ids]


def _look(domain: str) -> tuple[str, str]:
    return (domain, DOMAINS[domain].phrase) if domain else (PHOTO, PHOTO_PHRASE)
