import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.handlers import Handlers, Shown
from tqdm_demo.interface.layout import lay_out
from tqdm_demo.interface.models import SCORE, SIMILARITY, ModelShelf, load_models

NAMES = ("road", "sky", "car")


@pytest.fixture
def page(tiny_weights, street):
    """Handlers on models with empty caches, and a state that shows a picture already."""
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    sources = [str(tiny_weights / "tiny-tqdm"), str(tiny_weights / "tiny-queries"), clip]
    return make_page(load_models(ModelShelf(sources, "cpu"), sources), street)


def make_page(models, street) -> Handlers:
    examples = [Example(street, "Noise", "game", ("road",), "Apache-2.0")]
    with gr.Blocks():
        return Handlers(models, examples, lay_out(models, examples), gr.State())


def run(updates) -> dict:
    """All updates of one event, later ones over earlier ones."""
    return {part: value for update in updates for part, value in update.items()}


def spy_on(page, monkeypatch) -> list:
    seen = []
    for model in page.models:
        for method in ("encode_image", "encode_names"):
            original = getattr(model.predictor.model, method)

            def spied(values, original=original, method=method, title=model.title):
                seen.append((title, method, values if method == "encode_names" else None))
                return original(values)

            monkeypatch.setattr(model.predictor.model, method, spied)
    return seen


def test_a_picture_appears_model_by_model(page, street):
    steps = list(page.on_picture(str(street), Shown(None, NAMES), "car", SIMILARITY))
    first = steps[0]
    assert first[page.shown] == Shown(str(street), NAMES)
    assert first[page.parts.picture].shape == (100, 150, 3)
    answers = [step for step in steps if page.parts.legend in step]
    assert len(answers) == 3
    for answer, column in zip(answers, page.parts.columns, strict=True):
        assert answer[column.prediction].shape == answer[column.heat].shape == (100, 150, 3)
        assert "picture encoded in" in answer[column.caption]
    assert answers[0][page.parts.legend].count("…") > 0
    assert answers[2][page.parts.legend].count("…") == 0


def test_an_edited_list_reuses_the_picture_and_encodes_new_names_only(page, street, monkeypatch):
    seen = spy_on(page, monkeypatch)
    shown = run(page.on_picture(str(street), Shown(None, NAMES), "car", SIMILARITY))[page.shown]
    assert len(seen) == 6
    seen.clear()
    after = run(page.on_names("road\nsky\ncar\ntaxi", shown, "car", SIMILARITY))
    assert seen == [
        ("tqdm", "encode_names", ["taxi"]),
        ("Learned queries", "encode_names", ["taxi"]),
        ("Zero-shot CLIP", "encode_names", ["taxi"]),
    ]
    for column in page.parts.columns:
        assert "picture features reused, 1 new name encoded in" in after[column.caption]
    assert after[page.shown].names == (*NAMES, "taxi")
    assert after[page.parts.names_problem] == ""
    assert "leans to" in after[page.parts.legend]
    assert after[page.parts.heat_name].choices[-1] == ("taxi", "taxi")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("car\ncar", "twice"),
        ("x" * 61, "too long"),
        ("\n".join(f"name {i}" for i in range(65)), "65 names"),
        ("one two three four five six seven eight nine ten eleven", "pieces of words"),
    ],
)
def test_a_mistake_is_answered_in_place_and_the_last_result_stays(page, street, text, words):
    after = run(page.on_names(text, Shown(str(street), NAMES), "car", SIMILARITY))
    assert set(after) == {page.parts.names_problem}
    assert words in after[page.parts.names_problem]


def test_names_may_be_edited_before_there_is_a_picture(page):
    after = run(page.on_names("road\ntaxi", Shown(None, NAMES), "car", SIMILARITY))
    assert after == {
        page.parts.names_problem: "",
        page.shown: Shown(None, ("road", "taxi")),
    }


