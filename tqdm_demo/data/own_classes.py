"""The class names of a folder set that has its own: ``classes.txt``, one name a line."""

from __future__ import annotations

from pathlib import Path

from tqdm_demo.vocabulary import split_names

CLASSES_FILE = "classes.txt"


def read_class_names(root: Path) -> tuple[str, ...] | None:
    """The names in ``root/classes.txt``, in the order of their ids; None where there is no file.

    Raises:
        ValueError: a file that is no UTF-8 text, an empty line between names (every line is an id),
            a line with several names, or what :func:`tqdm_demo.vocabulary.split_names` refuses;
            the file is named.
    """
    file = root / CLASSES_FILE
    if not file.is_file():
        return None
    try:
        lines = file.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the class names {file}: {error}") from error
    for number, line in enumerate(lines):
        if not line.strip() or "," in line:
            problem = "is empty" if not line.strip() else "has a comma; give one name"
            raise ValueError(f"{file}: the line of label {number} {problem}")
    try:
        return tuple(map(", ".join, split_names(lines)))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
