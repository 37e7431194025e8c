"""How many pixels of every class each picture shows: what rare-class sampling needs to know.

Counted once by several processes, written as JSON, and counted again when a file of the data set
was added, removed or changed (names, sizes and times of last change). Files that are broken are
left out and listed with the reason.

Axes: N pictures; M classes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.data.file_source import FileSource, PictureFiles, read_picture
from tqdm_demo.data.label_files import read_labels
from tqdm_demo.data.street_pool import mapper
from tqdm_demo.inference.orientation import read_orientation
from tqdm_demo.vocabulary import IGNORED

_VERSION = 1
_CHUNK = 32  # pictures that one task counts


@dataclass(frozen=True)
class ClassIndex:
    """The usable pictures of some data sets.

    Attributes:
        files: N pictures whose headers and labels could be read and belong together.
        counts: int64 (N, M) pixels of every class.
        broken: name of a picture that cannot be used -> why.
    """

    files: tuple[PictureFiles, ...]
    counts: np.ndarray
    broken: dict[str, str]


def open_index(sources: Sequence[FileSource], path: Path, classes: int, workers: int) -> ClassIndex:
    """The index of these sets: from ``path`` if it is still true, otherwise counted and kept there.

    Args:
        sources: the sets, one after the other.
        path: JSON file; its folder is made.
        classes: number M of train ids.
        workers: counting processes; 0 counts in this one.

    Raises:
        ValueError: no picture can be used.
    """
    files = [file for source in sources for file in source.files]
    print_of_files = _fingerprint(files)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        found = _load(path, print_of_files)
        if found is None:
            found = _count_all(files, workers)
            content = {"version": _VERSION, "fingerprint": print_of_files, "pictures": found}
            replace_text(path, json.dumps(content) + "\n")
    usable = [n for n, entry in enumerate(found) if "error" not in entry]
    broken = {entry["file"]: entry["error"] for entry in found if "error" in entry}
    if not usable:
        reasons = "; ".join(list(broken.values())[:3])
        raise ValueError(f"none of {len(files)} pictures can be used: {reasons}")
    counts = np.zeros((len(usable), classes), np.int64)
    for row, n in enumerate(usable):
        for train_id, pixels in found[n]["pixels"].items():
            if int(train_id) < classes:
                counts[row, int(train_id)] = pixels
    return ClassIndex(tuple(files[n] for n in usable), counts, broken)


def _fingerprint(files: Sequence[PictureFiles]) -> str:
    """Changes when a file is another one, was written again, or is read by another table."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.table.name}\0".encode())
        for path in (file.image, file.labels):
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _load(path: Path, print_of_files: str) -> list[dict] | None:
    """The entries of an index that fits these files."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if (saved["version"], saved["fingerprint"]) == (_VERSION, print_of_files):
            return saved["pictures"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none, or half of one: counted again
    return None


def _count_all(files: Sequence[PictureFiles], workers: int) -> list[dict]:
    """One entry per picture, in order."""
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    entries: list[dict] = []
    with (
        tqdm(total=len(files), desc="index", unit="picture") as bar,
        mapper(min(workers, len(chunks))) as run,
    ):
        for part in run(_count_chunk, chunks):
            entries += part
            bar.update(len(part))
    return entries


def _count_chunk(files: Sequence[PictureFiles]) -> list[dict]:
    return [_count(file) for file in files]


def _count(file: PictureFiles) -> dict:
    """The entry of one picture; its image is opened for its size only, where that is enough."""
    try:
        labels = read_labels(file.labels, file.table)
        if _quick_size(file.image) != labels.shape:
            read_picture(replace(file, domain=""))  # raises, where they do not belong together
    except ValueError as error:
        return {"file": file.name, "error": str(error)}
    counts = np.bincount(labels.ravel(), minlength=256)[:IGNORED]
    pixels = {str(k): int(counts[k]) for k in np.flatnonzero(counts)}
    return {"file": file.name, "pixels": pixels}


def _quick_size(path: Path) -> tuple[int, int] | None:
    """(H, W) of a picture from its head alone; None where that does not tell."""
    if not path.is_file():  # a pipe would block
        return None
    try:
        with Image.open(path) as image:
            # The EXIF of a PNG may stand behind its pixels, and Pillow turns TIFFs by itself.
            turned = image.format == "JPEG" and read_orientation(image) >= 5
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception:  # of every class, by the decoder that met the damage
        return None
