"""The pictures of a training: what it learns from, what chooses its best weights, what it watches.

All of them are found, or reported missing, before any model is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.datasets import (
    VALIDATION_SEEDS,
    DataSource,
    FileSource,
    LabelledPicture,
    StreetSource,
    describe,
    parse_data,
)
from tqdm_demo.data.specs import open_kinds, split_specs, with_root
from tqdm_demo.training.distributed import process_count, rank

# The fields of a TrainConfig that are data specifications.
SPECS = ("source", "validation", "watch", "styles")


@dataclass(frozen=True)
class TrainingData:
    """What a training reads.

    Attributes:
        train: it learns from these.
        checks: data specification, with the mapping of Mapillary's ids behind it -> sources to be
            measured on, how many pictures of each source, in order; the first one chooses the best
            weights.
        report: what was found, and what is missing, for people.
        class_names: of all these sets, in the order of their ids.
    """

    train: tuple[DataSource, ...]
    checks: dict[str, tuple[tuple[DataSource, ...], int]]
    report: str
    class_names: tuple[str, ...]


def with_data_root(config: TrainConfig, root: Path | None) -> TrainConfig:
    """A training with the folder of all sets that name none.

    Raises:
        ValueError: a set without a folder, or a folder that no set takes.
    """
    specs = {key: getattr(config, key) for key in SPECS}
    unplaced = {kind for spec in specs.values() for kind in open_kinds(spec)}
    if root is None:
        if unplaced:
            raise ValueError(f"name the folder of {', '.join(sorted(unplaced))} with --data-root")
        return config
    if not unplaced:
        raise ValueError(f"--data-root {root} is for sets that name no folder; all of them do")
    return replace(config, **{k: with_root(s, str(root)) for k, s in specs.items()})


def find_data(config: TrainConfig) -> TrainingData:
    """Finds all pictures.

    Raises:
        ValueError: a set that is not there (the text is a report of what was found, what is
            missing, and how to get it), or sets with different classes.
    """
    train = parse_data(config.source, split="train")
    report = [describe(train)]
    drawn = all(isinstance(source, StreetSource) for source in train)
    spec = config.validation or (config.source if drawn else _own_validation(config.source))
    try:
        chosen_by = parse_data(spec, split="val")
    except ValueError as error:
        if config.validation:
            raise
        report.append(f"no validation part of {config.source}: {error}")
        spec, chosen_by = config.source, train
    if _files(chosen_by) & _files(train):
        report.append(
            "The best weights will be chosen on pictures that are also trained on; --validation "
            "names others."
        )
    checks = {_with_mapping(spec, chosen_by): (chosen_by, config.validation_scenes)}
    for source in parse_data(config.watch) if config.watch else ():
        key = _with_mapping(source.spec, (source,))
        checks.setdefault(key, ((source,), config.watch_scenes))
    _check_names(train, checks)
    return TrainingData(train, checks, "\n".join(report), train[0].names)


def _own_validation(source: str) -> str:
    """The validation part of training sets, all of it: a choice of training pictures is dropped."""
    parts = []
    for spec in split_specs(source):
        # A plain folder has no split by default, the other sets take their own.
        val = ("val",) if spec.kind == "folder" else ()
        words = tuple(w for word in spec.words for w in (val if word == "train" else (word,)))
        settings = tuple(pair for pair in spec.settings if pair[0] == "filter")
        parts.append(str(replace(spec, words=words, settings=settings)))
    return ",".join(dict.fromkeys(parts))


def _check_names(
    train: tuple[DataSource, ...], checks: dict[str, tuple[tuple[DataSource, ...], int]]
) -> None:
    """Refuses sets that do not have the classes of the first one."""
    for source in (*train, *(source for sources, _ in checks.values() for source in sources)):
        if source.names != train[0].names:
            raise ValueError(
                f"{source.spec} has other classes ({len(source.names)}: "
                f"{', '.join(source.names[:3])} ...) than {train[0].spec} "
                f"({len(train[0].names)}: {', '.join(train[0].names[:3])} ...); a training takes "
                "sets with the same ones, evaluate takes any"
            )


def _with_mapping(spec: str, sources: tuple[DataSource, ...]) -> str:
    """How results name a set: figures under different mappings cannot be compared."""
    of_mapillary = (s for s in sources if isinstance(s, FileSource) and s.kind == "mapillary")
    mappings = dict.fromkeys(source.mapping for source in of_mapillary)
    return f"{spec} ({', '.join(mappings)})" if mappings else spec


def _files(sources: tuple[DataSource, ...]) -> set[Path]:
    """The pictures of those that are on disk."""
    found = (source.files for source in sources if not isinstance(source, StreetSource))
    return {file.image for files in found for file in files}


class ValidationPictures(Sequence[LabelledPicture]):
    """Pictures that are read from disk each time: at full size they would take gigabytes.

    Args:
        drawn: in memory; they are small.
        files: data set and index of each picture on disk.
        cache: folder of filtered pictures.

    Attributes:
        shown: bool (256,), the labels that occur in any of them.

    All are read once here; those that cannot be read are left out, and told.

    Raises:
        ValueError: no file can be read.
    """

    def __init__(
        self,
        drawn: Sequence[LabelledPicture],
        files: Sequence[tuple[FileSource, int]],
        cache: Path | None,
    ) -> None:
        self._drawn, self._cache, self.shown = drawn, cache, shown_labels(drawn)
        self._files, reasons = [], []
        for source, number in files:
            try:
                self.shown |= shown_labels([source.read(number, cache)])
                self._files.append((source, number))
            except ValueError as error:
                reasons.append(str(error))
                tqdm.write(f"validation: left out: {error}")
        if reasons and not self._files:
            raise ValueError(f"none of {len(files)} validation pictures can be used: {reasons[0]}")

    def __len__(self) -> int:
        return len(self._drawn) + len(self._files)

    def __getitem__(self, index: int) -> LabelledPicture:
        if index < len(self._drawn):
            return self._drawn[index]
        source, number = self._files[index - len(self._drawn)]
        return source.read(number, self._cache)


def shown_labels(pictures: Iterable[LabelledPicture]) -> np.ndarray:
    """bool (256,): the labels that occur in any of the pictures."""
    shown = np.zeros(256, bool)
    for picture in pictures:
        shown[np.unique(picture.labels)] = True
    return shown


def read_pictures(
    sources: tuple[DataSource, ...],
    count: int,
    size: tuple[int, int],
    cache: Path,
    workers: int,
    shared: bool = True,
) -> ValidationPictures:
    """Validation pictures of every source: those that this process measures.

    Args:
        sources: drawn or on disk.
        count: of each.
        size: (width, height) of drawn ones.
        cache: folder of painted and filtered pictures.
        workers: painting processes.
        shared: every process gets its share; otherwise all get all, which models that are spread
            over the processes need, because every pass through them takes all processes.

    Raises:
        ValueError: as :class:`ValidationPictures`.
    """
    mine = slice(rank(), None, process_count()) if shared else slice(None)
    drawn: list[LabelledPicture] = []
    files: list[tuple[FileSource, int]] = []
    for source in sources:
        if isinstance(source, StreetSource):
            found = list(source.pictures(count, VALIDATION_SEEDS, size, cache, workers))
            drawn += found[mine]
        else:
            files += [(source, index) for index in source.chosen(count, seed=0)[mine]]
    return ValidationPictures(drawn, files, cache)
