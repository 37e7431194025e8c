"""Labelled pictures by specification: a comma-separated list of sets, drawn or on disk.

``streets:DOMAIN`` and ``streets:all`` are drawn; the sets on disk are ``KIND:FOLDER``, KIND being
gta5, synthia, cityscapes, bdd100k, mapillary, acdc or folder, with options after further colons:
a split (``cityscapes:DIR:train``), ACDC's condition (``acdc:DIR:val:night``), Mapillary's version
and mapping (``mapillary:DIR:v2.0:rein``); which pictures, and with whose look
(``folder:DIR:train:exclude=0001TP*``, ``folder:DIR:val:filter=painterly``): see
:mod:`tqdm_demo.data.selection`. How a folder with a colon or a comma in its name is written tells
:mod:`tqdm_demo.data.specs`.

A folder set has its pictures below ``images/`` (or ``images/SPLIT/`` for ``folder:DIR:SPLIT``) and,
for each, a single-channel PNG of ids with the same relative name below ``labels/`` (255 = not
labelled). The ids are Cityscapes train ids, or indices into the names of ``DIR/classes.txt``, one
name a line, at most 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from tqdm_demo.data.file_source import FileSource, LabelledPicture
from tqdm_demo.data.selection import split_filters
from tqdm_demo.data.set_layouts import KINDS
from tqdm_demo.data.set_search import find_set
from tqdm_demo.data.specs import STREETS, Spec, split_specs
from tqdm_demo.data.street_pool import CACHE_DIR, StreetPool
from tqdm_demo.streets.domains import DOMAINS, SOURCE
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

EVALUATION_SEEDS = 10_000  # scenes below this seed are for evaluation ...
VALIDATION_SEEDS = 9_000  # from here on those that choose the best weights
TRAIN_SEEDS = 100_000  # ... and from this one on for training

__all__ = ["DataSource", "FileSource", "LabelledPicture", "StreetPool", "StreetSource",
           "describe", "parse_data", "read_folder"]  # fmt: skip


@dataclass(frozen=True)
class StreetSource:
    """Scenes of one domain; ``spec`` is how it was asked for."""

    spec: str
    domain: str

    @property
    def unseen(self) -> bool:
        """Whether segmenters never train on this domain."""
        return self.domain != SOURCE

    @property
    def names(self) -> tuple[str, ...]:
        """The class names, in the order of the train ids."""
        return CITYSCAPES_NAMES

    def check(self) -> str:
        """What there is."""
        return f"streets: drawn pictures of the domain {self.domain}, painted when needed"

    def pictures(
        self, limit: int, seed: int, size: tuple[int, int], cache_dir: Path = CACHE_DIR,
        workers: int = 2,
    ) -> Iterator[LabelledPicture]:  # fmt: skip
        """``limit`` evaluation scenes from seed ``seed`` on, painted at ``size`` (width, height).

        Raises:
            ValueError: seeds outside those for evaluation.
        """
        if seed < 0 or seed + limit > EVALUATION_SEEDS:
            raise ValueError(
                f"scenes {seed}..{seed + limit - 1} are outside 0..{EVALUATION_SEEDS - 1}, "
                "the seeds for evaluation"
            )
        pool = StreetPool.open([self.domain], limit, seed, size, cache_dir, workers)
        names = [f"{self.domain}-{number:05d}" for number in pool.seeds]
        yield from map(LabelledPicture, pool.images, pool.labels, names)


DataSource = StreetSource | FileSource


def parse_data(spec: str, split: str = "val") -> tuple[DataSource, ...]:
    """Reads a comma-separated list of sources; ``streets:all`` becomes one source per domain.

    Args:
        spec: see the module's description.
        split: "train" or "val", where a data set that has splits is named without one.

    Raises:
        ValueError: an empty list, an unknown kind, domain or option, a source that is named twice,
            or a set without labelled pictures: then the text is a report of what was looked for,
            what was found, and how to get it.
    """
    sources: list[DataSource] = []
    for part in split_specs(spec) or (Spec(""),):
        if part.kind == STREETS:
            sources += _streets(part)
        elif part.kind in KINDS and part.place:
            sources += _on_disk(part, split)
        else:
            raise ValueError(
                f"cannot read '{part}' in the data specification {spec!r}; it takes "
                f"streets:DOMAIN, streets:all, or KIND:FOLDER with KIND one of {', '.join(KINDS)}"
            )
    specs = [source.spec for source in sources]
    twice = sorted({name for name in specs if specs.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is named twice in {spec!r}")
    return tuple(sources)


def _streets(spec: Spec) -> list[DataSource]:
    domains = tuple(DOMAINS) if spec.place == "all" else (spec.place,)
    if not set(domains) <= set(DOMAINS) or spec.words or spec.settings:
        raise ValueError(f"unknown domain in '{spec}'; known are all, {', '.join(DOMAINS)}")
    return [StreetSource(f"{STREETS}:{name}", name) for name in domains]


def _on_disk(spec: Spec, split: str) -> list[DataSource]:
    """The set as it is, or once for every domain whose look is asked for."""
    parts = split_filters(spec)
    found, sources = find_set(spec, split), []
    for part, domain in parts:
        files = tuple(replace(file, domain=domain) for file in found.files)
        report = found.report if not sources else f"{part}: the same pictures"
        report += f"\n  filter: {domain}" if domain else ""
        sources.append(replace(found, spec=str(part), files=files, report=report))
    return sources


def describe(sources: Sequence[DataSource]) -> str:
    """What was found of each source and what is missing, a few lines each."""
    return "\n".join(source.check() for source in sources)


def read_folder(path: Path, split: str | None = None) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Every picture of a folder set with its labels: (RGB image, train ids as an "L" image).

    Raises:
        ValueError: no pictures, or a picture whose labels are missing or cannot be its own.
    """
    source = find_set(Spec("folder", str(path), (split,) if split else ()))
    if source.unlabelled:
        raise ValueError(f"{source.unlabelled[0]} in {path} has no labels")
    for picture in source.pictures(None, 0):
        yield Image.fromarray(picture.image), Image.fromarray(picture.labels)
