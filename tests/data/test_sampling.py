"""Rare-class sampling and crop choice."""

import numpy as np
import pytest

from tqdm_demo.data import sampling
from tqdm_demo.data.sampling import Pick, ViewSampler, class_odds, nearest_places

CROP = 16


def counted(labels, classes=6):
    return np.stack([np.bincount(m.ravel(), minlength=256)[:classes] for m in labels])


def make(labels, resize_range=(1.0, 1.0), **settings):
    return ViewSampler(counted(labels), CROP, resize_range, **settings)


def draw(sampler, labels, rng):
    pick = sampler.pick(rng)
    return sampler.draw_view(pick, labels[pick.picture], rng)


def test_class_odds_are_the_published_softmax():
    odds = class_odds(np.array([90, 10, 0]), 100)
    assert odds.sum() == pytest.approx(1)
    assert odds[2] / odds[0] == pytest.approx(np.exp(0.9 / 100))
    assert odds[1] / odds[0] == pytest.approx(np.exp(0.8 / 100))


def test_a_low_temperature_draws_rare_classes_alone():
    odds = class_odds(np.array([90, 9, 1]), 0.01)  # DAFormer's
    assert odds[1] / odds[2] == pytest.approx(np.exp(-8))
    assert np.isfinite(class_odds(np.array([90, 9, 1]), 1e-4)).all()


def labels_with_a_rare_corner():
    labels = np.zeros((4, 24, 40), np.uint8)
    labels[:, :, 20:] = 1
    labels[2, :6, 34:] = 5  # the only picture that shows class 5
    return labels


def test_a_rare_class_is_drawn_as_often_as_the_others():
    sampler = make(labels_with_a_rare_corner())
    rng = np.random.default_rng(0)
    picks = [sampler.pick(rng) for _ in range(300)]
    share = np.mean([pick.picture == 2 for pick in picks])
    assert 0.42 < share < 0.58  # 1/3 for class 5, and a quarter of the other two thirds
    assert {pick.train_id for pick in picks} == {0, 1, 5}
    assert {pick.picture for pick in picks if pick.train_id == 5} == {2}


def test_the_temperature_decides_how_often():
    sampler = make(labels_with_a_rare_corner(), temperature=0.01)
    rng = np.random.default_rng(0)
    assert {sampler.pick(rng).train_id for _ in range(100)} == {5}


def test_crops_show_the_drawn_class():
    labels = np.indices((1, 24, 40)).sum(0).astype(np.uint8) % 2
    labels[0, :6, 34:] = 5
    sampler = make(labels)
    rng = np.random.default_rng(0)

    def hits(train_id):
        views = [sampler.draw_view(Pick(0, train_id), labels[0], rng) for _ in range(60)]
        crops = [labels[0, v.top : v.top + CROP, v.left : v.left + CROP] for v in views]
        return np.mean([np.any(crop == 5) for crop in crops])

    assert hits(5) > 0.7 > 0.4 > hits(None)


def test_uniform_sampling_without_rare_classes():
    sampler = make(labels_with_a_rare_corner(), rare_classes=False)
    rng = np.random.default_rng(0)
    pictures = np.bincount([sampler.pick(rng).picture for _ in range(400)])
    assert pictures.min() > 70


def test_no_class_fills_most_of_a_crop_where_that_can_be_helped():
    labels = labels_with_a_rare_corner()[:1]
    sampler = make(labels)
    rng = np.random.default_rng(0)
    lefts = np.array([sampler.draw_view(Pick(0, None), labels[0], rng).left for _ in range(200)])
    # Columns left..left+15 are shared by both classes only for 8 <= left <= 16 or so.
    assert np.mean((lefts > 7) & (lefts < 17)) > 0.95


def test_views_stay_inside_where_the_picture_is_large_enough():
    labels = labels_with_a_rare_corner()
    sampler = make(labels, (0.5, 2.0))
    rng = np.random.default_rng(0)
    for _ in range(100):
        view = draw(sampler, labels, rng)
        assert 0.5 <= view.scale <= 2
        for start, side in ((view.top, 24), (view.left, 40)):
            assert 0 <= start <= max(round(side * view.scale) - CROP, 0)


def test_same_seed_same_views():
    labels = labels_with_a_rare_corner()
    sampler = make(labels, (0.5, 2.0))
    first, second = ([draw(sampler, labels, np.random.default_rng(s)) for s in (3, 3, 4)]
                     for _ in "ab")  # fmt: skip
    assert first == second
    assert first[0] == first[1] != first[2]


def test_ignored_pixels_are_no_class():
    with pytest.raises(ValueError, match="any class"):
        make(np.full((1, 24, 40), 255, np.uint8))


@pytest.mark.parametrize(
    ("start", "scale", "wanted"),
    [(3, 1.0, [3, 4, 5, 6]), (3, 2.0, [1, 2, 2, 3]), (2, 0.5, [5, 7])],
)
def test_places_that_a_crop_shows(start, scale, wanted):
    # At half size, rows 4..9 make rows 2..4; the picture ends there.
    assert nearest_places(start, scale, 4, 9).tolist() == wanted


def test_published_thresholds():
    assert round(sampling.PICTURE_SHARE * 512**2) == 3000
    assert round(sampling.CROP_SHARE * 512**2) == 1500
