"""Buttons that start and stop something long, on a page of their own, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.interface.browsing import PATIENCE
from tqdm_demo.interface import markup, parts
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.door import GuardedBlocks
from tqdm_demo.interface.page import launch_page
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs.domain_shift.controls import connect_run, run_buttons

pytestmark = pytest.mark.browser
STEPS, STEP = 1500, 0.02  # half a minute, unless it is stopped


def count(pause: float = STEP, steps: int = STEPS) -> Iterator[tuple[str, str]]:
    """A run with many updates, so that some of them are always on their way."""
    for step in range(steps):
        yield charts.progress(step, steps, "Counting …"), f"{step}"
        time.sleep(pause)
    yield "", "all"


def fail() -> Iterator[tuple[str, str]]:
    yield charts.progress(0, 2, "Counting …"), "0"
    yield markup.problem("This cannot be counted."), "0"


@pytest.fixture(scope="module")
def counters_url(tiny_models, tmp_path_factory) -> Iterator[str]:
    """A page with runs that share one place: two long ones, and one that fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        # As when all places are taken: a second run has to wait.
        patch.setattr(parts, "AT_ONCE", 1)
        with GuardedBlocks() as blocks:
            page = make_parts(tiny_models, [])
            for name, handler in (("first", count), ("second", count), ("broken", fail)):
                run, stop = run_buttons("Count", name)
                outputs = [gr.HTML(elem_id=f"{name}-status"), gr.HTML(elem_id=f"{name}-count")]
                connect_run(page, run, stop, handler, [], outputs)
        yield launch_page(blocks, "127.0.0.1", port=None, block=False)
        blocks.close()


@pytest.fixture
def counters(browser: Browser, counters_url: str) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(counters_url)
    yield page
    page.close()


def text(page: Page, elem_id: str) -> str:
    """What an HTML element shows, without what gradio keeps beside it."""
    return page.locator(f"#{elem_id} .prose").inner_text().strip()


def start(page: Page, name: str) -> None:
    page.locator(f"#{name}-run").click()
    expect(page.locator(f"#{name}-status")).to_contain_text(" of 1500 done")


def test_nothing_is_written_after_a_stop(counters):
    for _ in range(3):
        start(counters, "first")
        counters.locator("#first-stop").click()
        expect(counters.locator("#first-run")).to_be_visible()
        expect(counters.locator("#first-stop")).to_be_hidden()
        reached = text(counters, "first-count")
        assert text(counters, "first-status") == ""
        counters.wait_for_timeout(20 * 1000 * STEP)
        assert text(counters, "first-status") == ""
        assert text(counters, "first-count") == reached != "all"
        assert counters.locator("#first-run").inner_text().strip() == "Count"


def test_a_run_that_waits_for_its_turn_can_be_stopped(counters):
    start(counters, "first")
    counters.locator("#second-run").click()
    counters.locator("#second-stop").click()
    expect(counters.locator("#second-run")).to_be_visible()
    # The other run goes on.
    reached = text(counters, "first-count")
    expect(counters.locator("#first-count .prose")).not_to_have_text(reached)
    counters.locator("#first-stop").click()
    expect(counters.locator("#first-run")).to_be_visible()
    assert text(counters, "second-count") == ""


@pytest.mark.parametrize("late", ["request", "answer"])
def test_a_stop_is_not_lost_while_its_run_is_on_its_way(counters, late):
    """The request that starts the run, or its answer, comes after the stop."""
    start(counters, "first")
    held: list[Route] = []
    counters.route("**/queue/join*", lambda route: held.append(route), times=1)
    with counters.expect_request("**/queue/join*"):
        counters.locator("#second-run").click()
    expect(counters.locator("#second-stop")).to_be_visible()
    while not held:
        counters.wait_for_timeout(20)
    answer = held[0].fetch() if late == "answer" else None
    with counters.expect_response("**/queue/join*"):
        counters.locator("#second-stop").click()
    held[0].fulfill(response=answer) if answer else held[0].continue_()
    counters.locator("#first-stop").click()
    expect(counters.locator("#second-run")).to_be_visible()
    # There is one place, and who came first has it first.
    expect(counters.locator("#first-run")).to_be_visible()
    start(counters, "first")
    assert text(counters, "second-count") == ""


def test_what_went_wrong_stays_written(counters):
    counters.locator("#broken-run").click()
    expect(counters.locator("#broken-status")).to_have_text("This cannot be counted.")
    expect(counters.locator("#broken-run")).to_be_visible()
    expect(counters.locator("#broken-status")).to_have_text("This cannot be counted.")
