from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.agreement import agreement, mean_iou
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs import compare as tab

CLASSES = parse_class_list("road\nsky\ncar, taxi")


@pytest.fixture(scope="module")
def setting(tiny_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    image = np.random.default_rng(4).integers(0, 256, (40, 60, 3), np.uint8)
    for name in ("known", "own"):
        Image.fromarray(image).save(folder / f"{name}.png")
    truth = np.full((40, 60), 10, np.uint8)
    truth[20:], truth[:, :5] = 0, 2
    Image.fromarray(truth).save(folder / "truth.png")
    known = folder / "known.png"
    example = Example(known, folder / "truth.png", "Known", "game", ("road",), "x")
    with gr.Blocks():
        page = make_parts(tiny_models, [example])
        parts = tab.build_tab(page)
    own_truth = np.full((40, 60), 1, np.uint8)
    own_truth[20:], own_truth[:, :5] = 0, 255
    return SimpleNamespace(
        page=page, parts=parts, image=image, truth=own_truth,
        known=str(known), own=str(folder / "own.png"),
    )  # fmt: skip


def titles_of(setting) -> list[str]:
    """In the order of the figure: zero-shot, learned, textual."""
    return [setting.page.models.entry(s).title for s in reversed(setting.page.models.columns)]


def run(setting, picture, sources=None, pair=None, classes=CLASSES) -> tuple[list[dict], dict]:
    sources = setting.page.models.columns if sources is None else sources
    titles = titles_of(setting)
    grids, last = [], {}
    for update in tab.on_change(
        setting.page, setting.parts, picture, classes, sources, pair or titles[::2]
    ):
        last |= update
        if update.get(setting.parts.grid):
            grids.append(update[setting.parts.grid])
    return grids, last


def labels_of(setting, index) -> np.ndarray:
    predictor = setting.page.models.predictor(setting.page.models.columns[index])
    return predictor.segment(setting.image, CLASSES.names).label_map


def test_models_appear_one_by_one_and_the_difference_last(setting):
    grids, last = run(setting, setting.own)
    titles = titles_of(setting)
    final = grids[-1]
    heads = [column["title"] for column in final["columns"]]
    assert heads == ["Picture", *titles, f"{titles[0]} ≠ {titles[2]}"]
    counts = [sum(bool(c["cells"][0]["picture"]) for c in b["columns"]) for b in grids]
    assert counts[-3:] == [2, 3, 5]
    same = agreement(labels_of(setting, 0), labels_of(setting, 2))
    assert same < 1, "the models of this test must differ"
    assert final["columns"][-1]["note"].startswith(f"{100 * (1 - same):.1f} %")
    assert last[setting.parts.status] == "" and titles[2] in last[setting.parts.shares]
    assert titles[0] in last[setting.parts.differing]


def test_the_truth_is_shown_and_judged_by_where_it_is_known(setting):
    grids, last = run(setting, setting.known)
    columns = grids[-1]["columns"]
    assert columns[4]["title"] == "Ground truth"
    expected = 100 * mean_iou(labels_of(setting, 0), setting.truth)
    assert columns[3]["note"] == f"mIoU {expected:.1f} % against the ground truth"
    assert "Ground truth" in last[setting.parts.shares]
    titles = [column["title"] for column in run(setting, setting.own)[0][-1]["columns"]]
    assert "Ground truth" not in titles


def test_a_model_can_be_held_against_the_truth(setting):
    title = setting.page.models.entry(setting.page.models.columns[2]).title
    grids, _ = run(setting, setting.known, pair=(title, "Ground truth"))
    note = grids[-1]["columns"][-1]["note"]
    counted = setting.truth != 255
    differ = (labels_of(setting, 2) != setting.truth) & counted
    assert note.startswith(f"{100 * differ.mean():.1f} %")


def test_a_pair_that_is_not_there_has_no_difference(setting):
    grids, _ = run(setting, setting.own, pair=("elsewhere", "Ground truth"))
    assert len(grids[-1]["columns"]) == 4


@pytest.mark.parametrize(("picture", "sources"), [(None, None), ("own", [])])
def test_what_is_missing_is_said(setting, picture, sources):
    grids, last = run(setting, picture and setting.own, sources)
    assert not grids and "first" in last[setting.parts.status]


def test_mistakes_are_told_in_place(setting):
    _, last = run(setting, setting.own, ["nowhere"])
    assert "There is no model" in last[setting.parts.status]
    _, last = run(setting, "gone.png")
    assert "not there any more" in last[setting.parts.status]
