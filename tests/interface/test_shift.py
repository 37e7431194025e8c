import io
import json
import zipfile
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.agreement import agreement, mean_iou
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs.domain_shift import filters as shift_filters
from tqdm_demo.interface.tabs.domain_shift import pairs as shift_pairs
from tqdm_demo.interface.tabs.domain_shift import pictures as shift_pictures
from tqdm_demo.interface.tabs.domain_shift import streets as shift_streets
from tqdm_demo.streets.domains import apply_domain, paint

CLASSES = parse_class_list("road\nsky\ncar, taxi")


@pytest.fixture(scope="module")
def setting(tiny_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    image = np.random.default_rng(5).integers(0, 256, (40, 60, 3), np.uint8)
    path = folder / "own.png"
    Image.fromarray(image).save(path)
    examples = [Example(path, None, f"Example {i}", "game", ("road",), "x") for i in range(14)]
    with gr.Blocks():
        page = make_parts(tiny_models, examples)
        panels = (shift_filters, shift_streets, shift_pictures, shift_pairs)
        parts = {panel: panel.build_panel(page) for panel in panels}
    return SimpleNamespace(page=page, parts=parts, image=image, own=str(path), folder=folder)


def collect(updates, grid=None) -> tuple[list[dict], dict]:
    grids, last = [], {}
    for update in updates:
        last |= update
        if grid is not None and update.get(grid):
            grids.append(update[grid])
    return grids, last


def filters(setting, picture, domains=("fog", "comic"), strength=1.0, sources=None):
    parts = setting.parts[shift_filters]
    sources = setting.page.models.columns[:2] if sources is None else sources
    found = shift_filters.show_filters(
        setting.page, parts, picture, CLASSES, domains, strength, sources
    )
    return collect(found, parts.grid)


def test_filters_fill_the_board_look_by_look(setting):
    grids, last = filters(setting, setting.own, strength=0.5)
    final = grids[-1]
    assert [column["title"] for column in final["columns"]] == ["Your picture", "Fog", "Comic"]
    assert [len(column["cells"]) for column in final["columns"]] == [3, 3, 3]
    counts = [sum(bool(c["cells"][0]["picture"]) for c in b["columns"]) for b in grids]
    assert counts == [0, 1, 2, 3]
    predictor = setting.page.models.predictor(setting.page.models.columns[1])
    foggy = apply_domain("fog", setting.image, strength=0.5)
    maps = [predictor.segment(i, CLASSES.names).label_map for i in (setting.image, foggy)]
    expected = f"{100 * agreement(*maps):.1f} % as before"
    assert final["columns"][1]["cells"][2]["caption"] == expected
    assert last[setting.parts[shift_filters].status] == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"picture": None}, "Choose a picture"),
        ({"domains": ()}, "at least one style"),
        ({"sources": ()}, "at least one style and one model"),
        ({"sources": ("nowhere",)}, "There is no model"),
        ({"picture": "gone.png"}, "not there any more"),
    ],
)
def test_what_filters_cannot_do_is_said(setting, changes, words):
    _, last = filters(setting, **{"picture": setting.own, **changes})
    assert words in last[setting.parts[shift_filters].status]


def test_the_curve_grows_with_the_strength(setting):
    parts = setting.parts[shift_filters]
    charts = [
        update[parts.chart]
        for update in shift_filters.draw_curve(
            setting.page, parts, setting.own, CLASSES, "fog", setting.page.models.columns[:2]
        )
        if parts.chart in update
    ]
    # Two models, from strength 0 on.
    assert [chart.count("<circle") for chart in charts] == [4, 6, 8, 10]
    assert "100.0 % at strength 0" in charts[0]
    _, last = collect(shift_filters.draw_curve(setting.page, parts, None, CLASSES, "fog", ("x",)))
    assert "Choose a picture" in last[parts.chart_status]


def street(setting, seed=3, domains=("game", "fog", "mosaic"), sources=None):
    parts = setting.parts[shift_streets]
    sources = setting.page.models.columns[:1] if sources is None else sources
    found = shift_streets.show_street(setting.page, parts, CLASSES, seed, domains, sources)
    return collect(found, parts.grid)


def test_a_street_comes_in_every_look_with_truth_and_miou(setting, monkeypatch):
    monkeypatch.setattr(shift_streets, "SIZE", (96, 48))
    grids, last = street(setting)
    final = grids[-1]
    titles = [column["title"] for column in final["columns"]]
    assert titles == ["Ground truth", "Video game", "Fog", "Mosaic"]
    assert (
        "training" in final["columns"][1]["note"] and "no training" in final["columns"][3]["note"]
    )
    painting = paint(3, "fog", (96, 48))
    truth = np.full(painting.labels.shape, 255, np.uint8)
    for own, true in ((0, 0), (1, 10), (2, 13)):
        truth[painting.labels == true] = own
    predictor = setting.page.models.predictor(setting.page.models.columns[0])
    labels = predictor.segment(painting.image, CLASSES.names).label_map
    expected = f"mIoU {100 * mean_iou(labels, truth):.1f} %"
    assert final["columns"][2]["cells"][1]["caption"] == expected
    table = last[setting.parts[shift_streets].table]
    assert expected.removeprefix("mIoU ") in table and "Mean of 2 unseen styles" in table


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"seed": None}, "None"), ({"seed": 10_000}, "0 to 9999"), ({"domains": ()}, "at least one")],
)
def test_a_street_that_does_not_exist_is_said(setting, changes, words):
    grids, last = street(setting, **changes)
    assert not grids and words in last[setting.parts[shift_streets].status]


