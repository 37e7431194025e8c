"""What the predictor takes: names in any language, arrays of any memory layout."""

import numpy as np
import pytest

from tqdm_demo.inference.predictor import MODES, Predictor

NAMES = ("road", "sky", "car", "traffic light", "vegetation")


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (90, 141, 3), np.uint8)


@pytest.fixture
def predictor(tiny_weights) -> Predictor:
    return Predictor.load(str(tiny_weights / "tiny-tqdm"), device="cpu")


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (["Straße", "樹", "дорога", "طريق", "ถนน"], None),
        (["ＣＡＲ", "  traffic \t light "], None),
        (["taxi\u200b cab"], None),
        (["café"], None),
        (["🚗"], "“🚗” has no letter in it"),
        (["car 🚗"], None),
        (["car", "CAR"], "“CAR” is there twice (entries 1 and 2)"),
        (["car", "ｃａｒ"], "there twice"),
        (["car", " "], "Entry 2 has an empty name"),
        (["car,"], "Entry 1 has an empty name"),
        (["a rather long name of a thing in a street of the town"], "up to 7 tokens"),
        (["x" * 61], "61 characters, 60 at most"),
    ],
)
def test_names_in_any_language_get_an_answer(predictor, picture, names, answer):
    if answer is None:
        result = predictor.segment(picture, names)
        assert len(result.names) == len(names) and len(result.scores) == len(names)
        return
    with pytest.raises(ValueError) as caught:
        predictor.segment(picture, names)
    assert answer in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_channels_may_be_reversed_by_strides(predictor, tiny_weights, picture, mode):
    whole = np.ascontiguousarray(np.resize(picture, (64, 128, 3)))  # exactly the model's size
    reversed_twice = np.ascontiguousarray(whole[:, :, ::-1])[:, :, ::-1]
    expected = predictor.segment(whole, NAMES, mode=mode).label_map
    other = Predictor.load(str(tiny_weights / "tiny-tqdm"), device="cpu")  # nothing is cached there
    found = other.segment(reversed_twice, NAMES, mode=mode).label_map
    np.testing.assert_array_equal(found, expected)
