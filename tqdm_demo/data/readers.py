"""The pictures of a data set that an evaluation takes, each read when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm_demo.data.datasets import DataSource, FileSource
from tqdm_demo.data.file_source import LabelledPicture, read_picture


@dataclass(frozen=True)
class Reader:
    """``read()`` gives one picture, or a ValueError that names its files."""

    name: str
    read: Callable[[], LabelledPicture]


@dataclass(frozen=True)
class Choice:
    """Which pictures of every data set.

    Attributes:
        limit: pictures of each set; None = all (of sets on disk).
        seed: first scene of drawn streets; chooses the pictures of a set on disk.
        size: (width, height) of drawn streets.
        cache: folder of painted and filtered pictures.
    """

    limit: int | None
    seed: int
    size: tuple[int, int]
    cache: Path


def open_readers(source: DataSource, choice: Choice, workers: int = 0) -> list[Reader]:
    """The pictures of one source; streets are painted now, by ``workers`` processes.

    Raises:
        ValueError: scenes outside those for evaluation.
    """
    if isinstance(source, FileSource):
        files = [source.files[n] for n in source.chosen(choice.limit, choice.seed)]
        return [Reader(file.name, partial(read_picture, file, choice.cache)) for file in files]
    wanted = (choice.limit, choice.seed, choice.size, choice.cache, workers)
    return [_ready(picture) for picture in source.pictures(*wanted)]


def check_complete(sources: Sequence[DataSource]) -> None:
    """Refuses sets with unlabelled pictures, whose scores would be of something else.

    Raises:
        ValueError: there are some.
    """
    for source in sources:
        if isinstance(source, FileSource) and source.unlabelled:
            raise ValueError(
                f"{source.check()}\nscores would be those of a part of the set: complete it, or "
                "give --skip-broken to leave these pictures out"
            )


def _ready(picture: LabelledPicture) -> Reader:
    return Reader(picture.name, lambda: picture)
