"""Values that no browser sends, in every input of every event of the page."""

import gradio as gr
import pytest
from gradio.state_holder import SessionState
from PIL import Image

from tests.interface.forging import Reply, finish, open_line, trigger
from tqdm_demo.inference.preprocessing import GONE
from tqdm_demo.interface.door import LONGEST_SENTENCE, check_files
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.page import TABS, build_page, launch_page
from tqdm_demo.interface.refusals import MALFORMED, UNFIT

WRONG = (None, True, -1, 10**30, float("inf"), float("nan"), "x", "", [], [[1]], ["x"], {"a": 1})


@pytest.fixture(scope="module")
def page(tiny_models, tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "blue.png"
    Image.new("RGB", (60, 40), "blue").save(path)
    return build_page(tiny_models, [Example(path, None, "blue", "game", ("sky",), "Apache-2.0")])


def number_of(page: gr.Blocks, name: str) -> int:
    (number,) = (number for number, function in page.fns.items() if function.name == name)
    return number


def first_value(component):
    """What a browser sends at first; one part of a list, so that a run is short."""
    value = None if component.stateful else component.value
    return value[:1] if isinstance(value, list) else value


async def run(page, number: int, values: list, state: SessionState, query: dict) -> None:
    """Runs an event to its end; a generator step by step."""
    asked, iterator, running = gr.Request(query_params=query), None, True
    while running:
        function = page.fns[number]
        output = await page.process_api(function, values, state, asked, iterator=iterator)
        iterator, running = output["iterator"], output["is_generating"]


def forged(page: gr.Blocks):
    """(number, values): every wrong value in the place of every good one of every event."""
    for number, function in page.fns.items():
        if function.fn is None or function.cancels:
            continue
        for place, component in enumerate(function.inputs):
            for wrong in () if component.stateful else WRONG:
                values = [first_value(component) for component in function.inputs]
                values[place] = wrong
                yield number, values


# The tab "Domain shift" has no event of its own that looks which tab is open.
@pytest.mark.parametrize("tab", [module.ID for module in TABS if module.ID != "shift"])
def test_no_wrong_value_ends_in_a_bare_exception(page, tab):
    state, sentences, faults = SessionState(page), [], []

    async def try_all() -> None:
        await run(page, number_of(page, "on_open"), [], state, {"tab": tab})
        for number, values in forged(page):
            if tab != TABS[0].ID and page.fns[number].name != "changed":
                continue  # answered alike whatever tab is open
            try:
                await run(page, number, values, state, {})
            except gr.Error as error:
                sentences.append(error.message)
            except Exception as error:
                faults.append((page.fns[number].name, values, repr(error)))

    finish(try_all())
    assert not faults
    assert tab == TABS[0].ID or sentences
    assert all(len(s) <= LONGEST_SENTENCE and s.endswith((".", "]")) for s in sentences), sentences


def test_the_log_says_what_a_request_did_not_fit(page, tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with open_line(launch_page(page, "127.0.0.1", port=None, block=False)) as http:
        for wrong in (99, [[1]], float("nan")):
            reply = trigger(http, number_of(page, "on_example"), [wrong, "All", None, None])
            assert reply == Reply(False, UNFIT, [])
        page.close()
    assert "Traceback" not in capfd.readouterr().err
    log = caplog.text
    assert "in on_example" in log and "IndexError: " in log and "TypeError: " in log


def test_what_is_sent_is_not_sent_back(page):
    number, state = number_of(page, "models_changed"), SessionState(page)
    with pytest.raises(gr.Error, match=MALFORMED):
        finish(run(page, number, [["x" * 10**6]], state, {}))


def test_files_are_found_however_deep():
    value = {"path": "/etc/passwd"}
    for _ in range(10_000):
        value = [value]
    with pytest.raises(ValueError, match=GONE):
        check_files(value, set(), "/")
