"""The sidebar and the tab "Segment", without a browser: events are plain functions."""

import gradio as gr
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest
from tqdm_demo.interface.components.viewer import ViewerData
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.sidebar import build_sidebar, edit_names, sent_picture, take_picture
from tqdm_demo.interface.tabs.segment import build_tab, on_change, pack
from tqdm_demo.vocabulary import PRESETS

CLASSES = parse_class_list("road\nsky\ncar")
SKIPPED = gr.skip()


@pytest.fixture
def built(tiny_weights, street):
    """Page, sidebar, tab and store, on models with empty caches."""
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    models = ModelManager([str(tiny_weights / "tiny-tqdm"), clip, "streets-nowhere"], "cpu")
    examples = [Example(street, None, "Noise", "game", ("road",), "Apache-2.0")]
    with gr.Blocks():
        page = make_parts(models, examples)
        sidebar, parts = build_sidebar(page), build_tab(page)
    return page, sidebar, parts, AnswerStore(models)


@pytest.fixture
def ask(built):
    """The event of the tab: (picture, classes, source, asked) -> all its updates."""
    page, _, parts, store = built

    def run(picture, classes=CLASSES, source=None, asked=None, tab="segment"):
        source = source or page.models.columns[0]
        return list(on_change(store, parts, picture, classes, source, tab, asked))

    return run


def test_a_picture_is_answered(built, ask, street):
    page, _, parts, _ = built
    working, done = ask(str(street))
    assert "progressbar" in working[parts.status] and set(working) == {parts.status}
    assert isinstance(done[parts.viewer], ViewerData)
    assert "picture encoded in" in done[parts.status] and "3 new names" in done[parts.status]
    assert done[parts.asked] == SegmentRequest(str(street), CLASSES, page.models.columns[0])


def test_an_edited_list_reuses_the_picture_and_encodes_new_names_only(
    built, ask, street, monkeypatch
):
    page, _, parts, _ = built
    asked = ask(str(street))[-1][parts.asked]
    model = page.models.predictor(page.models.columns[0]).model
    seen = []
    for method in ("encode_image", "encode_names"):
        original = getattr(model, method)

        def spied(*values, original=original, method=method):
            seen.append((method, values[0] if method == "encode_names" else None))
            return original(*values)

        monkeypatch.setattr(model, method, spied)
    (done,) = ask(str(street), parse_class_list("road\ntaxi\ncar"), asked=asked)
    assert seen == [("encode_names", ["taxi"])]
    assert "1 new name in" in done[parts.status] and "reused" in done[parts.status]
    (again,) = ask(str(street), CLASSES, asked=done[parts.asked])
    assert "asked before" in again[parts.status] and len(seen) == 1


def test_nothing_is_computed_twice_or_behind_another_tab(built, ask, street):
    _, _, parts, _ = built
    asked = ask(str(street))[-1][parts.asked]
    # Not an empty list: gradio empties what a generator has not filled.
    assert ask(str(street), asked=asked) == [SKIPPED]
    assert ask(str(street), tab="similarity") == [SKIPPED]


def test_an_emptied_field_empties_the_viewer(built, ask):
    _, _, parts, _ = built
    assert ask(None) == [{parts.viewer: None, parts.status: "", parts.asked: None}]


def test_a_missing_model_is_said_and_the_last_answer_stays(built, ask, street):
    _, _, parts, _ = built
    updates = ask(str(street), source="streets-nowhere")
    assert set().union(*updates) == {parts.status}
    assert 'role="alert"' in updates[-1][parts.status]
    assert "streets-nowhere" in updates[-1][parts.status]


def test_a_picture_that_was_cleaned_away_is_said(built, ask, tmp_path):
    _, _, parts, store = built
    last = ask(str(tmp_path / "gone.png"))[-1]
    assert set(last) == {parts.status} and "not there any more" in last[parts.status]
    with pytest.raises(ValueError, match="not there any more"):
        pack(store, SegmentRequest(str(tmp_path / "gone.png"), CLASSES, store.models.columns[0]))
    assert pack(store, None) is None


def test_packing_needs_no_second_run(built, ask, street, monkeypatch):
    _, _, parts, store = built
    asked = ask(str(street))[-1][parts.asked]
    monkeypatch.setattr(store.models, "predictor", None)
    assert pack(store, asked).startswith(b"PK")


@pytest.mark.parametrize("name", ["photo.JPG", "drawing.png"])
def test_what_browsers_show_is_left_as_it_is(built, tmp_path, name):
    page, sidebar, _, _ = built
    path = tmp_path / name
    Image.new("RGB", (60, 40), "red").save(path)
    assert take_picture(str(path), page, sidebar)[sidebar.picture] == str(path)
    # Sent back to the visitor, it would replace what they have chosen since.
    sent = sent_picture(str(path), page, sidebar)
    assert sidebar.picture not in sent and sent[page.picture] == str(path)


def test_other_pictures_are_shown_as_they_were_read(built, tmp_path):
    page, sidebar, _, _ = built
    large = tmp_path / "large.tiff"
    Image.new("RGB", (2600, 1300), "red").save(large)
    for take in (take_picture, sent_picture):
        after = take(str(large), page, sidebar)
        assert after[sidebar.picture].shape == (640, 1280, 3) and after[page.picture] == str(large)


def test_what_is_no_picture_is_said_and_the_last_answer_stays(built, tmp_path):
    page, sidebar, _, _ = built
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no picture")
    after = take_picture(str(broken), page, sidebar)
    assert page.picture not in after and "not an image" in after[sidebar.picture_problem]
    for take in (take_picture, sent_picture):
        assert take(None, page, sidebar)[page.picture] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("car\ncar", "twice"),
        ("car: red", "no colour"),
        ("\n".join(f"name {i}" for i in range(10_000)), "10000 names"),
        ("x" * 10_000, "too long"),
        ("one two three four five six seven eight nine ten eleven", "tokens"),
    ],
)
def test_a_mistake_in_the_list_is_answered_in_place(built, text, words):
    page, sidebar, _, _ = built
    model = page.models.columns[0]
    page.models.predictor(model)
    after = edit_names(text, False, model, page, sidebar)
    assert set(after) == {sidebar.names_problem} and words in after[sidebar.names_problem]


def test_only_lists_of_ones_own_are_kept(built):
    page, sidebar, _, _ = built
    model = page.models.columns[0]
    own = edit_names("road\ncar, taxi: #0000ff", True, model, page, sidebar)
    assert own[sidebar.kept] == "road\ncar, taxi: #0000ff" and own[sidebar.names_problem] == ""
    assert own[page.classes].labels == ("road", "car", "everything else")
    for names in PRESETS.values():
        assert sidebar.kept not in edit_names("\n".join(names), False, model, page, sidebar)
