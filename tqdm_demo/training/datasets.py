"""Labelled pictures by specification: ``streets:game,streets:night``, ``folder:PATH[:SPLIT]``.

A folder set has its pictures below ``PATH/images/`` (or ``PATH/images/SPLIT/``) and, for each, a
single-channel PNG of Cityscapes train ids with the same relative name below ``PATH/labels/``
(255 = not labelled).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tqdm_demo.streets.domains import DOMAINS, SOURCE
from tqdm_demo.training.street_pool import CACHE_DIR, StreetPool
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

EVALUATION_SEEDS = 10_000  # scenes below this seed are for evaluation ...
VALIDATION_SEEDS = 9_000  # from here on those that choose the best weights
TRAIN_SEEDS = 100_000  # ... and from this one on for training
IGNORED = 255
_PICTURE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}

__all__ = ["DataSource", "FolderSource", "LabelledPicture", "StreetPool", "StreetSource",
           "parse_data", "read_folder"]  # fmt: skip


@dataclass(frozen=True)
class LabelledPicture:
    """A picture: image uint8 (H, W, 3) RGB, labels uint8 (H, W) train ids or 255."""

    image: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class StreetSource:
    """Evaluation scenes of one domain; ``spec`` is how it was asked for."""

    spec: str
    domain: str

    @property
    def unseen(self) -> bool:
        """Whether segmenters never train on this domain."""
        return self.domain != SOURCE

    def pictures(
        self, limit: int, seed: int, size: tuple[int, int], cache_dir: Path = CACHE_DIR,
        workers: int = 2,
    ) -> Iterator[LabelledPicture]:  # fmt: skip
        """``limit`` scenes from seed ``seed`` on, painted at ``size`` (width, height).

        Raises:
            ValueError: seeds outside those for evaluation.
        """
        if seed < 0 or seed + limit > EVALUATION_SEEDS:
            raise ValueError(
                f"scenes {seed}..{seed + limit - 1} are outside 0..{EVALUATION_SEEDS - 1}, "
                "the seeds for evaluation"
            )
        pool = StreetPool.open([self.domain], limit, seed, size, cache_dir, workers)
        yield from map(LabelledPicture, pool.images, pool.labels)


@dataclass(frozen=True)
class FolderSource:
    """Pictures on disk; ``split`` is None for all below ``path/images``."""

    spec: str
    path: Path
    split: str | None

    def pictures(self, limit: int | None, seed: int) -> Iterator[LabelledPicture]:
        """At most ``limit`` pictures (all for None), chosen by ``seed``, in order of their names.

        Raises:
            ValueError: a picture without labels, or labels that cannot be its own.
        """
        files = picture_files(self.path, self.split)
        if limit is not None and limit < len(files):
            chosen = np.random.default_rng(seed).permutation(len(files))[:limit]
            files = [files[n] for n in sorted(chosen)]
        for file in files:
            image, labels = read_picture(self.path, file)
            yield LabelledPicture(np.asarray(image), np.asarray(labels))


DataSource = StreetSource | FolderSource


def parse_data(spec: str) -> tuple[DataSource, ...]:
    """Reads a comma-separated list of sources; ``streets:all`` becomes one source per domain.

    Raises:
        ValueError: an empty list, an unknown kind or domain, a folder that holds no pictures, or
            a source that is named twice.
    """
    sources: list[DataSource] = []
    for part in (part.strip() for part in spec.split(",")):
        kind, _, rest = part.partition(":")
        if kind == "streets" and rest == "all":
            sources += [StreetSource(f"streets:{name}", name) for name in DOMAINS]
        elif kind == "streets" and rest in DOMAINS:
            sources.append(StreetSource(part, rest))
        elif kind == "streets":
            raise ValueError(f"unknown domain in {part!r}; known are all, {', '.join(DOMAINS)}")
        elif kind == "folder" and rest:
            path, _, split = rest.partition(":")
            picture_files(Path(path), split or None)
            sources.append(FolderSource(part, Path(path), split or None))
        else:
            raise ValueError(
                f"cannot read {part!r} in the data specification {spec!r}; it takes "
                "streets:DOMAIN, streets:all, folder:PATH or folder:PATH:SPLIT"
            )
    specs = [source.spec for source in sources]
    twice = sorted({name for name in specs if specs.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is named twice in {spec!r}")
    return tuple(sources)


def read_folder(path: Path, split: str | None = None) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Every picture of a folder set with its labels: (RGB image, train ids as an "L" image).

    Raises:
        ValueError: no pictures, or a picture whose labels are missing or cannot be its own.
    """
    for file in picture_files(path, split):
        yield read_picture(path, file)


def picture_files(path: Path, split: str | None) -> list[Path]:
    """The pictures of a folder set, relative to ``path/images``, sorted.

    Raises:
        ValueError: there are none.
    """
    root = Path(path) / "images"
    below = root / split if split else root
    files = [f.relative_to(root) for f in below.rglob("*") if f.suffix.lower() in _PICTURE_ENDINGS]
    if not files:
        raise ValueError(f"no pictures ({', '.join(sorted(_PICTURE_ENDINGS))}) below {below}")
    return sorted(files)


def read_picture(path: Path, file: Path) -> tuple[Image.Image, Image.Image]:
    """One picture (relative to ``path/images``) and its labels, checked against each other.

    Raises:
        ValueError: unreadable or missing files, labels of another size, several channels or
            other values than train ids and 255.
    """
    label_file = Path(path) / "labels" / file.with_suffix(".png")
    if not label_file.exists():
        raise ValueError(f"{Path(path) / 'images' / file} has no labels: no file {label_file}")
    try:
        image = Image.open(Path(path) / "images" / file).convert("RGB")
        labels = Image.open(label_file)
        labels.load()
    except OSError as error:
        raise ValueError(f"cannot read {file} or its labels in {path}: {error}") from error
    if len(labels.getbands()) != 1:
        raise ValueError(f"{label_file} has mode {labels.mode}; labels have a single channel")
    if labels.size != image.size:
        raise ValueError(f"{label_file} is {labels.size}, but its picture is {image.size} pixels")
    # A palette image's indices are the ids: no convert(), which would look up colours.
    ids = np.asarray(labels).astype(np.int64)
    odd = sorted(set(np.unique(ids).tolist()) - {*range(len(CITYSCAPES_NAMES)), IGNORED})
    if odd:
        raise ValueError(
            f"{label_file} holds {odd[:8]}; train ids are 0..{len(CITYSCAPES_NAMES) - 1} and 255"
        )
    return image, Image.fromarray(ids.astype(np.uint8))
