"""Published weights by name: downloaded and converted at first use, then taken from the cache.

Below the cache folder lie ``models/NAME`` (converted), ``downloads`` (what is on its way) and
``hashes.json``, the SHA-256 that every file had when it was first downloaded: another file under
the same address is refused later.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from huggingface_hub import constants

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.checkpoints.download import download, sha256
from tqdm_demo.checkpoints.folder_files import CONFIG_FILE, check_new
from tqdm_demo.checkpoints.published.catalogue import (
    PublishedWeights,
    RemoteFile,
    find_weights,
)

CACHE_VARIABLE = "TQDM_CACHE_DIR"
KEEP_VARIABLE = "TQDM_KEEP_DOWNLOADS"
HASHES_FILE = "hashes.json"
# Is told what is going on and the share of it that is done, 0 to 1.
Tell = Callable[[str, float], None]


class CacheOption(argparse.Action):
    """Sets the variable: ``parser.add_argument("--cache-dir", **CACHE_OPTION)``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Takes what was given."""
        os.environ[CACHE_VARIABLE] = str(Path(values).absolute())


CACHE_OPTION = {
    "action": CacheOption,
    "metavar": "FOLDER",
    "help": "for published weights that are downloaded (default: tqdm_demo in HF_HOME, which is "
    f"~/.cache/huggingface where it is not set; variable {CACHE_VARIABLE})",
}


def cache_folder() -> Path:
    """``$TQDM_CACHE_DIR``, or ``tqdm_demo`` in huggingface_hub's ``HF_HOME``."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser() if given else Path(constants.HF_HOME) / "tqdm_demo"


def cached_weights(name: str, dtype: str = "float32") -> Path | None:
    """The folder of converted weights in the cache, or None."""
    folder = _cached_folder(name, dtype)
    return folder if (folder / CONFIG_FILE).is_file() else None


def fetch_weights(
    name: str,
    dtype: str = "float32",
    folder: Path | None = None,
    keep: bool | None = None,
    tell: Tell | None = None,
) -> Path:
    """The folder of published weights; what is not on this machine is downloaded and converted.

    Says on the terminal first what is downloaded, how large it is and under which terms.

    Args:
        name: of the table in ``catalogue.py``.
        dtype: that the tensors are stored in, of ``catalogue.DTYPES``.
        folder: where to, new or empty; None = in the cache.
        keep: whether the authors' files stay in the cache; None = where ``TQDM_KEEP_DOWNLOADS``
            is set to 1.
        tell: is told how far it is. What it raises ends the download, which goes on from there
            the next time.

    Raises:
        ValueError: no such name, a folder that holds something, or weights that cannot be had; a
            sentence with what to do.
    """
    weights = find_weights(name)
    if folder is None and (cached := cached_weights(name, dtype)) is not None:
        return cached
    if folder is not None:
        check_new(folder)
    target = folder or _cached_folder(name, dtype)
    keep = os.environ.get(KEEP_VARIABLE) == "1" if keep is None else keep
    downloads = cache_folder() / "downloads"
    print(f"{weights.title}. {weights.about}", flush=True)
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        # One process at a time; whoever waited finds the model there.
        with FileLock(cache_folder() / ".lock"):
            if folder is not None or cached_weights(name, dtype) is None:
                _make(weights, dtype, target, keep, tell or (lambda text, share: None))
    except OSError as error:
        raise ValueError(
            f"{name} cannot be stored: {error}. Name a folder that can be written, with room for "
            f"{2 * weights.gigabytes:.0f} GB, with --cache-dir or {CACHE_VARIABLE}."
        ) from error
    return target


def _make(weights: PublishedWeights, dtype: str, target: Path, keep: bool, tell: Tell) -> None:
    import torch

    from tqdm_demo.checkpoints.published.conversion import convert

    paths = [cache_folder() / "downloads" / file.name for file in weights.files]
    # What the converted model will take, in parts of the first file.
    extra = 0.5 if dtype == "float16" else 1.0
    digests = {}
    for file, path in zip(weights.files, paths, strict=True):
        download(file, path, extra, _report(file, tell))
        digests[file.name] = _check_hash(file, path)
    tell(f"Converting {weights.title} …", 1.0)
    try:
        paths = [unpack(path) for path in paths]
        convert(paths[0], target, getattr(torch, dtype), *paths[1:], expected=weights.model)
    except ValueError as error:
        for path in paths:
            path.unlink(missing_ok=True)
        raise ValueError(f"{error}. What was downloaded is removed; try again.") from error
    replace_text(_hashes_file(), json.dumps(_hashes() | digests, indent=2) + "\n")
    if not keep:
        for path in paths:
            path.unlink()


def unpack(path: Path) -> Path:
    """The largest checkpoint in a tar archive, which takes its place; another file as it is.

    Nothing of the archive is written under a name of its own.

    Raises:
        ValueError: an archive without a checkpoint, or one that is damaged.
    """
    if path.suffix != ".tar":
        return path
    found = path.with_suffix(".pth")
    try:
        with tarfile.open(path) as archive:
            files = [m for m in archive if m.isfile() and m.name.endswith((".pth", ".pt"))]
            if not files:
                raise ValueError(f"{path.name} holds no checkpoint")
            largest = archive.extractfile(max(files, key=lambda member: member.size))
            with found.open("wb") as copy:
                shutil.copyfileobj(largest, copy)
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(f"{path.name} is no whole archive: {error}") from error
    path.unlink()
    return found


def _report(file: RemoteFile, tell: Tell) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        whole = total or int(file.gigabytes * 10**9)
        share = min(1.0, done / whole)
        tell(f"Downloading {file.name}: {done / 10**6:.0f} of {whole / 10**6:.0f} MB", share)

    return report


def _check_hash(file: RemoteFile, path: Path) -> str:
    digest, known = sha256(path), file.sha256 or _hashes().get(file.name, "")
    if known and digest != known:
        path.unlink()
        whose = "its authors name" if file.sha256 else "it had when it was first downloaded here"
        raise ValueError(
            f"{file.name} is another file than expected: its SHA-256 is {digest}, not {known}, "
            f"which {whose}. It was removed. Try again; where its authors have replaced it, take "
            f"its line out of {_hashes_file()}."
        )
    return digest


def _cached_folder(name: str, dtype: str) -> Path:
    return cache_folder() / "models" / (name if dtype == "float32" else f"{name}-{dtype}")


def _hashes_file() -> Path:
    return cache_folder() / HASHES_FILE


def _hashes() -> dict[str, str]:
    try:
        return json.loads(_hashes_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{_hashes_file()} is damaged ({error}); remove it.") from error
