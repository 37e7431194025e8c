"""Files from the Hugging Face Hub: the local cache first, and a quick, clear answer offline.

Left to itself, huggingface_hub asks an unreachable Hub six times before it gives up, which took it
24 seconds where names are not resolved. So the cache is asked first; what is not in it is only
downloaded where one short request finds the Hub. That is all that is added to
``snapshot_download``, which takes every file from the same revision of a repository.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import get_session

# How long the Hub may take to answer at all, seconds.
PATIENCE = 3.0


def fetch(repository: str, files: Sequence[str]) -> Path:
    """A folder with files of one revision of a repository, downloaded where they are not cached.

    Cached files are taken as they are, without looking for newer ones.

    Args:
        repository: ``user/name``.
        files: their paths in the repository.

    Returns:
        The folder in the cache; files that the repository does not have are not in it.

    Raises:
        ValueError: no such repository, or one that cannot be reached or read; a sentence that
            says what to do.
    """
    cached = find_cached(repository, files)
    if cached is not None:
        return cached
    _check_reachable(repository)
    try:
        return Path(
            snapshot_download(repository, allow_patterns=list(files), etag_timeout=PATIENCE)
        )
    except GatedRepoError as error:
        raise ValueError(
            f"The licence of {repository} must be accepted on {constants.ENDPOINT}/{repository} "
            "first; then log in with `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise ValueError(
            f"There is no model {repository!r} on {constants.ENDPOINT}, or it is private; for "
            "a private one log in with `hf auth login`."
        ) from error
    except LocalEntryNotFoundError as error:
        raise ValueError(_unreachable(repository, "broke off")) from error
    except Exception as error:  # which ones depends on the library that a session is made of
        raise ValueError(f"{repository} could not be downloaded: {error}") from error


def find_cached(repository: str, files: Sequence[str]) -> Path | None:
    """The folder in the local cache where all of these files are in it, else None.

    Raises:
        ValueError: no name of a repository.
    """
    try:
        folder = Path(
            snapshot_download(repository, allow_patterns=list(files), local_files_only=True)
        )
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise ValueError(f"{repository!r} is no name of a model on the Hub: {error}") from error
    return folder if all((folder / file).is_file() for file in files) else None


def _check_reachable(repository: str) -> None:
    if constants.HF_HUB_OFFLINE:
        raise ValueError(_unreachable(repository, "is switched off by HF_HUB_OFFLINE"))
    answers: list[int] = []

    def ask() -> None:
        # What a session raises depends on the library behind it.
        try:
            answers.append(get_session().head(constants.ENDPOINT, timeout=PATIENCE).status_code)
        except Exception:
            answers.append(0)

    # In a thread, because looking up the Hub's address has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE + 1)
    # An error here is one of a proxy or gateway before the Hub.
    if not answers or not 200 <= answers[0] < 400:
        raise ValueError(_unreachable(repository, "cannot be reached"))


def _unreachable(repository: str, state: str) -> str:
    return (
        f"{repository} is not on this machine (no such folder, nothing in the cache), and the "
        f"connection to {constants.ENDPOINT} {state}. Go online and choose it again, or run "
        f"`hf download {repository}` on a machine that is online and copy its cache to "
        f"{constants.HF_HUB_CACHE}."
    )
