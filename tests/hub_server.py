"""A stand-in for the Hugging Face Hub that serves a folder with user/name/file."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse


class HubServer(ThreadingHTTPServer):
    """A revision is what a repository holds when it is asked for; older ones stay to be had."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.root = root
        self.revisions: dict[str, dict[str, bytes]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def revise(self, repository: str) -> str:
        folder = self.root / repository
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        commit = hashlib.sha1(repr(files).encode()).hexdigest()
        self.revisions[commit] = files
        return commit


class _Answer(BaseHTTPRequestHandler):
    server: HubServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server
        match urlparse(self.path).path.strip("/").split("/"):
            case [""]:
                self.answer(200, b"")
            case ["api", "models", user, name, *_] if not (hub.root / user / name).is_dir():
                self.answer(404, b"", **{"X-Error-Code": "RepoNotFound"})
            case ["api", "models", user, name, "revision", "main"]:
                about = {"id": f"{user}/{name}", "sha": hub.revise(f"{user}/{name}")}
                self.answer(200, json.dumps(about).encode())
            case ["api", "models", _, _, "tree", commit]:
                listed = [
                    {"type": "file", "path": path, "size": len(body), "oid": "0"}
                    for path, body in hub.revisions[commit].items()
                ]
                self.answer(200, json.dumps(listed).encode())
            case [_, _, "resolve", commit, *parts]:
                body = hub.revisions[commit]["/".join(parts)]
                etag = hashlib.sha256(body).hexdigest()
                self.answer(200, body, **{"X-Repo-Commit": commit, "ETag": etag})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
