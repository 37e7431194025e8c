"""What the clients of :mod:`tests.interface.soak` ask for, how they ask, and what they count."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from tests.interface.forging import UNCAUGHT

TABS = ("segment", "similarity", "compare")


@dataclass(frozen=True)
class Picture:
    """A picture of the deck: its pixels tell by their size alone whose answer came back."""

    pixels: np.ndarray
    content: bytes


@dataclass
class Deck:
    """What all clients draw from.

    Attributes:
        pictures: of pairwise distinct sizes.
        lists: class lists.
        sources: of the models.
        expected: (picture, list, model) by their numbers -> uint8 label map.
    """

    pictures: list[Picture]
    lists: list[list[str]]
    sources: list[str]
    expected: dict[tuple[int, int, int], np.ndarray]


@dataclass
class Tally:
    """What came of all actions. Safe to write from several threads.

    Attributes:
        outcomes: (action, "answered" or the sentence of an error) -> how often.
        faults: what must not happen: mixed, lost and uncaught answers, in words.
        longest: seconds of the longest answer, and what was asked.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    longest: tuple[float, str] = (0.0, "")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, action: str, said: str, seconds: float) -> None:
        """Counts an answer; ``said`` is empty for a good one."""
        with self._lock:
            self.outcomes[action, said or "answered"] += 1
            self.longest = max(self.longest, (seconds, action))
            if UNCAUGHT in said:
                self.faults[f"uncaught: {action}"] += 1

    def fault(self, words: str) -> None:
        """Counts what must not happen."""
        with self._lock:
            self.faults[words] += 1


@dataclass(frozen=True)
class PageMap:
    """Numbers of a page's events, and what its components hold at first.

    Attributes:
        load: of opening the page.
        edit: of an edited class list.
        tabs: id of a tab -> of what its content follows.
        selects: id of a tab -> of opening it.
        shift: of the long run of the tab "Domain shift".
        inputs: of an event, by its number -> the components' elem_ids and first values.
    """

    load: int
    edit: int
    tabs: dict[str, int]
    selects: dict[str, int]
    shift: int
    inputs: dict[int, list[tuple[str, Any]]]


def read_page(url: str) -> PageMap:
    """Reads what the page tells every browser of itself."""
    config = httpx.get(f"{url.rstrip('/')}/config", trust_env=False).json()
    components = {part["id"]: part for part in config["components"]}
    ids = {part["props"].get("elem_id"): number for number, part in components.items()}
    events = {event["id"]: event for event in config["dependencies"]}

    def find(fits: Callable[[dict[str, Any]], bool]) -> int:
        return next(number for number, event in events.items() if fits(event))

    def held_back(tab: str) -> int:
        return find(lambda e: isinstance(e["js"], str) and f'"#tab-{tab}"' in e["js"])

    status = ids["filter-status"]
    return PageMap(
        load=find(lambda e: any(kind == "load" for _, kind in e["targets"])),
        edit=find(lambda e: [ids["names"], "change"] in e["targets"]),
        tabs={tab: held_back(tab) for tab in TABS},
        selects={
            tab: find(lambda e, t=tab: [ids[f"tab-{t}"], "select"] in e["targets"]) for tab in TABS
        },
        shift=find(lambda e: status in e["outputs"] and e["backend_fn"]),
        inputs={
            number: [
                (components[i]["props"].get("elem_id"), components[i]["props"].get("value"))
                for i in event["inputs"]
            ]
            for number, event in events.items()
        },
    )


def join(http: httpx.Client, event: int, values: list[Any], session: str) -> str:
    """Puts an event into the queue, and gives its id."""
    body = {"data": values, "fn_index": event, "session_hash": session, "event_data": None}
    answer = http.post("/queue/join", json=body)
    answer.raise_for_status()
    return answer.json()["event_id"]


def messages(http: httpx.Client, session: str) -> Iterator[dict[str, Any]]:
    """What the server sends to a session until there is nothing left to send."""
    with http.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            if line:
                message = json.loads(line.removeprefix("data: "))
                if message.get("msg") == "close_stream":
                    return
                yield message
