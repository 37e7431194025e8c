"""Removes uploads and files of answers that are old, and what is left of uploads that broke off.

gradio's own cleaning (``delete_cache``) ends for good when a file comes while it looks, and knows
nothing of parts. It stays for the end of the program, when it removes what there is.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

# Seconds that a file stays.
FILE_AGE = 6 * 3600
# Seconds since the last byte of a part came.
PART_AGE = 3600


def clean(blocks: gr.Blocks) -> None:
    """Removes old files of a page.

    Args:
        blocks: which knows its files by their names.
    """
    now = time.time()
    kept: set[str] = set()
    for block in list(blocks.blocks.values()):
        kept |= getattr(block, "keep_in_cache", set())
    for names in list(blocks.temp_file_sets):
        remove_old(names, kept, now - FILE_AGE)
    remove_parts(Path(get_upload_folder()), now - PART_AGE)


def remove_old(names: set[str], kept: Collection[str], before: float) -> None:
    """Removes files, and their names where there is no file any more.

    Args:
        names: of files; others may add to it meanwhile.
        kept: those that stay.
        before: seconds since 1970; what is newer stays.
    """
    for name in tuple(names):
        if name not in kept and _remove(name, before):
            names.discard(name)


def remove_parts(folder: Path, before: float) -> None:
    """Removes what is left of uploads that broke off.

    Args:
        folder: of uploads; those that came whole lie in folders of their own.
        before: seconds since 1970; what was written to later may still be on its way.
    """
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if entry.name.startswith("tmp"):
            _remove(entry.path, before)


def _remove(path: str, before: float) -> bool:
    """Removes a regular file that is old; True = there is none any more."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_mtime >= before:
            return False
        os.remove(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
