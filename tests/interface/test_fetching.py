"""Published weights on the page: told first, downloaded when asked for, answered in sentences."""

import gradio as gr
import pytest

from tests.drive_server import DriveFile
from tqdm_demo.checkpoints.published import catalogue, store
from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.answers import AnswerStore
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs.segment import build_tab, on_change, on_fetch

NAME = "tqdm-clip-vit-b-gta5"
SOURCE = f"published:{NAME}"


@pytest.fixture
def published(drive, monkeypatch):
    """The file that Drive has for SOURCE; a conversion only makes a folder."""

    def convert(checkpoint, folder, dtype, backbone=None, expected=""):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(store, "convert", convert)
    place = catalogue.WEIGHTS_BY_NAME[NAME].checkpoint.place
    served = drive.files[place.removeprefix("drive:")] = DriveFile(b"weights")
    return served


@pytest.fixture
def tab(tiny_weights):
    models = ModelManager([str(tiny_weights / "tiny-tqdm")], "cpu")
    with gr.Blocks():
        parts = build_tab(make_parts(models, []))
    return parts, AnswerStore(models)


def test_it_is_downloaded_when_it_is_asked_for_and_not_before(tab, published, street):
    parts, answers = tab
    models = answers.models
    assert "1.1 GB" in models.entry(SOURCE).about and "licence" in models.entry(SOURCE).about
    choose = (str(street), parse_class_list("road"), SOURCE, "segment", None)
    (told,) = on_change(answers, parts, *choose)
    assert "not here yet" in told[parts.status] and models.is_missing(SOURCE)
    with pytest.raises(ValueError, match="not downloaded yet: choose it in the tab “Segment”"):
        models.predictor(SOURCE)
    assert published.asked == []
    updates = list(on_fetch(answers, parts, SOURCE))
    assert all("<progress" in update[parts.status] for update in updates) and updates
    assert not models.is_missing(SOURCE) and len(published.asked) == 1


def test_a_download_that_fails_is_told_and_can_be_asked_for_again(tab, published):
    parts, answers = tab
    published.page = "<html>Quota exceeded</html>"
    *_, last = on_fetch(answers, parts, SOURCE)
    assert "quota" in last[parts.status] and last[parts.fetch_button].visible
    published.page = ""
    list(on_fetch(answers, parts, SOURCE))
    assert not answers.models.is_missing(SOURCE)


def test_what_the_host_has_named_needs_no_asking(published, tiny_weights):
    models = ModelManager([SOURCE], "cpu", load=lambda source, device, **shared: Loaded())
    assert not models.is_missing(SOURCE)
    models.predictor(SOURCE)
    assert len(published.asked) == 1


class Loaded:
    kind = "textual"
