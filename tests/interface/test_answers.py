import io
import json
import zipfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.inference.result_files import file_name
from tqdm_demo.inference.segmentation import Timings
from tqdm_demo.interface import markup
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest, read_pixel, timing
from tqdm_demo.interface.downloads import zip_answer

ATTACK = "<b>x</b>"


@pytest.fixture
def asked(tiny_models, street):
    classes = parse_class_list(f"road: #010203\nzebra\n{ATTACK}", everything_else=True)
    return SegmentRequest(str(street), classes, tiny_models.columns[0])


@pytest.fixture
def answer(tiny_models, asked):
    return AnswerStore(tiny_models).ask(asked)[0]


def test_a_request_is_answered_once(tiny_models, asked):
    store = AnswerStore(tiny_models)
    first, kept = store.ask(asked)
    assert not kept and store.ask(asked) == (first, True)
    other = SegmentRequest(asked.picture, parse_class_list("sky"), asked.source)
    assert store.ask(other)[1] is False
    store._answers.clear()
    again, kept = store.ask(asked)
    assert not kept and again is not first


def test_answers_are_found_by_their_own_token_only(tiny_models, asked):
    first, second = AnswerStore(tiny_models), AnswerStore(tiny_models)
    token = first.ask(asked)[0].token
    assert token != second.ask(asked)[0].token, "it cannot be computed from the request"
    place = {"place": [3, 5]}
    assert first.read_pixel({"token": token, **place}) is not None
    assert second.read_pixel({"token": token, **place}) is None


def test_a_pixel_has_every_class_best_first(tiny_models, asked):
    store = AnswerStore(tiny_models)
    answer, _ = store.ask(asked)
    labels = answer.result.label_map
    for x, y in ((0, 0), (149, 99), (70, 31)):
        found = store.read_pixel({"token": answer.token, "place": [x, y]})
        assert sorted(found["order"]) == [0, 1, 2, 3]
        assert found["order"][0] == labels[y, x]
        assert found["scores"][1:] == sorted(found["scores"][1:], reverse=True)
        assert found["scores"][0] >= found["scores"][1] - 1e-6
        assert all(-1.001 <= cosine <= 1.001 for cosine in found["similarities"])
        json.dumps(found)


@pytest.mark.parametrize(
    "place", [[150, 0], [0, 100], [-1, 0], [1.5, 2], ["1", 2], [True, 1], [1], None, {"x": 1}]
)
def test_what_is_no_pixel_gets_no_answer(tiny_models, asked, place):
    store = AnswerStore(tiny_models)
    token = store.ask(asked)[0].token
    assert store.read_pixel({"token": token, "place": place}) is None
    assert store.read_pixel(place) is None


def test_values_are_those_of_the_maps_resized_to_the_picture(answer):
    result = answer.result
    rows, columns = result.label_map.shape
    for maps, name in ((result.scores, "scores"), (result.similarity, "similarities")):
        assert maps.std() > 1e-4, "else any place would do"
        resized = F.interpolate(torch.from_numpy(maps)[None], (rows, columns), mode="bilinear")[0]
        for x, y in ((0, 0), (columns - 1, rows - 1), (70, 31), (31, 70)):
            found = read_pixel(result, (x, y))
            expected = resized[found.order, y, x].tolist()
            assert getattr(found, name) == pytest.approx(expected, abs=1e-5)


def test_the_viewer_gets_plain_text_and_lossless_labels(tiny_models, answer, street):
    shown = AnswerStore(tiny_models).to_viewer(answer)
    assert shown.names == ["road", "zebra", ATTACK, "everything else"]
    assert shown.colours[0] == "#010203" and shown.colours[3] == "#969696"
    labels = np.asarray(Image.open(shown.labels.path))
    np.testing.assert_array_equal(labels, answer.result.label_map)
    assert shown.shares == pytest.approx(list(answer.result.shares))
    assert Image.open(shown.picture.path).size == Image.open(street).size
    best = np.asarray(Image.open(shown.scores.path)) / 255 * shown.score_top
    np.testing.assert_allclose(best, answer.result.scores.max(axis=0), atol=shown.score_top / 400)
    assert "nearest trained class “" in shown.notes[1] and "similarity" in shown.notes[1]
    assert "this CLIP never read “zebra”" in shown.notes[1]
    assert shown.notes[0] == "" and shown.notes[3] == "what the list does not name"
    assert shown.alt.startswith("Picture with the answer of ")


def test_the_zip_holds_everything(answer):
    image = read_image(answer.request.picture)
    archive = zipfile.ZipFile(io.BytesIO(zip_answer(answer, image)))
    legend = json.loads(archive.read("legend.json"))
    labels = np.asarray(Image.open(io.BytesIO(archive.read("labels.png"))))
    np.testing.assert_array_equal(labels, answer.result.label_map)
    coloured = np.asarray(Image.open(io.BytesIO(archive.read("colours.png"))).convert("RGB"))
    assert tuple(coloured[7, 9]) == answer.classes.colours[labels[7, 9]]
    overlay = Image.open(io.BytesIO(archive.read("overlay.png")))
    assert overlay.size == (150, 100)
    masks = {name for name in archive.namelist() if name.startswith("masks/")}
    assert len(masks) == len(np.unique(labels))
    for name in masks:
        mask = np.asarray(Image.open(io.BytesIO(archive.read(name))))
        np.testing.assert_array_equal(mask == 255, labels == int(name[6:8]))
    assert legend["size"] == {"width": 150, "height": 100} and legend["everything_else"]
    assert [row["name"] for row in legend["classes"]] == list(answer.classes.labels)
    assert legend["classes"][0]["colour"] == "#010203"
    assert sum(row["share"] for row in legend["classes"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("label", "name"),
    [("traffic light", "traffic_light"), ("../../x", "x"), ("🚗", "class"), ("a/b\\c", "a_b_c")],
)
def test_file_names_are_harmless(label, name):
    assert file_name(label) == name


@pytest.mark.parametrize(
    ("timings", "words"),
    [
        (
            Timings(True, 1, 0.0, 4.2, 95.4),
            "1 new name in 4 ms · decoded in 95 ms · picture features reused",
        ),
        (Timings(True, 0, 0.0, 0.0, 0.3), "decoded in 1 ms · picture features reused"),
        (
            Timings(False, 19, 1234.0, 40.0, 100.0),
            "picture encoded in 1.2 s · 19 new names in 40 ms · decoded in 100 ms",
        ),
    ],
)
def test_effort_in_words(timings, words):
    assert timing(timings) == words


def test_fragments_escape_what_they_are_given(tiny_models):
    for fragment in (
        markup.problem(ATTACK),
        markup.line(ATTACK),
        markup.working(ATTACK + '"'),
        markup.field_title(ATTACK, ATTACK),
    ):
        assert "<b>x" not in fragment and "&lt;b&gt;x" in fragment
    assert 'role="alert"' in markup.problem("no") and markup.problem("") == ""
