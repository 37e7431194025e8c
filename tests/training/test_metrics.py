"""The confusion matrix against counting by hand."""

import numpy as np
import pytest

from tqdm_demo.training.metrics import ConfusionMatrix

LABELS = np.array([[0, 0, 1], [1, 1, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1], [1, 2, 0]], np.uint8)


def test_iou_by_hand():
    matrix = ConfusionMatrix(4)
    matrix.update(PREDICTION, LABELS)
    assert matrix.counts.sum() == 5
    assert matrix.counts[0, 1] == 1  # a pixel of class 0 that was called 1
    np.testing.assert_allclose(matrix.iou(), [1 / 2, 2 / 4, np.nan, np.nan])
    assert matrix.miou() == pytest.approx(0.5)


def test_absent_classes_are_left_out_but_their_predictions_count_as_errors():
    matrix = ConfusionMatrix(3)
    matrix.update(np.array([[0, 2]]), np.array([[0, 0]]))
    assert matrix.present.tolist() == [True, False, False]
    assert matrix.miou() == pytest.approx(0.5)


def test_updates_add_up():
    once, twice = ConfusionMatrix(4), ConfusionMatrix(4)
    once.update(np.stack([PREDICTION, LABELS % 4]), np.stack([LABELS, LABELS]))
    twice.update(PREDICTION, LABELS)
    twice.update(LABELS % 4, LABELS)
    np.testing.assert_array_equal(once.counts, twice.counts)


@pytest.mark.parametrize(
    ("prediction", "message"), [(PREDICTION.T, "the labels"), (PREDICTION + 2, "reach 4")]
)
def test_odd_predictions_are_named(prediction, message):
    with pytest.raises(ValueError, match=message):
        ConfusionMatrix(4).update(prediction, LABELS)


def test_no_labels_no_mean():
    matrix = ConfusionMatrix(2)
    matrix.update(np.zeros((1, 2), int), np.full((1, 2), 255))
    with pytest.raises(ValueError, match="no labelled pixel"):
        matrix.miou()
