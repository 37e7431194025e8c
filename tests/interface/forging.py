"""Requests as anybody can send them to a served page, past its browser's code."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

# What gradio tells instead of an exception that nobody has put into words.
UNCAUGHT = "upstream app has raised an exception"


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns, run in a thread of its own: Playwright leaves a loop in others."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass(frozen=True)
class Reply:
    """What a request was answered with.

    Attributes:
        ok: it was carried out.
        said: the sentence of an error.
        values: the outputs; empty for an error.
    """

    ok: bool
    said: str
    values: list[Any]


def open_line(url: str) -> httpx.Client:
    """A client for the page at an address."""
    return httpx.Client(base_url=url.rstrip("/") + "/gradio_api", timeout=300, trust_env=False)


def upload(http: httpx.Client, content: bytes, name: str = "a.png") -> str:
    """Uploads a file as the page does, and gives its path on the server."""
    return http.post("/upload", files={"files": (name, content)}).json()[0]


def marked(path: str) -> dict[str, Any]:
    """A file as gradio's clients name it; without ``meta`` gradio would not check it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def call(http: httpx.Client, name: str, values: list[Any]) -> Reply:
    """Asks a public endpoint."""
    sent = http.post(f"/call/{name}", json={"data": values})
    if sent.status_code != 200:
        return Reply(False, sent.text, [])
    return read_reply(http, name, sent.json()["event_id"])


def read_reply(http: httpx.Client, name: str, event: str) -> Reply:
    """Waits for the answer to what was asked of a public endpoint."""
    with http.stream("GET", f"/call/{name}/{event}") as stream:
        lines = [line for line in stream.iter_lines() if line]
    kind, content = lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))
    if kind == "complete":
        return Reply(True, "", content[0])
    return Reply(False, content.get("error") or UNCAUGHT, [])


def trigger(
    http: httpx.Client, function: int, values: list[Any], session: str | None = None
) -> Reply:
    """Triggers any event of the page, private ones too, by its number."""
    session = session or uuid.uuid4().hex
    join_queue(http, function, values, session)
    with http.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") == "process_completed":
                output = message["output"]
                if message["success"]:
                    return Reply(True, "", output["data"])
                return Reply(False, output.get("error") or UNCAUGHT, [])
    raise ConnectionError("the stream ended without an answer")


def join_queue(http: httpx.Client, function: int, values: list[Any], session: str) -> None:
    """Puts an event of the page into the queue, without waiting for its answer."""
    body = {"data": values, "fn_index": function, "session_hash": session, "event_data": None}
    # Not json=: httpx sends neither infinity nor NaN, others do.
    head = {"Content-Type": "application/json"}
    http.post("/queue/join", content=json.dumps(body), headers=head).raise_for_status()
