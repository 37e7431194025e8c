import pytest

from tqdm_demo.interface.models import MEANINGS, TITLES, VIEWS, describe_effort, load_models
from tqdm_demo.predictor import Effort


def test_a_missing_model_becomes_a_column_that_says_so(tiny_weights):
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    models = load_models(["streets-nowhere", clip, clip], "cpu")
    assert [model.source for model in models] == ["streets-nowhere", clip]
    assert models[0].predictor is None and "'streets-nowhere'" in models[0].problem
    assert models[0].title == "streets-nowhere" and models[0].subtitle == "not available"
    assert models[1].title == "Zero-shot CLIP" and models[1].problem == ""


def test_no_model_at_all_is_an_error():
    with pytest.raises(ValueError, match="(?s)no model could be loaded.*'a'.*'b'"):
        load_models(["a", "b"], "cpu")


def test_columns_are_named_after_what_they_are(tiny_models):
    assert [m.title for m in tiny_models] == ["tqdm", "Learned queries", "Zero-shot CLIP"]


def test_every_view_of_every_kind_is_explained():
    assert set(MEANINGS) == {(view, kind) for view in VIEWS for kind in TITLES}


@pytest.mark.parametrize(
    ("effort", "words"),
    [
        (
            Effort(True, 1, 0.0, 4.2, 95.4),
            "picture features reused, 1 new name encoded in 4 ms, decoded in 95 ms",
        ),
        (
            Effort(True, 0, 0.0, 0.02, 0.3),
            "picture features reused, no new name to encode, decoded in 1 ms",
        ),
        (
            Effort(False, 19, 1234.0, 40.0, 100.0),
            "picture encoded in 1.2 s, 19 new names encoded in 40 ms, decoded in 100 ms",
        ),
    ],
)
def test_effort_in_words(effort, words):
    assert describe_effort(effort) == words
