"""Files that are replaced as a whole or not at all: a reader never meets half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Gives a path to write to, which takes the place of ``file`` when the block ends.

    Where the block raises, ``file`` stays as it was and nothing is left beside it. The data is on
    the disk before the old file goes, so that a crash of the machine costs no file either. Two
    processes must not write the same file at a time.

    Args:
        file: new or old; its folder exists. The path to write to has the same suffix.

    Raises:
        OSError: the file cannot be written or replaced.
    """
    partial = file.with_name(f".partial-{file.name}")
    try:
        yield partial
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def replace_text(file: Path, text: str) -> None:
    """Writes a text file (UTF-8) as :func:`replacing` does; its folder is made if it is missing.

    Raises:
        OSError: as :func:`replacing`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8")
