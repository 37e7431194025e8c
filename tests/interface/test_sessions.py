"""What the server keeps of a session: its states, not what the page has shown."""

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from tests.interface.forging import finish, open_line, trigger
from tqdm_demo.interface.door import GuardedBlocks
from tqdm_demo.interface.page import launch_page


@pytest.fixture
def page():
    """A page with one event, which keeps a length and shows a text; it refuses "bad"."""

    def show(text: str):
        if text == "bad":
            raise gr.Error("No.", print_exception=False)
        return len(text), 2 * text

    with GuardedBlocks(analytics_enabled=False) as blocks:
        length, field = gr.State(0), gr.Textbox()
        gr.Button().click(show, field, [length, field])
    return blocks


def test_a_session_keeps_its_states_alone(page):
    state = SessionState(page)
    (number,), (length,) = page.fns, [i for i, block in page.blocks.items() if block.stateful]
    output = finish(page.process_api(number, ["a" * 1000], state))
    assert output["data"] == [None, "a" * 2000]
    assert state[length] == 1000 and not state.config_values
    with pytest.raises(gr.Error, match="No"):
        finish(page.process_api(number, ["bad"], state))
    assert state[length] == 1000 and not state.config_values


def test_nobody_writes_a_session_to_the_disk(page, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with open_line(launch_page(page, "127.0.0.1", port=None, block=False)) as http:
        assert trigger(http, next(iter(page.fns)), ["a" * 10_000], "mine").ok
        assert http.get("/deep_link", params={"session_hash": "mine"}).status_code == 404
        page.close()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 100
