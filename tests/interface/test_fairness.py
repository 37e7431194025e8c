"""A user with a long run, and the others: on a served page, without a clock."""

import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.interface.bad_input import RED, saved
from tests.interface.forging import Reply, call, join_queue, marked, open_line, trigger, upload
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.tabs.domain_shift import streets
from tqdm_demo.interface.turns import MOST_OF_A_USER

LOOKS = ["game", "fog", "night"]
LONG, SHORT = 1, 2  # numbers of streets; a run has a number, too: its first input


@pytest.fixture(scope="module")
def served(tiny_models, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        page = build_page(tiny_models, [])
        yield page, launch_page(page, "127.0.0.1", port=None, block=False)
        page.close()


class Gate:
    """Holds the long street's runs before their second look."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.painted: list[str] = []
        self.paint = streets.paint

    def __call__(self, seed: int, name: str, size: tuple[int, int]) -> object:
        if seed == LONG:
            self.painted.append(name)
            if name == LOOKS[1]:
                assert self.opened.wait(300)
        return self.paint(seed, name, size)


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    monkeypatch.setattr(streets, "paint", gate)
    yield gate
    gate.opened.set()


@pytest.fixture
def run(served, tiny_models):
    """Starts the run of a street: its user's number -> what it is answered with."""
    page, url = served
    (number,) = (
        number
        for number, function in page.fns.items()
        if any(getattr(block, "elem_id", "") == "street-seed" for block in function.inputs)
    )
    pool = ThreadPoolExecutor(MOST_OF_A_USER + 1)

    def start(seed: int, session: str | None = None) -> Future[Reply]:
        looks = LOOKS if seed == LONG else LOOKS[:1]
        values = [1, None, None, seed, looks, [tiny_models.columns[0]]]
        return pool.submit(lambda: trigger(open_line(url), number, values, session))

    start.number = number
    yield start
    pool.shutdown(wait=False)


def until(condition) -> None:
    while not condition():
        time.sleep(0.01)


def test_others_are_answered_while_a_long_run_goes_on(served, run, gate, tiny_models):
    long = run(LONG)
    until(lambda: len(gate.painted) == 2 or long.done())
    assert not long.done(), long.result()
    assert run(SHORT).result().ok
    with open_line(served[1]) as http:
        picture = marked(upload(http, saved(RED, "PNG")))
        assert call(http, "segment", [picture, ["road", "sky"], tiny_models.columns[0]]).ok
    assert not long.done()
    gate.opened.set()
    assert long.result().ok and gate.painted == LOOKS


def test_one_user_cannot_take_all_the_places(served, run, gate, tiny_models):
    session = uuid.uuid4().hex
    values = [1, None, None, LONG, LOOKS, [tiny_models.columns[0]]]
    with open_line(served[1]) as http:
        for count in range(1, MOST_OF_A_USER + 1):
            join_queue(http, run.number, values, session)
            until(lambda count=count: gate.painted.count(LOOKS[1]) == count)
    refused = run(SHORT, session).result()
    assert f"{MOST_OF_A_USER} requests of yours are running" in str(refused.values)
    assert run(SHORT).result().ok, "another user"


def test_a_run_ends_when_its_user_leaves(served, run, gate, tiny_models):
    page, url = served
    session = uuid.uuid4().hex
    values = [1, None, None, LONG, LOOKS, [tiny_models.columns[0]]]
    with open_line(url) as http:
        join_queue(http, run.number, values, session)
        with http.stream("GET", "/queue/data", params={"session_hash": session}):
            until(lambda: len(gate.painted) == 2)
    (event,) = (
        e for job in page._queue.active_jobs for e in job or () if e.session_hash == session
    )
    until(lambda: not event.alive)
    gate.opened.set()
    until(lambda: event._id not in page._queue.event_ids_to_events)
    assert gate.painted == LOOKS[:2], "the model was asked for no more"
