"""Turns at the models: long requests run in slices, between which other users come in.

gradio lets several requests run side by side, each in a thread of its own. Whatever runs a model
takes a turn for one slice of its work (one picture, one batch of windows), and of those who wait
the users are served one after the other, however much each of them has asked for. Before every
slice a request is given up if its user has left or stopped it, and ended if it has had its time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import LocalContext
from gradio.queueing import Event, Queue

from tqdm_demo.devices import trim_heap

# A model's time for one request, in seconds; waiting for a turn does not count.
MOST_SECONDS = 600
# Requests of one user that run side by side. Fewer than the page lets run in all, so that one
# user leaves room for others.
MOST_OF_A_USER = 4
GIVEN_UP = "This request was given up."
# How often a request that waits looks whether its user is still there, seconds.
_LOOK = 0.5


@dataclass(eq=False)
class Job:
    """One request that wants turns.

    Attributes:
        user: whose it is; all requests of a user share that user's turns.
        is_given_up: whether nobody waits for its answer any more.
        seconds: how long it had the models.
    """

    user: str
    is_given_up: Callable[[], bool] = lambda: False
    seconds: float = 0.0


class FairTurns:
    """Gives one thread at a time a turn, user after user. Safe to use from many threads.

    Args:
        current: the request that the calling thread works for.
        most_seconds: what a request may have in all.
        clock: seconds.

    Attributes:
        given: how many turns there were so far, the one that is taken included.
    """

    def __init__(
        self,
        current: Callable[[], Job],
        most_seconds: float = MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._most_seconds = most_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._taken = False
        self.given = 0
        # Users in the order in which they are served, and the turns that each waits for.
        self._waiting: OrderedDict[str, deque[object]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        with self._changed:
            return sum(map(len, self._waiting.values()))

    @property
    def idle(self) -> bool:
        """Whether nobody has a turn, or waits for one."""
        with self._changed:
            return not self._taken and not self._waiting

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn and keeps it inside the block.

        Raises:
            ValueError: the request has had its time; a sentence for the user.
            gr.Error: the request was given up.
        """
        job = self._current()
        if job.seconds >= self._most_seconds:
            raise ValueError(
                f"This takes too long: it was stopped after {self._most_seconds:g} seconds of "
                "computing. Ask for fewer models or pictures, or a smaller one."
            )
        self._wait(job)
        start = self._clock()
        try:
            yield
        finally:
            job.seconds += self._clock() - start
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _wait(self, job: Job) -> None:
        ticket = object()
        with self._changed:
            tickets = self._waiting.setdefault(job.user, deque())
            tickets.append(ticket)
            try:
                while not job.is_given_up() and (self._taken or self._next() is not ticket):
                    self._changed.wait(_LOOK)
                if job.is_given_up():
                    raise gr.Error(GIVEN_UP, print_exception=False)
                self._taken = True
                self.given += 1
                self._waiting.move_to_end(job.user)
            finally:
                tickets.remove(ticket)
                if not tickets:
                    del self._waiting[job.user]
                self._changed.notify_all()

    def _next(self) -> object:
        return next(iter(self._waiting.values()))[0]


def trim_when_idle(
    turns: FairTurns,
    stop: threading.Event,
    seconds: float = 5.0,
    trim: Callable[[], None] = trim_heap,
) -> None:
    """Gives memory back whenever the models were used and then nobody used them for a while.

    Meant for a thread of its own. The next request takes about a tenth longer for it.

    Args:
        turns: at the models.
        stop: ends it.
        seconds: how long nobody.
        trim: how.
    """
    seen = trimmed = 0
    while not stop.wait(seconds):
        if turns.idle and trimmed < turns.given == seen:
            trim()
            trimmed = seen
        seen = turns.given


class GradioJobs:
    """Knows for which of gradio's requests a thread works: ``FairTurns(GradioJobs())``."""

    def __init__(self) -> None:
        self._jobs: WeakKeyDictionary[Event, Job] = WeakKeyDictionary()

    def __call__(self) -> Job:
        """The request of this thread; a new one, of no user, outside of gradio's events.

        Raises:
            ValueError: the user has too many of them; a sentence.
            gr.Error: the request is not there any more.
        """
        blocks, name = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
        if blocks is None or name is None:
            return Job("")
        queue = blocks._queue
        event = queue.event_ids_to_events.get(name)
        if event is None:
            raise gr.Error(GIVEN_UP, print_exception=False)
        job = self._jobs.get(event)
        if job is None:
            if _running_before(queue, event) >= MOST_OF_A_USER:
                raise ValueError(
                    f"{MOST_OF_A_USER} requests of yours are running: wait for one, or stop it."
                )
            job = self._jobs[event] = Job(event.session_hash, _given_up(queue, event))
        return job


def _running_before(queue: Queue, event: Event) -> int:
    """Other requests of the same user that run with the same limit, and came before."""
    running = [other for job in list(queue.active_jobs) for other in job or ()]
    return sum(
        other.session_hash == event.session_hash
        and other.concurrency_id == event.concurrency_id
        and other.enqueue_time < event.enqueue_time
        for other in running
    )


def _given_up(queue: Queue, event: Event) -> Callable[[], bool]:
    name = event._id  # not the event itself, which would keep the job, and the job it

    def is_given_up() -> bool:
        found = queue.event_ids_to_events.get(name)
        return found is None or not found.alive

    return is_given_up
