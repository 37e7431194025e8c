"""Which pictures a command line names: files, folders and patterns."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LABELS, OVERLAY, MASKS = ".labels.png", ".overlay.jpg", ".masks"
# Of a folder these are taken; a file that is named itself is read whatever it is called. HEIC is
# among them so that it is told what to do, rather than left out in silence.
_KINDS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".jp2")
_KINDS += (".ppm", ".heic", ".heif")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class FoundPicture:
    """One picture file.

    Attributes:
        path: of the file, as it was named.
        name: what results are called after: below a folder that was named, the path within it.
    """

    path: Path
    name: Path


def find_pictures(places: Sequence[str]) -> list[FoundPicture]:
    """All pictures that are named, every file once, in the order of a directory listing.

    Args:
        places: files; folders, whose pictures are taken with those of the folders in them, but
            nothing hidden and no results of this program; patterns with ``*``, ``?`` and ``**``.

    Raises:
        ValueError: an address on the network, or a place where there is no picture.
    """
    found: dict[str, FoundPicture] = {}
    for place in places:
        pictures = list(_pictures(place))
        if not pictures:
            raise ValueError(f"There is no picture in {place}.")
        for picture in pictures:
            found.setdefault(os.path.abspath(picture.path), picture)
    return list(found.values())


def _pictures(place: str) -> Iterator[FoundPicture]:
    path = Path(place)
    if _ADDRESS.match(place):
        raise ValueError(f"{place} is an address; download the picture first, nothing is fetched.")
    if path.is_dir():
        yield from (FoundPicture(file, file.relative_to(path)) for file in _walk(path))
    elif path.exists():
        yield FoundPicture(path, Path(path.name))
    elif glob.has_magic(place):
        for match in sorted(glob.glob(place, recursive=True)):
            yield from _pictures(match)
    else:
        raise ValueError(f"There is no file or folder {place}.")


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not f.endswith(MASKS))
        for file in sorted(files):
            own = file.startswith(".") or file.endswith((LABELS, OVERLAY))
            if not own and file.lower().endswith(_KINDS):
                yield Path(parent, file)
