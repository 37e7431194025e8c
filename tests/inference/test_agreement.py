import numpy as np
import pytest

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference import agreement as m


def test_agreement_is_the_share_of_equal_pixels():
    first = np.uint8([[0, 1, 2], [2, 2, 0]])
    second = np.uint8([[0, 1, 1], [2, 0, 1]])
    assert m.agreement(first, second) == pytest.approx(3 / 6)
    assert m.agreement(first, first) == 1
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        m.agreement(first, first.T)


def test_confusions_name_the_largest_pairs_in_their_direction():
    first = np.uint8([[0, 0, 0, 1], [5, 5, 200, 1]])
    second = np.uint8([[3, 3, 0, 1], [0, 5, 255, 1]])
    found = m.confusions(first, second)
    assert found[0] == m.Confusion(0, 3, 2 / 8)
    assert {(c.first, c.second) for c in found[1:]} == {(5, 0), (200, 255)}
    assert m.confusions(first, second, most=1) == found[:1]
    assert m.confusions(first, first) == ()


def test_mean_iou_by_hand():
    truth = np.uint8([[0, 0, 1, 1], [1, 1, 255, 255]])
    prediction = np.uint8([[0, 1, 1, 1], [1, 7, 0, 9]])
    # Class 0: 1 of 2 true and predicted ones; class 1: 3 of 4 true plus 1 that is class 0.
    assert m.mean_iou(prediction, truth) == pytest.approx((1 / 2 + 3 / 5) / 2)
    assert m.mean_iou(truth, truth) == 1
    assert m.mean_iou(prediction, np.full_like(truth, 255)) is None


def test_relabel_finds_names_and_synonyms_and_ignores_the_rest():
    truth = np.uint8([[0, 1, 2, 255]])
    found = m.relabel(
        truth, ("road", "Sky", "car"), ClassList.from_names(["sky", "taxi, Car", "zebra"])
    )
    assert found.tolist() == [[255, 0, 1, 255]] and found.dtype == np.uint8


def test_clarity_by_hand():
    # Three classes, two by two pixels.
    similarity = np.float32(
        [
            [[0.9, 0.1], [0.3, 0.5]],
            [[0.2, 0.6], [0.4, 0.5]],
            [[0.1, 0.2], [0.8, -1.0]],
        ]
    )
    labels = np.uint8([[0, 1], [1, 255]])
    found = m.clarity(similarity, labels)
    # Own minus best other: 0.9 - 0.2, 0.6 - 0.2, 0.4 - 0.8; the fourth does not count.
    np.testing.assert_allclose(found.margins[0], [0.7, 0.4], atol=1e-6)
    assert found.margins[1, 0] == pytest.approx(-0.4, abs=1e-6) and np.isnan(found.margins[1, 1])
    assert found.mean == pytest.approx((0.7 + 0.4 - 0.4) / 3, abs=1e-6)
    assert found.nearest == pytest.approx(2 / 3)


def test_clarity_reads_labels_at_the_centres_of_map_pixels():
    similarity = np.zeros((2, 1, 3), np.float32)
    similarity[1] = 0.5
    labels = np.zeros((5, 9), np.uint8)
    labels[2, 4] = 1  # the centre of the second of three pixels
    np.testing.assert_allclose(m.clarity(similarity, labels).margins, [[-0.5, 0.5, -0.5]])


def test_clarity_is_not_changed_by_its_measuring():
    similarity = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32)
    before = similarity.copy()
    m.clarity(similarity, np.zeros((4, 5), np.uint8))
    np.testing.assert_array_equal(similarity, before)


def test_clarity_needs_two_classes_and_a_pixel():
    with pytest.raises(ValueError, match="at least two"):
        m.clarity(np.zeros((1, 2, 2), np.float32), np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="No pixel"):
        m.clarity(np.zeros((2, 2, 2), np.float32), np.full((2, 2), 255, np.uint8))
