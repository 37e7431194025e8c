"""Views: zoomed, shifted and flipped pictures with labels that follow."""

import numpy as np
import pytest
import torch

from tqdm_demo.pretraining.views import Pictures, draw_views, join_views


def pictures(count=3, height=20, width=40):
    """Grey pictures whose labels are 0 left, 1 right, and whose grey tells the label."""
    labels = np.zeros((count, height, width), np.uint8)
    labels[:, :, width // 2 :] = 1
    images = np.repeat((labels * 100 + 60)[..., None], 3, -1)
    return Pictures(images, labels, [(f"d{n}", f"phrase {n}") for n in range(count)])


def test_shapes_types_and_domains():
    views = draw_views(pictures(), 5, (12, 16), (0.8, 1.2), np.random.default_rng(0))
    assert views.images.shape == (5, 12, 16, 3) and views.images.dtype == torch.uint8
    assert views.labels.shape == (5, 12, 16) and views.labels.dtype == torch.uint8
    assert len(views.domains) == 5 and all(p == f"phrase {d[1]}" for d, p in views.domains)


def test_labels_follow_the_picture():
    views = draw_views(pictures(), 8, (18, 30), (1.0, 2.0), np.random.default_rng(1))
    for image, labels in zip(views.images.float(), views.labels, strict=True):
        if labels.unique().numel() == 2:
            assert image[labels == 1].mean() > image[labels == 0].mean() + 40


def test_a_view_larger_than_the_picture_is_zoomed_to_fit():
    views = draw_views(pictures(), 4, (40, 80), (0.1, 0.2), np.random.default_rng(2))
    assert all((labels == 1).float().mean() == pytest.approx(0.5) for labels in views.labels)


def test_flips_happen_and_chance_comes_from_the_generator_alone():
    first, again = (
        draw_views(pictures(), 12, (20, 40), (1.0, 1.0), np.random.default_rng(3)) for _ in range(2)
    )
    assert torch.equal(first.images, again.images)
    assert {int(labels[0, 0]) for labels in first.labels} == {0, 1}


def test_join_keeps_the_order():
    rng = np.random.default_rng(4)
    parts = [draw_views(pictures(), n, (8, 8), (1.0, 1.0), rng) for n in (2, 3)]
    joined = join_views(parts)
    assert torch.equal(joined.labels[2:], parts[1].labels)
    assert joined.domains == parts[0].domains + parts[1].domains


def test_some_views_lie_under_haze_of_any_colour():
    views = draw_views(pictures(), 60, (20, 40), (1.0, 1.0), np.random.default_rng(5))
    images = views.images.float()
    contrast = torch.stack(
        [i[m == 1].mean() - i[m == 0].mean() for i, m in zip(images, views.labels, strict=True)]
    )
    hazy = contrast < 75  # 100 in the picture, times a contrast near 1
    assert 0.1 < hazy.float().mean() < 0.5
    tint = images.mean((1, 2)).std(-1)
    assert tint[hazy].mean() > 1.3 * tint[~hazy].mean()
