import threading
import time
from collections.abc import Callable, Iterator

import gradio as gr
import pytest

from tqdm_demo.interface import turns as module
from tqdm_demo.interface.turns import FairTurns, Job


class Crowd:
    """Threads that each work for a job; ``order`` is that of their turns."""

    def __init__(self, **settings: object) -> None:
        self._own = threading.local()
        self.turns = FairTurns(lambda: self._own.job, **settings)
        self.order: list[str] = []
        self.errors: list[Exception] = []
        self.threads: list[threading.Thread] = []

    def work(self, job: Job, name: str, slices: int, inside: Callable[[], None]) -> None:
        self._own.job = job
        try:
            for _ in range(slices):
                with self.turns.turn():
                    self.order.append(name)
                    inside()
        except (ValueError, gr.Error) as error:
            self.errors.append(error)

    def start(
        self, job: Job, name: str, slices: int = 1, inside: Callable[[], None] = lambda: None
    ) -> None:
        thread = threading.Thread(target=self.work, args=(job, name, slices, inside), daemon=True)
        thread.start()
        self.threads.append(thread)

    def wait_for(self, count: int) -> None:
        """Until so many stand in line; a failure is the test's own end."""
        while self.turns.waiting != count:
            time.sleep(0.001)

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_users_take_turns_however_much_each_asks_for(gate):
    crowd = Crowd()
    crowd.start(Job("first"), "first", inside=gate.wait)
    while not crowd.order:
        time.sleep(0.001)
    for count, (user, name) in enumerate([("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")]):
        crowd.start(Job(user), name)
        crowd.wait_for(count + 1)
    gate.set()
    crowd.join()
    assert crowd.order == ["first", "a1", "b1", "a2", "a3"] and crowd.turns.waiting == 0


def test_a_long_request_lets_others_in_between(gate):
    crowd = Crowd()

    def inside() -> None:  # its first slice ends when somebody else stands in line
        if crowd.order == ["long"]:
            gate.set()
            crowd.wait_for(1)

    crowd.start(Job("a"), "long", slices=3, inside=inside)
    gate.wait()
    crowd.start(Job("b"), "short")
    crowd.join()
    assert crowd.order == ["long", "short", "long", "long"]


def test_a_request_has_a_time_and_waiting_is_not_counted():
    clock = iter([0, 4, 100, 107, 200, 201]).__next__
    crowd = Crowd(most_seconds=11, clock=clock)
    crowd.start(Job("a"), "a", slices=3)
    crowd.join()
    assert crowd.order == ["a", "a"]
    assert "stopped after 11 seconds of computing" in str(crowd.errors[0])
    crowd.start(Job("a"), "another of the same user")
    crowd.join()
    assert len(crowd.order) == 3


def test_who_has_left_gets_no_turn(gate, monkeypatch):
    monkeypatch.setattr(module, "_LOOK", 0.01)
    crowd, left = Crowd(), threading.Event()
    crowd.start(Job("a"), "a", inside=gate.wait)
    while not crowd.order:
        time.sleep(0.001)
    crowd.start(Job("b", is_given_up=left.is_set), "b")
    crowd.wait_for(1)
    left.set()
    crowd.threads[1].join()
    assert module.GIVEN_UP in str(crowd.errors[0]) and crowd.turns.waiting == 0
    gate.set()
    crowd.join()
    assert crowd.order == ["a"]


def test_a_turn_ends_with_an_error_too():
    crowd = Crowd()

    def fail() -> None:
        raise ValueError("no picture")

    crowd.start(Job("a"), "a", inside=fail)
    crowd.join()
    crowd.start(Job("b"), "b")
    crowd.join()
    assert crowd.order == ["a", "b"]


class Looks:
    """Stands for the event that ends a thread, and for the time between its looks."""

    def __init__(self, *between: Callable[[], None]) -> None:
        self.left = list(between)

    def wait(self, seconds: float) -> bool:
        if self.left:
            self.left.pop(0)()
            return False
        return True


def test_memory_is_given_back_once_after_the_models_were_used(gate):
    crowd, trimmed = Crowd(), []

    def use() -> None:
        with crowd.turns.turn():
            pass

    def nothing() -> None:
        pass

    def look(*between: Callable[[], None]) -> int:
        trimmed.clear()
        module.trim_when_idle(crowd.turns, Looks(*between), trim=lambda: trimmed.append(1))
        return len(trimmed)

    crowd._own.job = Job("user")
    assert look(nothing, nothing) == 0, "not used yet"
    assert look(use, use, use) == 0, "still in use"
    assert look(use, nothing, nothing, nothing) == 1
    assert look(use, nothing, use, nothing) == 2
    crowd.start(Job("long"), "long", inside=gate.wait)
    while crowd.turns.idle:
        time.sleep(0.001)
    assert look(nothing, nothing, nothing) == 0, "one is at it"
