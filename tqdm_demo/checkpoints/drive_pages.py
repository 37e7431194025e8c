"""What Google Drive, or any server, answers with a web page instead of a file.

Drive answers a request for a large file with a page that asks whether to download it although it
was not scanned for viruses; the form on that page leads to the file. It answers with a page as well
where too many people had the file today, or where it is not public any more.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from tqdm_demo.checkpoints.published.catalogue import DRIVE, RemoteFile

DRIVE_ADDRESS = "https://drive.usercontent.google.com/download"
_VIEW = "https://drive.google.com/file/d/{}/view"
_QUOTA = ("quota exceeded", "too many users", "download quota", "can't view or download this file")


def address_of(file: RemoteFile) -> str:
    """Where a file is asked for."""
    if not file.place.startswith(DRIVE):
        return file.place
    # "confirm" is the answer to the question about viruses; the page may come all the same.
    query = {"id": file.place.removeprefix(DRIVE), "export": "download", "confirm": "t"}
    return f"{DRIVE_ADDRESS}?{urlencode(query)}"


def begins_a_page(start: bytes) -> bool:
    """Whether what a file begins with is a web page: it may come under any type and name."""
    return start.lstrip().lower().startswith((b"<!doctype", b"<html"))


def next_address(page: str, address: str) -> str | None:
    """Where the form of a page that asks for a confirmation leads; None = there is no such form.

    Args:
        page: HTML.
        address: of the page. A form that leads to another server is not followed.
    """
    form = _DownloadForm()
    form.feed(page)
    if form.action is None:
        return None
    onward = urlsplit(urljoin(address, form.action))
    if onward.hostname not in (urlsplit(address).hostname, urlsplit(DRIVE_ADDRESS).hostname):
        return None
    query = "&".join(part for part in (onward.query, urlencode(form.fields)) if part)
    return urlunsplit(onward._replace(query=query))


def why_a_page(file: RemoteFile, page: str, address: str = "", status: int = 200) -> str:
    """A sentence for a page that came instead of a file, and what to do."""
    host = urlsplit(address_of(file)).hostname
    lower = page.lower()
    if any(words in lower for words in _QUOTA):
        return (
            f"Google Drive's quota for {file.name} is used up: too many people downloaded it "
            f"today. Try again tomorrow. {by_hand(file)}"
        )
    if "accounts.google." in address or status in (401, 403, 404, 410):
        answered = f" ({status})" if status >= 400 else ""
        return (
            f"{file.name} is not at {host} any more, or not for everybody{answered}: look for its "
            f"new place on the authors' page. {by_hand(file)}"
        )
    what = "a web page" if status < 400 else f"error {status}"
    return f"{host} answers with {what} instead of {file.name}. Try again later. {by_hand(file)}"


def by_hand(file: RemoteFile) -> str:
    """How to get a file with a browser."""
    place = file.place
    if place.startswith(DRIVE):
        place = _VIEW.format(place.removeprefix(DRIVE))
    return (
        f"Or download {place} with a browser and convert it: "
        "python -m tqdm_demo.convert FILE FOLDER."
    )


class _DownloadForm(HTMLParser):
    """Finds the form that leads to a download, and what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and "download" in given.get("id", "") + given.get("action", ""):
            self._inside, self.action = True, given.get("action", "")
        elif tag == "input" and self._inside and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
