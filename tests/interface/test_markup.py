import dataclasses

import numpy as np
import pytest

from tqdm_demo.interface import markup
from tqdm_demo.predictor import Effort, Segmentation

ATTACK = '<img src=x onerror="alert(1)">'


def result(names, label_map, leanings=None, unknown=None) -> Segmentation:
    count = len(names)
    maps = np.zeros((count, 2, 3), np.float32)
    return Segmentation(
        label_map=np.uint8(label_map),
        names=tuple(names),
        scores=maps,
        similarity=maps,
        leanings=tuple(leanings or [None] * count),
        unknown=tuple(unknown or [()] * count),
        effort=Effort(True, 1, 0.0, 4.0, 95.0),
    )


def test_the_legend_gives_every_model_its_share(tiny_models):
    first = result(["road", "car", "sky"], [[0, 0, 0, 1]])
    second = result(["road", "car", "sky"], [[1, 1, 1, 1]])
    html = markup.legend(tiny_models, [first, second, None])
    assert html.index(">tqdm<") < html.index(">Learned queries<") < html.index(">Zero-shot CLIP<")
    assert "75.0 %" in html and "25.0 %" in html and "100.0 %" in html
    assert html.index("</span>car") < html.index("</span>road"), "the largest share comes first"
    assert "rgb(0, 0, 142)" in html
    assert html.index("Not found") < html.index("</span>sky")
    assert html.count("<td>…</td>") == 2, "the third model has not answered yet"


def test_the_legend_is_empty_before_the_first_answer(tiny_models):
    assert markup.legend(tiny_models, [None, None, None]) == ""


def test_everything_that_a_visitor_writes_is_escaped(tiny_models):
    answer = result([ATTACK], [[0]], leanings=[ATTACK], unknown=[(ATTACK,)])
    for html in (
        markup.legend(tiny_models, [answer] * 3),
        markup.problem(ATTACK),
        markup.heat_caption(ATTACK, 0.0, 1.0),
        markup.card_title(dataclasses.replace(tiny_models[0], source=ATTACK, predictor=None)),
    ):
        assert "<img" not in html and "&lt;img" in html


def test_names_that_are_not_trained_say_where_they_lean(tiny_models):
    same = [result(["taxi"], [[0]], leanings=["car"])] * 2 + [result(["taxi"], [[0]])]
    html = markup.legend(tiny_models, same)
    assert "not trained, leans to <b>car</b></small>" in html
    apart = [same[0], result(["taxi"], [[0]], leanings=["truck"]), same[2]]
    html = markup.legend(tiny_models, apart)
    assert "leans to <b>car</b> (tqdm), <b>truck</b> (Learned queries)</small>" in html


def test_unknown_words_are_told_once(tiny_models):
    answers = [result(["a zebra"], [[0]], unknown=[("zebra",)])] * 3
    assert markup.legend(tiny_models, answers).count("zebra”") == 1


def test_a_caption_tells_what_was_reused():
    html = markup.caption(result(["road"], [[0]]))
    assert "picture features reused, 1 new name encoded in 4 ms, decoded in 95 ms" in html


@pytest.mark.parametrize(("text", "found"), [("", False), ("Oh no.", True)])
def test_a_problem_is_announced(text, found):
    assert ('role="alert"' in markup.problem(text)) is found
