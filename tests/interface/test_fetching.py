"""Published weights on the page: told first, downloaded when asked for, answered in sentences."""

import shutil

import gradio as gr
import pytest
from playwright.sync_api import expect

from tests.drive_server import DriveFile
from tests.interface.browsing import PATIENCE, answered
from tests.interface.conftest import let_threads_end
from tqdm_demo.checkpoints.published import catalogue, conversion
from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.answers import AnswerStore
from tqdm_demo.interface.components.download_bar import build_download_bar, download, offer
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs import compare, segment, similarity
from tqdm_demo.interface.tabs.domain_shift import filters, pictures, streets
from tqdm_demo.interface.tabs.similarity_controls import BY_STAGE, STAGES, Choice

NAME = "tqdm-clip-vit-b-gta5"
SOURCE = f"published:{NAME}"
TITLE = "tqdm, CLIP ViT-B/16, GTA5"
MISSING = "not downloaded yet: press “Download the weights”"
CLASSES = parse_class_list("road")


@pytest.fixture
def published(drive, monkeypatch, tiny_weights):
    """The file that Drive has for SOURCE; a conversion makes a tiny model of it."""

    def convert(checkpoint, folder, dtype, backbone=None, expected=""):
        shutil.copytree(tiny_weights / "tiny-tqdm", folder)
        shutil.copytree(tiny_weights / "tiny-clip", folder.parent / "tiny-clip")

    monkeypatch.setattr(conversion, "convert", convert)
    place = catalogue.WEIGHTS_BY_NAME[NAME].checkpoint.place
    served = drive.files[place.removeprefix("drive:")] = DriveFile(b"weights")
    return served


@pytest.fixture
def page(tiny_weights):
    """A page's parts, inside of a page."""
    with gr.Blocks():
        yield make_parts(ModelManager([str(tiny_weights / "tiny-tqdm")], "cpu"), [])


@pytest.fixture
def bar(page):
    return build_download_bar()


def test_it_is_downloaded_when_it_is_asked_for_and_not_before(page, bar, published):
    models, own = page.models, page.models.columns[0]
    told = offer(models, bar, (own, [own, SOURCE], None))
    assert all(words in told[bar.about] for words in (TITLE, "1.1 GB", "licence"))
    assert told[bar.source] == SOURCE and told[bar.button].visible
    with pytest.raises(ValueError, match=MISSING):
        models.predictor(SOURCE)
    assert published.asked == []
    updates = list(download(models, bar, SOURCE))
    assert updates and all("<progress" in update[bar.about] for update in updates)
    assert len(published.asked) == 1
    assert offer(models, bar, (SOURCE,)) == {bar.about: "", bar.source: ""}


def test_a_download_that_fails_is_told_and_can_be_asked_for_again(page, bar, published):
    published.page = "<html>Quota exceeded</html>"
    *_, last = download(page.models, bar, SOURCE)
    assert "quota" in last[bar.problem] and offer(page.models, bar, (SOURCE,))[bar.button].visible
    published.page = ""
    first, *_ = download(page.models, bar, SOURCE)
    assert first[bar.problem] == "" and not page.models.is_missing(SOURCE)


def test_what_the_host_has_named_needs_no_asking(published, tiny_weights):
    models = ModelManager([SOURCE], "cpu", load=lambda source, device, **shared: Loaded())
    assert not models.is_missing(SOURCE)
    models.predictor(SOURCE)
    assert len(published.asked) == 1


class Loaded:
    kind = "textual"


def test_every_tab_says_so_before_it_computes(page, published, street, monkeypatch):
    monkeypatch.setattr(page.models, "_load", lambda *a: pytest.fail("a model was loaded"))
    picture, sources = str(street), [page.models.columns[0], SOURCE]
    choice = Choice(["road"], BY_STAGE, STAGES[0].title, [], "turbo", "shared", *sources, SOURCE)
    # Tab, its event, and what is given to it behind the page and the tab's parts.
    events = (
        (similarity.build_tab(page), similarity.on_change, (picture, CLASSES, choice)),
        (compare.build_tab(page), compare.on_change, (picture, CLASSES, sources, ())),
        (filters.build_panel(page), filters.show_filters,
         (picture, CLASSES, ["fog"], 1.0, sources)),
        (streets.build_panel(page), streets.show_street, (CLASSES, 4, ["fog"], sources)),
        (pictures.build_panel(page), pictures.show_pictures,
         (CLASSES, [picture], "road", next(iter(pictures.VIEWS)), SOURCE)),
    )  # fmt: skip
    for parts, event, values in events:
        (told,) = event(page, parts, *values)
        assert MISSING in told[parts.status], event


def test_the_viewer_says_what_to_do_in_place_of_another_models_answer(page, street):
    parts, answers = segment.build_tab(page), AnswerStore(page.models)
    asked = object()
    (told,) = segment.on_change(answers, parts, str(street), CLASSES, SOURCE, "segment", asked)
    assert MISSING in told[parts.viewer].empty and told[parts.viewer].picture is None
    assert told[parts.asked] is None


@pytest.mark.browser
def test_a_visitor_downloads_on_one_tab_and_uses_it_on_another(
    published, tiny_weights, drawn_examples, browser, monkeypatch, tmp_path
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "files"))
    models = ModelManager([str(tiny_weights / "tiny-tqdm")], "cpu")
    blocks = build_page(models, drawn_examples[:1])
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE)
    try:
        page.goto(f"{launch_page(blocks, '127.0.0.1', port=None, block=False)}?model={SOURCE}")
        expect(page.locator("#missing-model")).to_contain_text("1.1 GB")
        expect(page.locator(".v-empty")).to_contain_text(MISSING)
        page.get_by_role("tab", name="Compare").click()
        expect(page.locator("#missing-model")).to_be_hidden()
        for chosen in range(len(models.columns)):
            page.locator("#compare-models .token-remove").first.click()
            expect(page.locator("#compare-models .token")).to_have_count(2 - chosen)
        page.locator("#compare-models input").click()
        page.get_by_role("option", name=TITLE, exact=True).click()
        expect(page.locator("#compare-status")).to_contain_text(MISSING)
        page.locator("#fetch-model").click()
        expect(page.locator("#missing-model")).to_be_hidden(timeout=PATIENCE)
        grid = page.locator('#compare-grid .image-grid[data-awaited="0"]')
        expect(grid).to_contain_text(TITLE, timeout=PATIENCE)
        page.get_by_role("tab", name="Segment").click()
        answered(page)
        expect(page.locator("#missing-model")).to_be_hidden()
        expect(page.locator("#model-card")).not_to_be_empty()
    finally:
        page.close()
        blocks.close()
        let_threads_end()
