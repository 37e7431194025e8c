"""What the server keeps of answers that nobody reads."""

from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.queueing import Event
from gradio.server_messages import ProcessCompletedMessage

from tqdm_demo.interface.door import GuardedBlocks
from tqdm_demo.interface.unread import UnreadAnswers


class Clock:
    """Seconds, by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    """A queue of gradio's whose unread answers may take 10 MB, for a minute."""
    with GuardedBlocks(analytics_enabled=False) as page:
        gr.Button().click(lambda: 5)
    assert isinstance(page._queue.pending_messages_per_session, UnreadAnswers)
    unread = UnreadAnswers(page._queue, 10 * 2**20, 60, clock)
    page._queue.pending_messages_per_session = unread
    page._queue.active_jobs = [None]
    return page._queue


def ask(queue, session: str) -> Event:
    """As Queue.push begins an event."""
    function = next(iter(queue.blocks.fns.values()))
    event = Event(session, function, SimpleNamespace(), None)
    event.enqueue_time = 0
    if session not in queue.pending_messages_per_session:
        queue.pending_messages_per_session[session] = None
    queue.pending_event_ids_session.setdefault(session, set()).add(event._id)
    queue.event_ids_to_events[event._id] = event
    return event


def answer(queue, event: Event, megabytes: float = 1) -> None:
    """As Queue.process_events ends one."""
    message = ProcessCompletedMessage(output={"data": ["x" * int(megabytes * 2**20)]}, success=True)
    queue.send_message(event, message)
    queue.event_ids_to_events.pop(event._id, None)


def read(queue, session: str) -> None:
    """As the route that streams messages reads one."""
    message = queue.pending_messages_per_session[session].get_nowait()
    queue.pending_event_ids_session[session].remove(message.event_id)


def kept(queue) -> list[str]:
    assert set(queue.pending_event_ids_session) == set(queue.pending_messages_per_session)
    return list(queue.pending_messages_per_session)


def test_what_was_read_goes(queue):
    answer(queue, ask(queue, "a"))
    read(queue, "a")
    answer(queue, ask(queue, "a"))
    assert kept(queue) == ["a"] and queue.pending_messages_per_session.weight > 2**20
    read(queue, "a")
    ask(queue, "b")
    assert kept(queue) == ["b"] and queue.pending_messages_per_session.weight == 0


def test_many_sessions_push_out_nobody_who_waits(queue):
    waiting = ask(queue, "waiting")
    queue.active_jobs = [[waiting]]
    for number in range(3000):
        answer(queue, ask(queue, f"s{number}"), 0)
        read(queue, f"s{number}")
    answer(queue, waiting)
    read(queue, "waiting")
    assert len(kept(queue)) == 2


def test_unread_answers_are_bounded_in_bytes(queue):
    for session in ("a", "b", "b", "b", *"cdefghijkl"):
        answer(queue, ask(queue, session))
        assert queue.pending_messages_per_session.weight < 10 * 2**20
    assert "b" not in kept(queue) and "l" in kept(queue), "who left most goes first"
    for number in range(1000):
        answer(queue, ask(queue, f"s{number}"), 0)
    assert len(kept(queue)) < 640, "small ones are bounded, too"


def test_a_session_that_is_dropped_computes_no_more(queue):
    first, second = ask(queue, "a"), ask(queue, "a")
    answer(queue, first, 11)
    assert kept(queue) == [] and not second.alive
    answer(queue, second)
    assert queue.pending_messages_per_session.weight == 0


def test_nobody_reads_after_a_while(queue, clock):
    answer(queue, ask(queue, "a"))
    running = ask(queue, "b")
    queue.active_jobs = [[running]]
    clock.now = 59
    ask(queue, "c")
    assert kept(queue) == ["a", "b", "c"]
    clock.now = 61
    ask(queue, "d")
    assert kept(queue) == ["b", "c", "d"], "what runs is waited for"


def test_events_that_gradio_forgot_are_dropped(queue, clock):
    ask(queue, "a")
    clock.now = 61
    new = ask(queue, "b")
    assert list(queue.event_ids_to_events) == [new._id]


def test_a_reader_may_leave_after_its_session_was_dropped(queue):
    del queue.pending_messages_per_session["a"]
