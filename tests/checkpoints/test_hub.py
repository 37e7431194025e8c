"""Files from a stand-in for the Hub on this machine, and what is said without one."""

import socket
import threading
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from tqdm_demo.checkpoints import hub as module
from tqdm_demo.checkpoints.hub import fetch, find_cached

CONFIG, TENSORS = "config.json", "model.safetensors"


def put(hub, name: str, text: str) -> None:
    path = hub / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_is_downloaded_once_and_nothing_else_with_it(hub):
    put(hub, "someone/model/config.json", "one")
    put(hub, "someone/model/large.bin", "not wanted")
    assert find_cached("someone/model", [CONFIG]) is None
    folder = fetch("someone/model", [CONFIG])
    assert [file.name for file in folder.iterdir()] == [CONFIG]
    put(hub, "someone/model/config.json", "two")
    assert fetch("someone/model", [CONFIG]) == folder == find_cached("someone/model", [CONFIG])
    assert (folder / CONFIG).read_text() == "one"


def test_all_files_are_of_one_revision(hub):
    """Also where an older configuration is in the cache already."""
    put(hub, "someone/model/config.json", "old")
    fetch("someone/model", [CONFIG, TENSORS])
    put(hub, "someone/model/config.json", "new")
    put(hub, "someone/model/model.safetensors", "new")
    folder = fetch("someone/model", [CONFIG, TENSORS])
    assert [(folder / file).read_text() for file in (CONFIG, TENSORS)] == ["new", "new"]


def test_a_missing_file_is_left_out_and_a_missing_repository_is_told(hub):
    put(hub, "someone/model/config.json", "one")
    assert not (fetch("someone/model", [TENSORS]) / TENSORS).exists()
    with pytest.raises(ValueError, match="no model 'someone/nothing' on http.*private.*hf auth"):
        fetch("someone/nothing", [CONFIG])


def test_what_is_no_name_is_told(hub):
    with pytest.raises(ValueError, match="'--/--' is no name of a model"):
        fetch("--/--", [CONFIG])


def test_offline_cached_files_are_enough(hub, monkeypatch):
    put(hub, "someone/model/config.json", "one")
    folder = fetch("someone/model", [CONFIG])
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert fetch("someone/model", [CONFIG]) == folder
    with pytest.raises(ValueError) as caught:
        fetch("someone/other", [CONFIG])
    message = str(caught.value)
    assert "someone/other is not on this machine" in message and "cannot be reached" in message
    assert "hf download someone/other" in message and constants.HF_HUB_CACHE in message


def answer_within(seconds: float) -> str:
    """What :func:`fetch` says, where it says something in time."""
    said = []

    def ask() -> None:
        try:
            fetch("someone/model", [CONFIG])
        except ValueError as error:
            said.append(str(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return said[0] if said else f"nothing in {seconds} seconds"


def test_a_hub_that_takes_calls_and_says_nothing_is_given_up(hub, monkeypatch):
    """With the patience that users meet; huggingface_hub alone takes a minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        assert "cannot be reached" in answer_within(20)


def test_names_that_are_never_resolved_do_not_hold_anybody(hub, monkeypatch):
    released = threading.Event()

    class Stuck:
        def head(self, *arguments: object, **settings: object) -> None:
            released.wait(60)

    monkeypatch.setattr(module, "PATIENCE", 0.1)
    monkeypatch.setattr(module, "get_session", Stuck)
    assert "cannot be reached" in answer_within(20)
    released.set()


@pytest.mark.parametrize("status", [403, 407, 502, 504])
def test_a_proxy_that_answers_for_the_hub_is_not_the_hub(hub, monkeypatch, status):
    class Proxy:
        def head(self, *arguments: object, **settings: object) -> SimpleNamespace:
            return SimpleNamespace(status_code=status)

    monkeypatch.setattr(module, "get_session", Proxy)
    assert "cannot be reached" in answer_within(20)


def test_switched_off_by_the_environment(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "switched off by HF_HUB_OFFLINE" in answer_within(20)
