"""Downloads one large file over HTTP: resumable, whole or not at all, every failure a sentence.

Why not ``gdown``: it would be another package, and the whole way is needed here anyway for files
that are not on Google Drive. httpx is there already, gradio brings it along.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import constants
from tqdm import tqdm

from tqdm_demo.checkpoints.drive_pages import (
    address_of,
    begins_a_page,
    by_hand,
    next_address,
    why_a_page,
)
from tqdm_demo.checkpoints.published.catalogue import RemoteFile

# Is told the bytes that are there, and those of the whole file (0 = not known). What it raises
# ends the download, which goes on from there the next time.
Report = Callable[[int, int], None]

PATIENCE = httpx.Timeout(30.0, connect=10.0)  # seconds
# Connections in a row that bring nothing before the download is given up, and the pause before
# each new one, seconds.
TRIES = 3
PAUSE = 2.0
CHUNK = 2**20
SPARE = 200 * 10**6  # bytes of a disk that are left alone
_LONGEST_PAGE = 10**6
_PAGES = 4  # in a row, before the file


def download(
    file: RemoteFile, target: Path, extra: float = 0.0, report: Report | None = None
) -> None:
    """Downloads a file, from where an earlier try has ended.

    What is not complete lies beside ``target`` with ``.part`` behind its name.

    Args:
        file: what to download.
        target: where to; its folder exists. A file that is there is not downloaded again.
        extra: what the disk must take beside the file, in parts of the file.
        report: is told how far it is.

    Raises:
        ValueError: it cannot be had; a sentence with what to do.
        OSError: it cannot be written.
    """
    if target.exists():
        return
    if constants.HF_HUB_OFFLINE:
        raise ValueError(
            f"{file.name} is not on this machine, and HF_HUB_OFFLINE switches downloads off: "
            f"unset it and try again. {by_hand(file)}"
        )
    part = _Part(file, target.with_name(f"{target.name}.part"), extra)
    headers = {"Accept-Encoding": "identity"}
    with (
        httpx.Client(follow_redirects=True, timeout=PATIENCE, headers=headers) as client,
        tqdm(desc=file.name, unit="B", unit_scale=True, initial=part.size) as bar,
    ):

        def tell(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)
            if report is not None:
                report(done, total)

        _try_often(lambda: part.receive(client, tell), part)
    part.finish(target)


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class _Part:
    """A file that is not complete yet, and beside it what the server said of the whole.

    Args:
        file: what is downloaded.
        path: of the part.
        extra: see :func:`download`.
    """

    def __init__(self, file: RemoteFile, path: Path, extra: float) -> None:
        self.file, self._path, self._extra = file, path, extra
        self._notes = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._path.stat().st_size if self._path.exists() else 0

    def receive(self, client: httpx.Client, report: Report) -> None:
        """Asks for what is missing and writes it.

        Raises:
            ValueError: as :func:`download`.
            httpx.TransportError: the connection broke off; another try may bring the rest.
        """
        with self._response(client) as response:
            start = self.size if self._goes_on(response) else 0
            total = start + int(response.headers.get("Content-Length", -start))
            self._check_disk(total, start)
            self._note(response, total)
            with self._path.open("ab" if start else "wb") as out:
                for chunk in response.iter_raw():
                    if out.tell() == 0 and begins_a_page(chunk):
                        raise ValueError(why_a_page(self.file, chunk.decode(errors="replace")))
                    out.write(chunk)
                    report(out.tell(), total)
        if total and self.size != total:
            raise httpx.RemoteProtocolError(f"{self.size} of {total} bytes")

    def finish(self, target: Path) -> None:
        """Gives the file its name."""
        self._path.replace(target)
        self._notes.unlink(missing_ok=True)

    def drop(self) -> None:
        """Forgets what is there."""
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    @contextmanager
    def _response(self, client: httpx.Client) -> Iterator[httpx.Response]:
        """The answer that brings the file, behind the pages that come before it."""
        address = address_of(self.file)
        for _ in range(_PAGES):
            with client.stream("GET", address, headers=self._range()) as response:
                self._check_status(response)
                if "text/html" not in response.headers.get("Content-Type", ""):
                    yield response
                    return
                page = _read_page(response)
                onward = next_address(page, str(response.url))
                if onward is None:
                    raise ValueError(why_a_page(self.file, page, str(response.url)))
                address = onward
        raise ValueError(why_a_page(self.file, page, str(response.url)))

    def _range(self) -> dict[str, str]:
        if not self.size:
            return {}
        mark = self._noted().get("mark")
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": mark} if mark else {})

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status < 400:
            return
        if status == 416:  # no such range: the file has become another one
            self.drop()
        if status in (416, 429) or status >= 500:
            raise httpx.RemoteProtocolError(f"{response.url.host} answers {status}")
        page = _read_page(response)
        raise ValueError(why_a_page(self.file, page, str(response.url), status))

    def _goes_on(self, response: httpx.Response) -> bool:
        """Whether the answer is the rest of the same file."""
        if response.status_code != 206:
            return False
        place = f"bytes {self.size}-"
        said, total = response.headers.get("Content-Range", ""), self._noted().get("total")
        if said.startswith(place) and said.endswith(f"/{total}"):
            return True
        self.drop()
        raise httpx.RemoteProtocolError("the file has become another one")

    def _noted(self) -> dict[str, Any]:
        try:
            noted = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def _note(self, response: httpx.Response, total: int) -> None:
        tag = response.headers.get("ETag", "")
        mark = tag if tag.startswith('"') else response.headers.get("Last-Modified")
        self._notes.write_text(json.dumps({"total": total, "mark": mark}), encoding="utf-8")

    def _check_disk(self, total: int, start: int) -> None:
        total = total or int(self.file.gigabytes * 10**9)
        needed = total - start + self._extra * total + SPARE
        free = shutil.disk_usage(self._path.parent).free
        if free < needed:
            raise ValueError(
                f"{self.file.name} needs {needed / 10**9:.1f} GB in {self._path.parent}, where "
                f"{free / 10**9:.1f} GB are free: make room, or name another folder with "
                "--cache-dir or TQDM_CACHE_DIR."
            )


def _try_often(receive: Callable[[], None], part: _Part) -> None:
    failures = 0
    while True:
        before = part.size
        try:
            return receive()
        except httpx.TransportError as error:
            failures = 1 if part.size > before else failures + 1
            if failures >= TRIES:
                raise ValueError(_broken(part, error)) from error
            time.sleep(PAUSE)


def _broken(part: _Part, error: httpx.TransportError) -> str:
    if part.size:
        return (
            f"The download of {part.file.name} broke off after {part.size / 10**6:.0f} MB "
            f"({_reason(error)}). What is there is kept: try again, and it goes on from there."
        )
    host = httpx.URL(address_of(part.file)).host
    return (
        f"{part.file.name} is not on this machine, and {host} cannot be reached "
        f"({_reason(error)}). Go online and try again. {by_hand(part.file)}"
    )


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _read_page(response: httpx.Response) -> str:
    page = b""
    for chunk in response.iter_bytes():
        page += chunk
        if len(page) > _LONGEST_PAGE:
            break
    return page.decode(errors="replace")
