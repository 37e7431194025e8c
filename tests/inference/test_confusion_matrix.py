"""The confusion matrix against counting by hand, and against torchmetrics."""

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassJaccardIndex

from tqdm_demo.inference.confusion_matrix import ConfusionMatrix

LABELS = np.array([[0, 0, 1], [1, 1, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1], [1, 2, 0]], np.uint8)


def test_iou_by_hand():
    matrix = ConfusionMatrix(4)
    matrix.update(PREDICTION, LABELS)
    assert matrix.counts.sum() == 5
    assert matrix.counts[0, 1] == 1  # a pixel of class 0 that was called 1
    np.testing.assert_allclose(matrix.iou(), [1 / 2, 2 / 4, np.nan, np.nan])
    assert matrix.miou() == pytest.approx(0.5)
    assert matrix.accuracy() == pytest.approx(3 / 5)


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


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_torchmetrics(seed):
    rng = np.random.default_rng(seed)
    classes = 7
    labels = rng.choice([0, 1, 2, 4, 5, 6, 255], (4, 33, 21))  # 3 is never labelled
    prediction = np.where(rng.random(labels.shape) < 0.6, labels % 255, rng.integers(0, 7, 21))
    own = ConfusionMatrix(classes)
    for picture in range(4):
        own.update(prediction[picture], labels[picture])
    theirs = MulticlassConfusionMatrix(classes, ignore_index=255)
    theirs.update(torch.from_numpy(prediction), torch.from_numpy(labels))
    np.testing.assert_array_equal(own.counts, theirs.compute().numpy())
    jaccard = MulticlassJaccardIndex(classes, average="none", ignore_index=255)
    iou = jaccard(torch.from_numpy(prediction), torch.from_numpy(labels)).numpy()
    present = own.present
    assert present.tolist() == [True, True, True, False, True, True, True]
    np.testing.assert_allclose(own.iou()[present], iou[present], rtol=1e-5)
    assert own.miou() == pytest.approx(iou[present].mean(), rel=1e-5)
