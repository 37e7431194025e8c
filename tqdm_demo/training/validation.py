"""The pictures of a training: what it learns from, what chooses its best weights, what it watches.

All of them are found, or reported missing, before any model is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm_demo.config import TrainConfig
from tqdm_demo.training.datasets import (
    VALIDATION_SEEDS,
    DataSource,
    LabelledPicture,
    StreetSource,
    describe,
    parse_data,
)
from tqdm_demo.training.distributed import process_count, rank


@dataclass(frozen=True)
class TrainingData:
    """What a training reads.

    Attributes:
        train: it learns from these.
        checks: data specification -> sources to be measured on, how many pictures of each source,
            in order; the first one chooses the best weights.
        report: what was found, and what is missing, for people.
    """

    train: tuple[DataSource, ...]
    checks: dict[str, tuple[tuple[DataSource, ...], int]]
    report: str


def find_data(config: TrainConfig) -> TrainingData:
    """Finds all pictures.

    Raises:
        ValueError: a set that is not there; the text is a report of what was found, what is
            missing, and how to get it.
    """
    train = parse_data(config.source, split="train")
    report = [describe(train)]
    drawn = all(isinstance(source, StreetSource) for source in train)
    spec = config.validation or (config.source if drawn else config.source.replace(":train", ""))
    try:
        chosen_by = parse_data(spec, split="val")
    except ValueError as error:
        if config.validation:
            raise
        report.append(f"no validation part of {config.source}: {error}")
        spec, chosen_by = config.source, train
    if not drawn and {s.files for s in chosen_by} & {s.files for s in train}:
        report.append(
            "The best weights will be chosen on pictures that are also trained on; --validation "
            "names others."
        )
    checks = {spec: (chosen_by, config.validation_scenes)}
    for source in parse_data(config.watch) if config.watch else ():
        checks.setdefault(source.spec, ((source,), config.watch_scenes))
    return TrainingData(train, checks, "\n".join(report))


def read_pictures(
    sources: tuple[DataSource, ...], count: int, size: tuple[int, int], cache: Path, workers: int
) -> list[LabelledPicture]:
    """This process' share of the first ``count`` validation pictures of every source.

    Args:
        sources: drawn or on disk.
        count: of each.
        size: (width, height) of drawn ones.
        cache: folder of painted pictures.
        workers: painting processes.

    Raises:
        ValueError: a picture that cannot be read.
    """
    pictures: list[LabelledPicture] = []
    for source in sources:
        if isinstance(source, StreetSource):
            found = list(source.pictures(count, VALIDATION_SEEDS, size, cache, workers))
            pictures += found[rank() :: process_count()]
        else:
            chosen = source.chosen(count, seed=0)[rank() :: process_count()]
            pictures += [source.read(index) for index in chosen]
    return pictures
