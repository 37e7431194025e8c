import numpy as np
import pytest

from tqdm_demo.class_list import EVERYTHING_ELSE, parse_class_list
from tqdm_demo.inference.matches import fill_rest
from tqdm_demo.inference.predictor import Predictor


def test_the_rest_gets_what_nothing_matches():
    labels = np.array([[0, 0, 1, 1]], np.uint8)
    matches = np.array([[[0.9, 0.1]], [[0.2, 0.3]], [[0.0, 0.1]]], np.float32)
    assert fill_rest(labels, matches, 0.5).tolist() == [[0, 0, 2, 2]]
    assert fill_rest(labels, matches, 0.0).tolist() == labels.tolist()


@pytest.mark.parametrize("threshold", [0.0, 5.0])
def test_a_list_carries_its_threshold_to_the_model(tiny_weights, threshold):
    image = np.random.default_rng(3).integers(0, 256, (64, 128, 3), np.uint8)
    model = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")
    classes = parse_class_list("road\ncar", True, ("road", "car", "sky"), threshold)
    assert classes.labels == ("road", "car", EVERYTHING_ELSE)
    assert classes.names[-1] == "sky"
    result = model.segment(image, classes)
    assert (result.label_map == 2).all() == (threshold > 0)
    assert result.matches == pytest.approx(result.scores.max(axis=(1, 2)).tolist())