def many(setting, files, name="car", view="Similarity to the name", source=None):
    parts = setting.parts[shift_pictures]
    source = source or setting.page.models.columns[0]
    found = shift_pictures.show_pictures(setting.page, parts, CLASSES, files, name, view, source)
    return collect(found, parts.grid)


def test_one_class_in_many_pictures_and_a_broken_one_in_between(setting):
    broken = setting.folder / "broken.jpg"
    broken.write_bytes(b"no picture")
    grids, last = many(setting, [setting.own, str(broken), setting.own])
    cells = [column["cells"] for column in grids[-1]["columns"]]
    assert "not an image" in cells[1][0]["caption"] and not cells[1][0]["picture"]
    assert all(cells[i][row]["picture"] for i in (0, 2) for row in (0, 1, 2))
    assert last[setting.parts[shift_pictures].status] == ""


def test_many_pictures_tell_shares_and_become_one_zip(setting):
    broken = setting.folder / "broken.jpg"
    broken.write_bytes(b"no picture")
    grids, last = many(setting, [setting.own, str(broken)], name="zebra")
    parts = setting.parts[shift_pictures]
    predictor = setting.page.models.predictor(setting.page.models.columns[0])
    result = predictor.segment(setting.image, ["road", "sky", "car, taxi", "zebra"])
    cell = grids[-1]["columns"][0]["cells"][2]
    share = f"{100 * result.shares[3]:.1f} %"
    assert cell["caption"] == f"zebra: {share} of the picture"
    table = last[parts.shares]
    assert table.index("zebra") < table.index("own.png") and f"<td>{share}</td>" in table
    archive = zipfile.ZipFile(io.BytesIO(parts.results.zip(last[parts.results.token])))
    found = json.loads(archive.read("results.json"))
    own, other = found["pictures"]
    assert "not an image" in other["error"] and own["picture"] == "own.png"
    labels = np.asarray(Image.open(archive.open(own["labels"])))
    np.testing.assert_array_equal(labels, result.label_map)
    np.testing.assert_allclose([own["shares"][c["name"]] for c in found["classes"]],
                               result.shares, atol=1e-6)  # fmt: skip
    masks = [name for name in archive.namelist() if name.startswith(own["masks"])]
    assert len(masks) == len(np.unique(labels)) and own["overlay"] in archive.namelist()
    with pytest.raises(ValueError, match="nothing to save"):
        parts.results.zip("a token that nobody was given")


def pair(setting, picture, second=None, source=None):
    parts = setting.parts[shift_pairs]
    source = source or setting.page.models.columns[0]
    found = shift_pairs.show_pair(setting.page, parts, picture, CLASSES, second, source)
    return collect(found, parts.grid)


def test_two_pictures_of_one_place(setting):
    parts, other = setting.parts[shift_pairs], setting.folder / "other.png"
    Image.fromarray(255 - setting.image).resize((120, 80)).save(other)
    grids, last = pair(setting, setting.own, str(other))
    final = grids[-1]
    assert [c["title"] for c in final["columns"]] == ["First picture", "Second picture"]
    assert final["columns"][1]["note"] == "other.png" and final["layout"] == "pair"
    assert all(cell["pixels"] for column in final["columns"] for cell in column["cells"])
    predictor = setting.page.models.predictor(setting.page.models.columns[0])
    first, second = (
        predictor.segment(image, CLASSES)
        for image in (setting.image, np.asarray(Image.open(other)))
    )
    for k in np.flatnonzero(np.maximum(first.shares, second.shares) >= 0.0005):
        points = round(100 * float(second.shares[k] - first.shares[k]), 1)
        change = f"{points:+.1f}".replace("-", "−") if points else "0.0"
        assert f"{change} points" in last[parts.shares]
    laid = np.asarray(Image.fromarray(second.label_map).resize((60, 40), Image.Resampling.NEAREST))
    assert f"{100 * agreement(first.label_map, laid):.1f} %" in last[parts.status]
    Image.new("RGB", (40, 90)).save(other)
    assert "different shapes" in pair(setting, setting.own, str(other))[1][parts.status]


def test_without_a_second_picture_a_filter_stands_in(setting):
    grids, _ = pair(setting, setting.own)
    assert "filter “Night”" in grids[-1]["columns"][1]["note"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((None,), "Choose the first picture"),
        (("own", "gone.png"), "not there any more"),
        (("own", None, "nowhere"), "There is no model"),
    ],
)
def test_what_a_pair_cannot_be_is_said(setting, values, words):
    values = [setting.own if value == "own" else value for value in values]
    assert words in pair(setting, *values)[1][setting.parts[shift_pairs].status]


@pytest.mark.parametrize("view", list(shift_pictures.VIEWS))
def test_every_kind_of_model_can_be_asked(setting, view):
    for source in setting.page.models.columns:
        grids, _ = many(setting, [setting.own], view=view, source=source)
        assert grids[-1]["columns"][0]["cells"][1]["picture"]


def test_examples_are_taken_where_nothing_was_uploaded(setting):
    grids, _ = many(setting, None)
    assert len(grids[-1]["columns"]) == shift_pictures.MOST_EXAMPLES


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": ["a"] * 25}, "25 pictures are too many"),
        ({"files": None, "name": ""}, "empty"),
        ({"files": None, "name": "x" * 61}, "too long"),
        ({"files": None, "source": "nowhere"}, "There is no model"),
    ],
)
def test_what_cannot_be_shown_is_said(setting, changes, words):
    grids, last = many(setting, **changes)
    assert not grids and words in last[setting.parts[shift_pictures].status]
