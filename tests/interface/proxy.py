"""A small reverse proxy that serves a page below a path, as nginx would: ``/demo/`` -> ``/``."""

from __future__ import annotations

import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Of one connection, not of the message that is passed on.
_OWN = {"connection", "keep-alive", "transfer-encoding", "host"}


class PrefixProxy(ThreadingHTTPServer):
    """Passes ``prefix`` + path on to a server as path; everything else is not found.

    Args:
        target: address of the page.
        prefix: such as ``/demo``.
    """

    daemon_threads = True

    def __init__(self, target: str, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Pass)
        self.target, self.prefix = urlsplit(target).netloc, prefix
        self.strangers: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{self.prefix}/"


class _Pass(BaseHTTPRequestHandler):
    server: PrefixProxy

    def do_GET(self) -> None:
        if not self.path.startswith(self.server.prefix + "/"):
            self.server.strangers.append(self.path)
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OWN}
        headers |= {
            "Host": self.headers["Host"],
            "X-Forwarded-Host": self.headers["Host"],
            "X-Forwarded-Proto": "http",
        }
        onward = http.client.HTTPConnection(self.server.target, timeout=120)
        path = self.path.removeprefix(self.server.prefix)
        onward.request(self.command, path, body or None, headers)
        answer = onward.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while part := answer.read1(65536):  # as it comes: events must not wait for the next ones
            self.wfile.write(part)
            self.wfile.flush()
        onward.close()
        self.close_connection = True

    do_POST = do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass
