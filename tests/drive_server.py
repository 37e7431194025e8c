"""A stand-in for Google Drive: files by id, and what Drive does instead of sending one."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# As Drive words them (read in public issue threads, not copied from its pages).
CONFIRM = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>
<body><p>Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="/download" method="get"><input type="submit" value="Download">
<input type="hidden" name="id" value="{id}"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="ab&amp;1"></form></body></html>"""
QUOTA = "<html><title>Google Drive - Quota exceeded</title>Too many users have viewed it</html>"


@dataclass
class DriveFile:
    """A file, and what the server does with it.

    Attributes:
        content: its bytes.
        confirm: ask first, with a page.
        page: answer with this page instead.
        status: of the answer.
        kind: content type.
        cuts: bytes of the file after which the connection breaks, an entry a connection.
        tag: ETag; empty = none.
        ranges: whether parts are sent.
        asked: (first byte, query) of every request.
    """

    content: bytes = b""
    confirm: bool = False
    page: str = ""
    status: int = 200
    kind: str = "application/octet-stream"
    cuts: list[int] = field(default_factory=list)
    tag: str = '"1"'
    ranges: bool = True
    asked: list[tuple[int, dict]] = field(default_factory=list)


class DriveServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, DriveFile] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/download"


class _Answer(BaseHTTPRequestHandler):
    server: DriveServer

    def do_GET(self) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        file = self.server.files.get(query.get("id", urlsplit(self.path).path.strip("/")))
        if file is None:
            self.answer(404, b"<html>Sorry, not found</html>", "text/html")
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        file.asked.append((start, query))
        if file.page or file.status >= 400:
            self.answer(file.status, file.page.encode(), "text/html; charset=utf-8")
        elif file.confirm and query.get("uuid") != "ab&1":
            self.answer(200, CONFIRM.format(id=query["id"]).encode(), "text/html; charset=utf-8")
        else:
            self.send_file(file, start)

    def send_file(self, file: DriveFile, start: int) -> None:
        same = self.headers.get("If-Range", file.tag) == file.tag
        start = start if file.ranges and same else 0
        body, size = file.content[start:], len(file.content)
        part = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        end = file.cuts.pop(0) - start if file.cuts else None
        self.answer(206 if start else 200, body, file.kind, file.tag, part, end)

    def answer(
        self, status: int, body: bytes, kind: str, tag: str = "", more: dict | None = None,
        cut: int | None = None,
    ) -> None:  # fmt: skip
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
        for name, value in (headers | ({"ETag": tag} if tag else {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass
