"""What the page chooses for a picture, and what stays: handlers, without a browser."""

from types import SimpleNamespace

import gradio as gr
import pytest

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.picture_kind import PHOTO, STREET
from tqdm_demo.interface import choices
from tqdm_demo.interface.choices import Choices, find_rest, tell
from tqdm_demo.interface.examples import GALLERY_FILTERS, filter_examples
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import DEFAULT_TEXT, make_parts
from tqdm_demo.interface.sidebar import build_sidebar
from tqdm_demo.interface.sidebar_choices import (
    suit_kind,
    switch_choice,
    use_model,
)
from tqdm_demo.vocabulary import PHOTO_NAMES

PHOTO_TEXT = "\n".join(PHOTO_NAMES)


@pytest.fixture(scope="module")
def built(drawn_examples):
    models = ModelManager(device="cpu")
    if not choices.can_choose(models):
        pytest.skip("the bundled models are not here")
    with gr.Blocks():
        page = make_parts(models, drawn_examples)
        return page, build_sidebar(page)


def test_a_kind_takes_its_model_and_list(built):
    page, sidebar = built
    photo = suit_kind(PHOTO, "streets-tqdm", Choices(), page, sidebar)
    assert photo[page.model] == "photos-tqdm" and photo[sidebar.names] == PHOTO_TEXT
    assert photo[page.classes].labels == PHOTO_NAMES
    street = suit_kind(STREET, "photos-tqdm", Choices(), page, sidebar)
    assert street[page.model] == "streets-tqdm" and street[sidebar.names] == DEFAULT_TEXT


def test_what_the_user_chose_stays(built):
    page, sidebar = built
    model = "streets-tqdm"
    assert suit_kind(PHOTO, model, Choices(model=True), page, sidebar) == {}
    kept = suit_kind(PHOTO, model, Choices(names=True), page, sidebar)
    assert kept == {page.model: "photos-tqdm"}
    # Where the model suits, the list may be in its user's hands this very moment.
    assert suit_kind(STREET, model, Choices(), page, sidebar) == {}


def test_a_model_taken_by_hand_brings_its_list_unless_one_was_written(built):
    page, sidebar = built
    assert use_model("photos-queries", Choices(), page, sidebar)[sidebar.names] == PHOTO_TEXT
    assert set(use_model("photos-tqdm", Choices(names=True), page, sidebar)) == {page.model}
    # A zero-shot CLIP has no list of its own.
    assert set(use_model("zero-shot:mini-clip", Choices(), page, sidebar)) == {page.model}


def test_one_click_switches_and_another_lets_the_page_choose(built):
    page, sidebar = built
    other = switch_choice(PHOTO, "photos-tqdm", Choices(), page, sidebar)
    assert other[page.model] == "streets-tqdm" and other[page.chosen].model
    again = switch_choice(PHOTO, "streets-tqdm", other[page.chosen], page, sidebar)
    assert again[page.model] == "photos-tqdm" and again[page.chosen] == Choices()


def test_the_sentence_says_what_is_used(built):
    page, _ = built
    line, action = tell(page.models, PHOTO, Choices(), "photos-tqdm")
    assert "photo or painting" in line and "its 23 names" in line
    assert action == "Use the streets’ model instead"
    line, action = tell(page.models, STREET, Choices(model=True), "photos-tqdm")
    assert "Your own model is kept" in line and action == "Choose for me"
    assert tell(page.models, None, Choices(), "photos-tqdm") == ("", "")


def test_a_host_s_own_model_is_left_alone(tiny_models):
    assert not choices.can_choose(tiny_models)
    assert choices.find_kind(tiny_models, "nowhere.png") is None


def test_menus_go_with_the_model_to_its_kind_unless_they_were_changed():
    sources = ["streets-tqdm", "streets-queries", "zero-shot:mini-clip", "photos-tqdm"]
    sources += ["photos-queries", "photos-only"]
    models = SimpleNamespace(
        columns=sources[:3], entries=[SimpleNamespace(source=s) for s in sources]
    )
    with gr.Blocks() as blocks:
        page = make_parts(models, [])
        several = gr.Dropdown(sources, value=sources[:3], multiselect=True)
        one = gr.Dropdown(sources, value="streets-tqdm")
        page.followers.extend([several, one])
        choices.follow_model(page)
    (follow,) = (function.fn for function in blocks.fns.values())
    kept = gr.skip()
    photos = ["photos-tqdm", "photos-queries", "zero-shot:mini-clip"]
    assert follow("photos-tqdm", sources[:3], "streets-tqdm") == [photos, "photos-tqdm"]
    assert follow("streets-queries", photos, "photos-tqdm") == [sources[:3], "streets-tqdm"]
    assert follow("photos-tqdm", sources[:2], "streets-queries") == [kept, kept]
    assert follow("zero-shot:mini-clip", photos, "streets-tqdm") == [kept, kept]
    assert choices.counterpart(models, "photos-only", "streets-tqdm") == "photos-only"


@pytest.mark.parametrize(
    ("text", "on", "chosen", "expected"),
    [
        ("cat", False, Choices(), True),
        ("cat", False, Choices(rest=True), False),
        ("a\nb\nc\nd", True, Choices(rest_by_page=True), False),
        ("a\nb\nc\nd", True, Choices(), True),
        ("road, pavement, grass\nbuilding, house, wall\nsky", False, Choices(), False),
    ],
)
def test_a_short_list_gets_a_class_for_the_rest(text, on, chosen, expected):
    assert find_rest(text, on, chosen)[0] is expected


def test_unknown_words_are_told_with_known_ones(built):
    page, _ = built
    classes = parse_class_list("pavment\nxyzzyq, <b>")
    hints = choices.hints(page.models, classes, "streets-tqdm")
    assert 'data-instead="pavment" data-word="pavement"' in hints
    assert "No known word is spelt like it" in hints and "<b>" not in hints
    assert choices.hints(page.models, parse_class_list("road"), "streets-tqdm") == ""


def test_the_gallery_s_filters_part_the_examples(built):
    page, _ = built
    parts = [filter_examples(page.examples, title) for title in list(GALLERY_FILTERS)[1:]]
    assert filter_examples(page.examples, "All") == list(page.examples)
    assert sum(map(len, parts)) == len(page.examples)