def test_what_is_no_picture_is_said_and_the_last_one_stays(page, street, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no picture")
    after = run(page.on_picture(str(broken), Shown(str(street), NAMES), "car", SIMILARITY))
    assert set(after) == {page.parts.picture, page.parts.picture_problem}
    assert "not an image" in after[page.parts.picture_problem]
    assert after[page.parts.picture] == str(street)


def test_a_jpeg_is_shown_as_it_is(page, tmp_path):
    path = tmp_path / "photo.JPG"
    Image.new("RGB", (60, 40), "red").save(path)
    after = run(page.on_picture(str(path), Shown(None, NAMES), "car", SIMILARITY))
    assert after[page.parts.picture] == str(path)


def test_a_large_picture_is_shown_smaller(page, tmp_path):
    path = tmp_path / "large.png"
    Image.new("RGB", (2600, 1300), "red").save(path)
    after = run(page.on_picture(str(path), Shown(None, NAMES), "car", SIMILARITY))
    assert after[page.parts.columns[0].prediction].shape == (640, 1280, 3)


def test_an_emptied_field_empties_the_results(page, street):
    after = run(page.on_picture(None, Shown(str(street), NAMES), "car", SIMILARITY))
    assert after[page.shown] == Shown(None, NAMES)
    assert all(after[column.prediction] is None for column in page.parts.columns)
    assert after[page.parts.legend] == ""


def test_the_page_opens_with_the_first_example(page, street):
    after = run(page.on_open(Shown(), "car", SIMILARITY))
    assert after[page.shown].picture == str(street)
    assert len(after[page.shown].names) == 19


def test_heat_maps_follow_name_and_view(page, street):
    shown = Shown(str(street), NAMES)
    car = run(page.on_heat(shown, "car", SIMILARITY))
    sky = run(page.on_heat(shown, "sky", SIMILARITY))
    score = run(page.on_heat(shown, "car", SCORE))
    for index, column in enumerate(page.parts.columns):
        assert set(car) == {part for c in page.parts.columns for part in (c.heat, c.heat_caption)}
        assert np.any(car[column.heat] != sky[column.heat])
        assert "Cosine" in car[column.heat_caption]
        assert ("probability" in score[column.heat_caption]) is (index < 2)
    assert run(page.on_heat(shown, "zebra", SIMILARITY)) == {}
    assert run(page.on_heat(Shown(), "car", SIMILARITY)) == {}


def test_a_picture_that_was_cleaned_away_is_said(page, tmp_path):
    shown = Shown(str(tmp_path / "gone.png"), NAMES)
    after = run(page.on_names("road", shown, "car", SIMILARITY))
    assert "not there any more" in after[page.parts.names_problem] and len(after) == 1
    after = run(page.on_heat(shown, "car", SIMILARITY))
    assert "not there any more" in after[page.parts.columns[0].heat_caption] and len(after) == 1


def test_a_missing_model_leaves_the_others_at_work(tiny_weights, street):
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    sources = ["streets-nowhere", clip]
    page = make_page(load_models(ModelShelf(sources, "cpu"), sources), street)
    shown = Shown(str(street), NAMES)
    after = run(page.on_picture(str(street), shown, "car", SIMILARITY))
    first, second = page.parts.columns
    assert first.prediction not in after and after[second.prediction].shape == (100, 150, 3)
    assert "…" not in after[page.parts.legend], "nothing is awaited from a missing model"
    emptied = run(page.on_picture(None, shown, "car", SIMILARITY))
    assert "streets-nowhere" in emptied[first.caption]


def test_visitors_do_not_see_each_other(page, street, tmp_path):
    other = tmp_path / "other.jpg"
    Image.new("RGB", (90, 70), "blue").save(other)
    first = page.on_picture(str(street), Shown(None, NAMES), "car", SIMILARITY)
    second = page.on_picture(str(other), Shown(None, ("sky",)), "sky", SIMILARITY)
    sizes = []
    for one, two in zip(first, second, strict=True):
        column = next((c for c in page.parts.columns if c.prediction in one), None)
        if column is not None:
            sizes.append((one[column.prediction].shape, two[column.prediction].shape))
    assert sizes == [((100, 150, 3), (70, 90, 3))] * 3
