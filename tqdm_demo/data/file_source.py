"""Labelled pictures on disk: GTA5, SYNTHIA, Cityscapes, BDD100K, Mapillary, ACDC, plain folders.

They are read as they unpack; :mod:`tqdm_demo.data.set_layouts` tells how that is, and
:mod:`tqdm_demo.data.set_search` finds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tqdm_demo.data.filtered import filtered
from tqdm_demo.data.id_tables import IdTable
from tqdm_demo.data.label_files import read_labels
from tqdm_demo.data.set_layouts import KINDS, SetKind
from tqdm_demo.data.street_pool import CACHE_DIR
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


@dataclass(frozen=True)
class LabelledPicture:
    """A picture: image uint8 (H, W, 3) RGB, labels uint8 (H, W) train ids or 255, its name."""

    image: np.ndarray
    labels: np.ndarray
    name: str = ""


@dataclass(frozen=True)
class PictureFiles:
    """One picture with its labels on disk.

    Attributes:
        name: the picture's path below its folder.
        image, labels: the two files.
        table: what the ids of the labels mean.
        domain: whose look the picture is given when it is read; "" = none, it stays as it is.
    """

    name: str
    image: Path
    labels: Path
    table: IdTable
    domain: str = ""


@dataclass(frozen=True)
class FileSource:
    """Pictures on disk.

    Attributes:
        spec: how it was asked for.
        kind: key of :data:`tqdm_demo.data.set_layouts.KINDS`.
        files: pictures with labels, in the order of their names.
        unlabelled: names of the pictures without.
        report: what was found and what is missing, for people.
        names: the class names, in the order of the train ids.
    """

    spec: str
    kind: str
    files: tuple[PictureFiles, ...]
    unlabelled: tuple[str, ...]
    report: str
    names: tuple[str, ...] = CITYSCAPES_NAMES

    @property
    def about(self) -> SetKind:
        """What is known of the data set as a whole."""
        return KINDS[self.kind]

    @property
    def mapping(self) -> str:
        """How the label files' ids became train ids."""
        return " and ".join(dict.fromkeys(file.table.name for file in self.files))

    def __len__(self) -> int:
        return len(self.files)

    def check(self) -> str:
        """What was found and what is missing."""
        return self.report

    def read(self, index: int, cache: Path = CACHE_DIR) -> LabelledPicture:
        """One picture, checked against its labels.

        Args:
            index: of the picture.
            cache: folder of filtered pictures.

        Raises:
            ValueError: a file that cannot be read, labels of another size than the picture, or ids
                that the set does not have; the file is named.
        """
        return read_picture(self.files[index], cache)

    def chosen(self, limit: int | None, seed: int) -> list[int]:
        """At most ``limit`` indices (all for None), chosen by ``seed``, in order."""
        if limit is None or limit >= len(self):
            return list(range(len(self)))
        return sorted(np.random.default_rng(seed).permutation(len(self))[:limit].tolist())

    def pictures(self, limit: int | None, seed: int) -> Iterator[LabelledPicture]:
        """The pictures of :meth:`chosen`.

        Raises:
            ValueError: as :meth:`read`.
        """
        return (self.read(index) for index in self.chosen(limit, seed))


def read_picture(files: PictureFiles, cache: Path = CACHE_DIR) -> LabelledPicture:
    """As :meth:`FileSource.read`."""
    labels = read_labels(files.labels, files.table)
    try:
        image = read_image(files.image)
    except ValueError as error:
        raise ValueError(f"cannot read {files.image}: {error}") from error
    check_size(files, image.shape[:2], labels.shape)
    if files.domain:
        image = filtered(image, files.domain, files.name, cache)
    return LabelledPicture(image, labels, files.name)


def check_size(files: PictureFiles, image: tuple[int, ...], labels: tuple[int, ...]) -> None:
    """Compares the shapes (H, W) of a picture and its labels.

    Raises:
        ValueError: they differ.
    """
    if image != labels:
        raise ValueError(
            f"{files.labels} is {labels[1]} x {labels[0]} pixels, but its picture {files.image} is "
            f"{image[1]} x {image[0]}"
        )
