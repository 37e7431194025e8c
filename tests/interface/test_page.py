from collections import Counter

import httpx
from gradio import networking

from tests.interface.forging import open_line, trigger
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.page import build_page, launch_page


def test_a_machine_that_answers_slowly_serves_the_page(tiny_models, monkeypatch, tmp_path):
    """As gradio finds it that waits three seconds for the page, and then would end the program."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    page = build_page(tiny_models, [])
    try:
        url = launch_page(page, "127.0.0.1", port=None, block=False)
        assert httpx.get(f"{url}config", trust_env=False, timeout=300).status_code == httpx.codes.OK
    finally:
        page.close()


def test_the_page_opens_wherever_the_program_was_started(tiny_models, monkeypatch, tmp_path):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    page = build_page(tiny_models, read_examples()[:1])
    with open_line(launch_page(page, "127.0.0.1", port=None, block=False)) as http:
        (number,) = (number for number, event in page.fns.items() if event.name == "on_open")
        reply = trigger(http, number, [])
        page.close()
    assert reply.ok, reply.said


def test_no_two_parts_have_the_same_id(tiny_models):
    """A script that presses a button by its id would press the first one of that id."""
    page = build_page(tiny_models, [])
    page.close()
    ids = [block.elem_id for block in page.blocks.values() if getattr(block, "elem_id", None)]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
