"""Answers that nobody has read yet: how much of them the server keeps, and for how long.

gradio keeps a queue of messages for every session that asks something, a program's single call
included, until 2000 newer sessions have come: whoever never reads leaves answers behind, and
whoever waits among many loses theirs. Here a session's queue goes when all of it was read, when
nobody has read it for a while, or when all queues together hold too much; then whoever left most
goes first.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gradio.queueing import Queue
from gradio.utils import LRUCache

# Bytes of all unread messages together.
MOST_BYTES = 64 * 2**20
# Seconds after which nobody comes to read any more.
PATIENCE = 600
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
# No message counts less, so that their number is bounded, too.
_LEAST = 16 * 2**10


class UnreadAnswers(LRUCache[str, asyncio.Queue[Any]]):
    """Takes the place of gradio's ``Queue.pending_messages_per_session``: session -> messages.

    Args:
        queue: whose messages these are.
        most_bytes: see :data:`MOST_BYTES`.
        patience: see :data:`PATIENCE`.
        clock: seconds.

    Attributes:
        weight: bytes of all messages that were not read.
    """

    def __init__(
        self,
        queue: Queue,
        most_bytes: int = MOST_BYTES,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(max_size=sys.maxsize)  # bounded by what follows
        self.weight = 0
        self.clock = clock
        self._queue = queue
        self._most_bytes = most_bytes
        self._patience = patience

    def __setitem__(self, session: str, messages: asyncio.Queue[Any]) -> None:
        """A session begins; its queue is one of ours, whatever gradio brings along.

        Raises:
            ValueError: a name that no client gives itself. gradio takes names apart when somebody
                stops a run, and keeps them in several places.
        """
        if not _NAME.fullmatch(session):
            raise ValueError("a session's name has up to 64 letters, digits, dots, dashes")
        self._tidy()
        super().__setitem__(session, _Messages(self))

    def __missing__(self, session: str) -> asyncio.Queue[Any]:
        """For an answer to a session that was dropped: it is lost, not an error."""
        return asyncio.Queue()

    def __delitem__(self, session: str) -> None:
        """A session's reader has left, perhaps after the session was dropped."""
        self._drop(session)

    def grow(self, by: int) -> None:
        """Messages came in, or were read (negative)."""
        self.weight += by
        while self.weight > self._most_bytes:
            self._drop(max(self, key=lambda session: self[session].weight))

    def _tidy(self) -> None:
        now, running = self.clock(), self._running()
        for session, messages in list(self.items()):
            waited_for = self._queue.pending_event_ids_session.get(session, ())
            all_read = messages.empty() and not waited_for
            # What still runs or waits is looked after by the queue, which is bounded.
            left = running.isdisjoint(waited_for) and now - messages.touched > self._patience
            if all_read or left:
                self._drop(session)
        # A run that was stopped twice is one that gradio forgets to forget.
        for name, event in list(self._queue.event_ids_to_events.items()):
            if name not in running and now - event.enqueue_time > self._patience:
                del self._queue.event_ids_to_events[name]

    def _running(self) -> set[str]:
        queues = self._queue.event_queue_per_concurrency_id.values()
        jobs = [job for job in self._queue.active_jobs if job]
        return {event._id for events in (*jobs, *(q.queue for q in queues)) for event in events}

    def _drop(self, session: str) -> None:
        if session in self:
            messages = self[session]
            super().__delitem__(session)
            self.weight -= messages.weight
            messages.owner = None
        for name in self._queue.pending_event_ids_session.pop(session, ()):
            event = self._queue.event_ids_to_events.get(name)
            if event is not None:
                event.alive = False  # nobody would read what it computes


class _Messages(asyncio.Queue[Any]):
    """A session's messages, which tell their owner what they weigh."""

    def __init__(self, owner: UnreadAnswers) -> None:
        super().__init__()
        self.owner: UnreadAnswers | None = owner
        self.weight = 0
        self.touched = owner.clock()
        self._weights: deque[int] = deque()

    # asyncio.Queue calls these two for what it holds, and lets subclasses say how.
    def _put(self, item: Any) -> None:
        super()._put(item)
        self._weights.append(_LEAST + _weigh(vars(item)))
        self._change(self._weights[-1])

    def _get(self) -> Any:
        self._change(-self._weights.popleft())
        return super()._get()

    def _change(self, by: int) -> None:
        self.weight += by
        if self.owner is not None:
            self.touched = self.owner.clock()
            self.owner.grow(by)


def _weigh(value: Any) -> int:
    """About what a message takes, in bytes."""
    weight, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        weight += 64
        if isinstance(part, str | bytes):
            weight += len(part)
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return weight
