import dataclasses
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.components.heat import SHARED
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs import similarity as tab
from tqdm_demo.interface.tabs.similarity_controls import BY_PICTURE, BY_STAGE, STAGES, Choice

CLASSES = parse_class_list("road\nsky\ncar, taxi: #112233")


@pytest.fixture(scope="module")
def setting(tiny_models, tmp_path_factory):
    """The tab on a page of untrained models, with one example whose truth is known."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(2)
    for name in ("known", "own"):
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(folder / f"{name}.png")
    truth = np.full((40, 60), 10, np.uint8)
    truth[20:] = 0
    Image.fromarray(truth).save(folder / "truth.png")
    known = folder / "known.png"
    example = Example(known, folder / "truth.png", "Known", "game", ("road",), "x")
    with gr.Blocks():
        page = make_parts(tiny_models, [example])
        parts = tab.build_tab(page)
    return SimpleNamespace(page=page, parts=parts, known=str(known), own=str(folder / "own.png"))


def choice(setting, **changes) -> Choice:
    textual, learned, clip = setting.page.models.columns
    values = {
        "picked": ("car", "sky"), "by": BY_STAGE, "stage": STAGES[1].title, "captions": (),
        "colour_map": "inferno", "scale": SHARED,
        "clip": clip, "textual": textual, "learned": learned, **changes,
    }  # fmt: skip
    return Choice(**values)


def run(setting, picture, classes=CLASSES, **changes) -> tuple[list[dict], dict]:
    """All grids in their order, and all last values."""
    grids, last = [], {}
    for update in tab.on_change(
        setting.page, setting.parts, picture, classes, choice(setting, **changes)
    ):
        last |= update
        if update.get(setting.parts.grid):
            grids.append(update[setting.parts.grid])
    return grids, last


def filled(grid) -> list[int]:
    return [sum(bool(cell["picture"]) for cell in column["cells"]) for column in grid["columns"]]


def test_rows_are_classes_and_columns_are_stages(setting):
    grids, last = run(setting, setting.own)
    final = grids[-1]
    assert final["rows"] == ("car", "sky") and final["row_colours"][0] == (0x11, 0x22, 0x33)
    assert [column["title"] for column in final["columns"]] == [stage.title for stage in STAGES]
    assert filled(final) == [2] * len(STAGES)
    assert all(cell["scale"] for column in final["columns"] for cell in column["cells"])
    assert final["aspect"] == pytest.approx(1.5)
    assert last[setting.parts.status] == "" and "one scale" in last[setting.parts.scale_note]


def test_models_appear_one_by_one(setting):
    grids, _ = run(setting, setting.own)
    assert [sum(filled(grid)) for grid in grids[-3:]] == [6, 8, 10]


def test_clarity_uses_the_truth_where_it_is_known(setting):
    _, own = run(setting, setting.own)
    _, known = run(setting, setting.known)
    table = setting.parts.clarity_table
    assert "that of the ground truth" in known[table] and "not known" in own[table]
    assert len(known[setting.parts.clarity_grid]["columns"]) == 4
    assert known[setting.parts.clarity_group].visible is True


def test_clarity_of_one_class_says_that_it_needs_two(setting):
    _, last = run(setting, setting.own, parse_class_list("road"), picked=("road",))
    assert "at least two" in last[setting.parts.clarity_table]


def test_a_name_that_is_not_listed_is_added_and_told(setting):
    grids, last = run(setting, setting.own, picked=("light", "road"))
    assert grids[-1]["rows"] == ("light", "road")
    assert "“light”" in last[setting.parts.status]


def test_where_no_name_is_picked_the_largest_are_shown(setting):
    classes = parse_class_list("road\nsky\ncar\nlight")
    predictor = setting.page.models.predictor(choice(setting).textual)
    image = np.asarray(Image.open(setting.own))
    shares = np.bincount(predictor.segment(image, classes).label_map.ravel(), minlength=4)
    grids, _ = run(setting, setting.own, classes, picked=())
    largest = sorted(shares[[classes.labels.index(row) for row in grids[-1]["rows"]]])
    assert largest == sorted(shares)[1:]


def test_columns_can_be_pictures(setting):
    grids, last = run(setting, setting.own, by=BY_PICTURE, captions=("Known",))
    assert [column["title"] for column in grids[-1]["columns"]] == ["Your picture", "Known"]
    assert filled(grids[-1]) == [2, 2]
    assert last[setting.parts.clarity_group].visible == "hidden"


def test_a_stage_that_a_model_does_not_have_is_said(setting):
    learned = setting.page.models.columns[1]
    grids, _ = run(setting, setting.own, textual=learned)
    cells = grids[-1]["columns"][1]["cells"]
    words = "nothing in this model reads the name"
    assert all(not cell["picture"] and words in cell["caption"] for cell in cells)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"picked": ("!!",)}, "no letter"), ({"clip": "nowhere"}, "There is no model")],
)
def test_a_mistake_is_told_in_place(setting, changes, words):
    grids, last = run(setting, setting.own, **changes)
    assert words in last[setting.parts.status]


def test_a_picture_that_was_cleaned_away_is_said(setting):
    _, last = run(setting, "gone.png")
    assert "not there any more" in last[setting.parts.status]


def test_no_picture_empties_the_grid(setting):
    grids, last = run(setting, None)
    assert not grids and last[setting.parts.grid] is None
    assert "Choose a picture" in last[setting.parts.status]


def test_a_system_without_text_says_why_it_has_no_such_stage(setting, tiny_rivals):
    models = ModelManager([*setting.page.models.columns, str(tiny_rivals / "tiny-tldr")], "cpu")
    page = dataclasses.replace(setting.page, models=models)
    setting = SimpleNamespace(**{**vars(setting), "page": page})
    grids, _ = run(setting, setting.own, learned=str(tiny_rivals / "tiny-tldr"))
    cells = grids[-1]["columns"][-1]["cells"]
    assert all("neither text nor queries" in cell["caption"] for cell in cells)
