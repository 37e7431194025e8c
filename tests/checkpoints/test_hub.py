"""Files from a stand-in for the Hub on this machine, and what is said without one."""

import socket
import threading
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from tqdm_demo.checkpoints import hub as module
from tqdm_demo.checkpoints.hub import fetch, find_cached


def put(hub, name: str, text: str) -> None:
    path = hub / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_is_downloaded_once(hub):
    put(hub, "someone/model/config.json", "one")
    assert find_cached("someone/model", "config.json") is None
    path = fetch("someone/model", "config.json")
    assert path.read_text() == "one" and path.name == "config.json"
    put(hub, "someone/model/config.json", "two")
    assert fetch("someone/model", "config.json") == path and path.read_text() == "one"
    assert find_cached("someone/model", "config.json") == path


def test_a_missing_file_is_none_and_a_missing_repository_is_told(hub):
    put(hub, "someone/model/config.json", "one")
    assert fetch("someone/model", "model.safetensors") is None
    with pytest.raises(ValueError, match="no model 'someone/nothing' on http.*private.*hf auth"):
        fetch("someone/nothing", "config.json")


def test_what_is_no_name_is_told(hub):
    with pytest.raises(ValueError, match="'--/--' is no name of a model"):
        fetch("--/--", "config.json")


def test_offline_a_cached_file_is_enough(hub, monkeypatch):
    put(hub, "someone/model/config.json", "one")
    path = fetch("someone/model", "config.json")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert fetch("someone/model", "config.json") == path
    with pytest.raises(ValueError) as caught:
        fetch("someone/other", "config.json")
    message = str(caught.value)
    assert "someone/other is not on this machine" in message and "cannot be reached" in message
    assert "hf download someone/other" in message and constants.HF_HUB_CACHE in message


def test_a_hub_that_takes_calls_and_says_nothing_is_given_up(hub, monkeypatch):
    """What is limited is one short request: the download, which tries six times, never begins."""
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    monkeypatch.setattr(module, "hf_hub_download", only_cached(module.hf_hub_download))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        with pytest.raises(ValueError, match="cannot be reached"):
            fetch("someone/model", "config.json")


def only_cached(download):
    def ask(repository, file, local_files_only=False, **settings):
        assert local_files_only, "the Hub was asked for a file"
        return download(repository, file, local_files_only=True)

    return ask


def test_names_that_are_never_resolved_do_not_hold_anybody(hub, monkeypatch):
    released = threading.Event()

    class Stuck:
        def head(self, *arguments: object, **settings: object) -> None:
            released.wait(30)

    assert module.PATIENCE + 1 < 5, "whoever chooses such a model waits that long"
    monkeypatch.setattr(module, "PATIENCE", -0.9)  # the thread is given a tenth of a second
    monkeypatch.setattr(module, "get_session", Stuck)
    with pytest.raises(ValueError, match="cannot be reached"):
        fetch("someone/model", "config.json")
    released.set()


@pytest.mark.parametrize("status", [403, 407, 502, 504])
def test_a_proxy_that_answers_for_the_hub_is_not_the_hub(hub, monkeypatch, status):
    class Proxy:
        def head(self, *arguments: object, **settings: object) -> SimpleNamespace:
            return SimpleNamespace(status_code=status)

    monkeypatch.setattr(module, "hf_hub_download", only_cached(module.hf_hub_download))
    monkeypatch.setattr(module, "get_session", Proxy)
    with pytest.raises(ValueError, match="cannot be reached"):
        fetch("someone/model", "config.json")


def test_switched_off_by_the_environment(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="switched off by HF_HUB_OFFLINE"):
        fetch("someone/model", "config.json")
