"""Rare-class sampling and crop choice."""

import numpy as np
import pytest

from tqdm_demo.training import sampling
from tqdm_demo.training.sampling import ViewSampler, class_odds

CROP = 16


def test_class_odds_are_the_published_softmax():
    odds = class_odds(np.array([90, 10, 0]))
    assert odds.sum() == pytest.approx(1)
    assert odds[2] / odds[0] == pytest.approx(np.exp(0.9 / 100))
    assert odds[1] / odds[0] == pytest.approx(np.exp(0.8 / 100))


def labels_with_a_rare_corner():
    labels = np.zeros((4, 24, 40), np.uint8)
    labels[:, :, 20:] = 1
    labels[2, :6, 34:] = 5  # the only picture that shows class 5
    return labels


def test_a_rare_class_is_drawn_as_often_as_the_others():
    sampler = ViewSampler(labels_with_a_rare_corner(), 6, CROP, (1.0, 1.0))
    rng = np.random.default_rng(0)
    views = [sampler.draw(rng) for _ in range(300)]
    share = np.mean([view.picture == 2 for view in views])
    assert 0.42 < share < 0.58  # 1/3 for class 5, and a quarter of the other two thirds


def test_crops_show_the_drawn_class():
    labels = np.indices((1, 24, 40)).sum(0).astype(np.uint8) % 2
    labels[0, :6, 34:] = 5
    sampler = ViewSampler(labels, 6, CROP, (1.0, 1.0))
    sampler._classes, sampler._odds = sampler._classes[-1:], np.ones(1)
    sampler._pictures = sampler._pictures[-1:]
    rng = np.random.default_rng(0)
    views = [sampler.draw(rng) for _ in range(60)]
    hits = [np.any(labels[0, v.top : v.top + CROP, v.left : v.left + CROP] == 5) for v in views]
    plain = [sampler._draw_view(0, rng)[0] for _ in range(60)]
    lucky = [np.any(labels[0, v.top : v.top + CROP, v.left : v.left + CROP] == 5) for v in plain]
    assert np.mean(hits) > 0.7 > 0.4 > np.mean(lucky)


def test_uniform_sampling_without_rare_classes():
    sampler = ViewSampler(labels_with_a_rare_corner(), 6, CROP, (1.0, 1.0), rare_classes=False)
    rng = np.random.default_rng(0)
    pictures = np.bincount([sampler.draw(rng).picture for _ in range(400)])
    assert pictures.min() > 70


def test_no_class_fills_most_of_a_crop_where_that_can_be_helped():
    sampler = ViewSampler(labels_with_a_rare_corner()[:1], 6, CROP, (1.0, 1.0))
    rng = np.random.default_rng(0)
    lefts = np.array([sampler._draw_view(0, rng)[0].left for _ in range(200)])
    # Columns left..left+15 are shared by both classes only for 8 <= left <= 16 or so.
    assert np.mean((lefts > 7) & (lefts < 17)) > 0.95


def test_views_stay_inside_where_the_picture_is_large_enough():
    labels = labels_with_a_rare_corner()
    sampler = ViewSampler(labels, 6, CROP, (0.5, 2.0))
    rng = np.random.default_rng(0)
    for _ in range(100):
        view = sampler.draw(rng)
        assert 0.5 <= view.scale <= 2
        for start, side in ((view.top, 24), (view.left, 40)):
            assert 0 <= start <= max(round(side * view.scale) - CROP, 0)


def test_same_seed_same_views():
    sampler = ViewSampler(labels_with_a_rare_corner(), 6, CROP, (0.5, 2.0))
    first, second = ([sampler.draw(np.random.default_rng(s)) for s in (3, 3, 4)] for _ in "ab")
    assert first == second
    assert first[0] == first[1] != first[2]


def test_ignored_pixels_are_no_class():
    with pytest.raises(ValueError, match="any class"):
        ViewSampler(np.full((1, 24, 40), 255, np.uint8), 6, CROP, (1, 1))


def test_published_thresholds():
    assert round(sampling.PICTURE_SHARE * 512**2) == 3000
    assert round(sampling.CROP_SHARE * 512**2) == 1500
