"""What the clients of :mod:`tests.interface.soak` do to a page, and how answers are judged."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.interface.bad_input import PICTURES
from tests.interface.forging import UNCAUGHT, call, marked, open_line, upload
from tests.interface.soak_page import Deck, PageMap, Tally, join, messages
from tqdm_demo.inference.preprocessing import GONE

FORGED = ("/etc/passwd", "/dev/zero", "/proc/self/environ", "../../app.py", "", "a\0b", 5, None)
ODD_CALLS: tuple[list[Any], ...] = (
    [None, ["road"], "streets-tqdm"],
    [{"path": None}, ["road"], "streets-tqdm"],
    ["picture.png", ["road"], "streets-tqdm"],
    [{"url": "data:image/png;base64,AAAA"}, ["road"], "streets-tqdm"],
    [None, None, None],
    [],
)
ODD_LISTS = (["car", "Car"], [["car", "taxi"], ["road"]], [None], "road", ["x" * 70], [5])
# Pixels that another processor, or other company in a batch, may put on the other side.
ALIKE = 0.995


class Client:
    """One user, who does one thing after the other.

    Args:
        url: of the page.
        page: its events.
        deck: what is asked.
        tally: where the outcomes go.
        rng: decides what is done.
        patience: seconds until an answer counts as lost.
    """

    def __init__(
        self,
        url: str,
        page: PageMap,
        deck: Deck,
        tally: Tally,
        rng: random.Random,
        patience: float,
    ) -> None:
        self.page, self.deck, self.tally, self.rng = page, deck, tally, rng
        self.url, self.patience = url, patience
        self.http = open_line(url)
        self.http.timeout = patience
        self.actions: dict[Callable[[], str], int] = {
            self.segment: 6,
            self.visit: 6,
            self.compare: 1,
            self.broken_file: 3,
            self.forged_path: 3,
            self.odd_call: 3,
            self.close_early: 3,
            self.close_an_upload: 1,
            self.stop_a_run: 1,
        }

    def act(self) -> None:
        """Does something, and judges what came back."""
        (action,) = self.rng.choices(list(self.actions), self.actions.values())
        name, start = action.__name__, time.monotonic()
        try:
            said = action()
        except (httpx.HTTPError, ConnectionError, KeyError, IndexError, ValueError) as error:
            self.tally.fault(f"lost: {name}: {type(error).__name__}: {error}"[:160])
            return
        self.tally.add(name, said, time.monotonic() - start)

    def segment(self) -> str:
        """Asks as a program does; every pixel of the answer is known."""
        key = tuple(self.rng.randrange(len(part)) for part in self._parts())
        picture, names, source = (part[i] for part, i in zip(self._parts(), key, strict=True))
        file = marked(upload(self.http, picture.content))
        reply = call(self.http, "segment", [file, names, source])
        if not reply.ok:
            return reply.said
        labels, answered, _ = reply.values
        self._judge("segment", answered, names)
        self._judge_labels(labels["path"], self.deck.expected[key])
        return ""

    def compare(self) -> str:
        """Asks several models at once."""
        number, chosen = self.rng.randrange(len(self.deck.pictures)), self.rng.choice([0, 1])
        file = marked(upload(self.http, self.deck.pictures[number].content))
        names = self.deck.lists[chosen]
        reply = call(self.http, "compare", [file, names, self.deck.sources])
        if not reply.ok:
            return reply.said
        files, answered, *_ = reply.values
        self._judge("compare", answered, names)
        for model, labels in enumerate(files):
            self._judge_labels(labels["path"], self.deck.expected[number, chosen, model])
        return ""

    def visit(self) -> str:
        """Opens a permalink, looks at a tab, edits the list twice and looks at tabs again."""
        tab = self.rng.choice(list(self.page.tabs))
        names = self.rng.choice(self.deck.lists)
        query = {"names": "\n".join(names), "tab": tab, "model": self.rng.choice(self.deck.sources)}
        session = uuid.uuid4().hex
        with open_line(self.url) as http:
            http.timeout, http.params = self.patience, query
            said = self._run(http, self.page.load, {}, session)[1]
            for number in range(3):
                if said:
                    return said
                values, said = self._run(http, self.page.tabs[tab], {}, session)
                if tab == "segment" and not said:
                    self._judge_viewer(values, names)
                if number == 2 or said:
                    break
                names, tab = self.rng.choice(self.deck.lists), self.rng.choice(list(self.page.tabs))
                said = self._run(http, self.page.edit, {"names": "\n".join(names)}, session)[1]
                said = said or self._run(http, self.page.selects[tab], {}, session)[1]
        return said

    def broken_file(self) -> str:
        """Sends what is no picture, or an odd one."""
        bad = self.rng.choice([bad for bad in PICTURES if bad.says])
        file = marked(upload(self.http, bad.content or b"\0", bad.name))
        reply = call(self.http, "segment", [file, ["road", "sky"], self.deck.sources[0]])
        if reply.ok:
            self.tally.fault(f"taken: {bad.case}")
        return reply.said

    def forged_path(self) -> str:
        """Names a file that was not uploaded."""
        path = self.rng.choice(FORGED)
        file = {"path": path} if self.rng.random() < 0.5 else marked(path)
        reply = call(self.http, "segment", [file, ["road", "sky"], self.deck.sources[0]])
        if reply.ok or (isinstance(path, str) and reply.said != GONE):
            self.tally.fault(f"forged path {path!r} was answered with {reply.said!r}"[:160])
        return reply.said

    def odd_call(self) -> str:
        """Sends values of other types than the endpoint takes."""
        if self.rng.random() < 0.5:
            return call(self.http, "segment", self.rng.choice(ODD_CALLS)).said
        file = marked(upload(self.http, self.deck.pictures[0].content))
        odd = self.rng.choice(ODD_LISTS)
        return call(self.http, "segment", [file, odd, self.deck.sources[0]]).said

    def close_early(self) -> str:
        """Asks, and goes away before the answer, at once or in the middle of it."""
        event = self.rng.choice([*self.page.tabs.values(), self.page.shift])
        session = uuid.uuid4().hex
        with open_line(self.url) as http:
            http.timeout = self.patience
            join(http, event, self._values(event, {}), session)
            if self.rng.random() < 0.5:
                with closing(messages(http, session)) as stream:
                    for _ in range(self.rng.randrange(1, 4)):
                        next(stream, None)
        return ""

    def close_an_upload(self) -> str:
        """Breaks off in the middle of a file."""

        def half() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
            yield bytes(50_000)
            raise BrokenPipeError

        head = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "100000"}
        with open_line(self.url) as http:
            try:
                http.post("/upload", content=half(), headers=head)
            except BrokenPipeError:
                return ""
        raise ConnectionError("half an upload was answered")

    def stop_a_run(self) -> str:
        """Starts the long run of the tab "Domain shift" and stops it after a message or two."""
        session = uuid.uuid4().hex
        self._run(self.http, self.page.load, {}, session)
        values = self._values(self.page.shift, {})
        event = join(self.http, self.page.shift, values, session)
        body = {"event_id": event, "session_hash": session, "fn_index": self.page.shift}
        with closing(messages(self.http, session)) as stream:
            for number, message in enumerate(stream):
                if message["msg"] == "process_completed":
                    return message["output"].get("error") or ""
                if number == self.rng.randrange(1, 6):
                    self.http.post("/cancel", json=body).raise_for_status()
        raise ConnectionError("the stream of a stopped run ended without a word")

    def _parts(self) -> tuple[list[Any], ...]:
        return self.deck.pictures, self.deck.lists, self.deck.sources

    def _run(
        self, http: httpx.Client, event: int, values: dict[str, Any], session: str
    ) -> tuple[list[Any], str]:
        """Values and error of an event of the page; "" where there was none."""
        join(http, event, self._values(event, values), session)
        with closing(messages(http, session)) as stream:
            for message in stream:
                if message["msg"] == "process_completed":
                    output = message["output"]
                    if message["success"]:
                        return output.get("data", []), ""
                    return [], output.get("error") or UNCAUGHT
        raise ConnectionError("the stream ended without an answer")

    def _values(self, event: int, values: dict[str, Any]) -> list[Any]:
        return [values.get(name, value) for name, value in self.page.inputs[event]]

    def _judge(self, action: str, answered: list[str], names: list[str]) -> None:
        if answered != names:
            self.tally.fault(f"mixed: {action} has names of another request")

    def _judge_viewer(self, values: list[Any], names: list[str]) -> None:
        shown = [value["names"] for value in values if isinstance(value, dict) and "names" in value]
        for answered in shown:
            self._judge("visit", answered, [name.split(",")[0] for name in names])

    def _judge_labels(self, path: str, expected: np.ndarray) -> None:
        answer = self.http.get(f"/file={path}")
        answer.raise_for_status()
        labels = np.asarray(Image.open(BytesIO(answer.content)))
        if labels.shape != expected.shape or (labels == expected).mean() < ALIKE:
            self.tally.fault("mixed: labels of another request")
