import re

import gradio as gr
import pytest

from tests.test_readmes import ROOT
from tqdm_demo.checkpoints.sources import describe
from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.parts import make_parts
from tqdm_demo.interface.tabs.method import tables
from tqdm_demo.interface.tabs.method.tab import ID, build_tab, first_names, on_change

CLASSES = parse_class_list("road\ncar, taxi\nsky", True)


@pytest.fixture
def built(tiny_models):
    with gr.Blocks():
        page = make_parts(tiny_models, [])
        return page, build_tab(page)


def test_a_picture_walks_through(built, street):
    page, parts = built
    *_, last = on_change(page, parts, str(street), CLASSES, page.models.columns[0], "lorry")
    value = last[parts.walk]
    assert last[parts.status] == ""
    assert value["names"] == ["road", "car", "sky", "lorry"]
    assert len(value["plain"]) == len(value["contextual"]) == 4
    assert value["masks"]["n"] == len(value["classes"]) == 4 and value["attention"]["n"] == 2


def test_what_is_lacking_is_said(built, street):
    page, parts = built
    *_, learned = on_change(page, parts, str(street), CLASSES, page.models.columns[1])
    assert learned[parts.walk]["plain"] is learned[parts.walk]["attention"] is None
    *_, clip = on_change(page, parts, str(street), CLASSES, page.models.columns[2])
    assert "none of the three steps" in clip[parts.status] and clip[parts.walk] is None
    (none,) = on_change(page, parts, None, CLASSES, page.models.columns[0])
    assert "Choose a picture" in none[parts.status]


def test_nobody_need_add_a_name(tiny_models, street):
    with gr.Blocks() as blocks:
        page = make_parts(tiny_models, [])
        parts = build_tab(page)
    changed = next(fn.fn for fn in blocks.fns.values() if fn.name == "changed")
    # gradio sends None of a field that nobody has touched.
    asked = (str(street), CLASSES, page.models.columns[0], None)
    *_, shown = changed(ID, None, *asked)
    assert shown[parts.status] == "" and shown[parts.walk]["names"] == ["road", "car", "sky"]


def test_an_added_name_is_checked():
    with pytest.raises(ValueError, match="there twice"):
        first_names(CLASSES, "Road")
    assert first_names(CLASSES, " ").labels == ("road", "car", "sky")


def test_the_paper_s_table_marks_the_best():
    table = tables.paper_table()
    assert re.search(r"● EVA02-CLIP-L</small></th><td><b>68.88</b></td><td>59.18</td>", table)
    assert "<td><b>60.50</b></td>" in table and "<td><u>66.40</u></td>" in table
    assert "▲ DINOv2" in table and "◆ CLIP ViT-B/16" in table and "<small> RN101" in table


def test_our_table_shows_what_is_recorded(tiny_weights):
    shown = tables.own_tables([describe("streets-tqdm"), describe(str(tiny_weights / "tiny-tqdm"))])
    assert "drawn, unseen" in shown and "tiny-tqdm" not in shown


def test_the_regularisers_figures_are_the_ablation_s():
    text = (ROOT / "tqdm_demo" / "evaluation" / "README.md").read_text(encoding="utf-8")
    for name, _, effect, where in tables.REGULARISERS:
        if where == "frozen tower":
            assert re.search(rf"`no-{name}`\).*\| {re.escape(effect)} \|", text), name
    assert "without it another 2.3 ± 0.5 are lost" in text
