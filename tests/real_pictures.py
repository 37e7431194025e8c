"""Where tests find real pictures: they are not in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared"


def real_pictures(name: str, pattern: str) -> list[Path]:
    """Files of a data set, sorted; skips the test where there are none.

    Args:
        name: ``camvid`` or ``photos``: a folder in ``shared`` beside the repository, or the one
            that the variable of this name in capitals holds.
        pattern: which files, from that folder.
    """
    folder = Path(os.environ.get(name.upper(), BESIDE / name))
    if files := sorted(folder.glob(pattern)):
        return files
    pytest.skip(f"No {pattern} in {folder}. The variable {name.upper()} may name another folder.")
