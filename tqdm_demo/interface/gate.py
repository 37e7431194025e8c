"""The gate before gradio's routes: which are open, how much they take, and what is written down.

gradio serves more than the page uses: it cuts videos with ffmpeg for anybody, fetches addresses of
the internet, keeps copies of sessions. It takes JSON of any length, and answers a request that it
did not expect with status 500 and fifty lines in the log. Behind this gate such a request gets a
sentence, and one line in the log.
"""

from __future__ import annotations

import re
import time
from collections import Counter

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tqdm_demo.interface.old_files import clean
from tqdm_demo.interface.refusals import FAILED, MALFORMED, note_refusal

UPLOAD_MB = 20
# Of one request. More is nothing that the page or a program would send: 24 pictures, 64 names.
MOST_BYTES = {"upload": (24 * UPLOAD_MB + 1) * 2**20, "": 2**18}
_CLOSED = re.compile(
    r"/(process_recording|proxy=.*|file=\s*https?:.*|file/.*|stream/.*|deep_link|run/.*|api/.*|"
    r"(undo-)?vibe-.*|monitoring.*|dev/reload|custom_component/.*)/?",
    re.DOTALL | re.IGNORECASE,
)
# Seconds; the request that comes then looks for old files, after its answer.
CLEAN_EVERY = 600


class TooLargeError(Exception):
    """A request with more bytes than :data:`MOST_BYTES`."""


class Gate:
    """ASGI middleware: ``app_kwargs={"middleware": [Middleware(Gate)]}`` of ``launch``.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cleaned = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass, or answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _, found, rest = scope["path"].partition("/gradio_api/")
        route = f"/{rest}" if found else scope["path"]
        if _CLOSED.fullmatch(route):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
            return
        if route.startswith("/heartbeat/"):
            await self._watch(scope, receive, send, route.split("/")[2])
            return
        exchange = _Exchange(receive, send, "upload" if route.startswith("/upload") else "")
        try:
            exchange.check_length(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # nobody is there to be told
        except TooLargeError as error:
            await exchange.end(scope, str(error), 413)
        except Exception as error:
            note_refusal(f"{scope['method']} {scope['path']}", error)
            ours = isinstance(error, OSError | MemoryError | RuntimeError)  # a full disk
            await exchange.end(scope, *((FAILED, 500) if ours else (MALFORMED, 400)))
        if route.startswith("/component_server"):  # it makes a session of whatever name
            scope["app"].get_blocks().tidy_sessions()
        if time.monotonic() - self._cleaned > CLEAN_EVERY:
            self._cleaned = time.monotonic()
            await run_sync(clean, scope["app"].get_blocks())

    async def _watch(self, scope: Scope, receive: Receive, send: Send, session: str) -> None:
        """Passes on the connection that every open page keeps."""
        watched = scope["app"].get_blocks().watched
        watched[session] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            watched[session] -= 1
            watched += Counter()  # drops what is zero


class _Exchange:
    """One request with its answer: counts what comes in, knows whether the answer has begun."""

    def __init__(self, receive: Receive, send: Send, kind: str) -> None:
        self.kind = kind
        self._receive, self._send = receive, send
        self._left = MOST_BYTES[kind]
        self._begun = self._ended = self._endless = False

    def check_length(self, scope: Scope) -> None:
        """Refuses what says itself that it is too large, before it comes.

        Raises:
            TooLargeError: as it says.
        """
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told[:20]) > self._left:
            self._refuse()

    async def receive(self) -> Message:
        """The next part of the request.

        Raises:
            TooLargeError: more has come than is allowed.
        """
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self._refuse()
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer."""
        if message["type"] == "http.response.start":
            self._begun = True
            self._endless = all(name.lower() != b"content-length" for name, _ in message["headers"])
        elif not message.get("more_body", False):
            self._ended = True
        await self._send(message)

    async def end(self, scope: Scope, sentence: str, status: int) -> None:
        """Answers with a sentence, or ends an answer that has begun."""
        if not self._begun:
            await PlainTextResponse(sentence, status)(scope, self._receive, self._send)
        elif self._endless and not self._ended:
            await self._send({"type": "http.response.body", "body": b""})

    def _refuse(self) -> None:
        most = MOST_BYTES[self.kind]
        raise TooLargeError(f"This request is too large: {most / 2**20:g} MB at most.")
