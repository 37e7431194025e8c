"""Cuts against slicing and torch's own resize; colours against the standard library."""

import colorsys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.data.augmentation import (
    Distortion,
    cut_view,
    cut_views,
    distort,
    draw_distortion,
    scale_saturation,
    turn_hue,
)
from tqdm_demo.data.sampling import View

CROP = 8
CLOSE = {"atol": 1e-3, "rtol": 0}  # of 255


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (2, 12, 20, 3), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, 19, (2, 12, 20), dtype=np.uint8))
    return images, labels


def test_at_scale_one_a_view_is_a_slice(pictures):
    images, labels = pictures
    views = [View(0, 1.0, 3, 11, False), View(1, 1.0, 0, 5, True)]
    pixels, classes, inside = cut_views(images, labels, views, CROP)
    assert inside.all()
    torch.testing.assert_close(pixels[0], images[0, 3:11, 11:19].permute(2, 0, 1).float(), **CLOSE)
    torch.testing.assert_close(
        pixels[1], images[1, :8, 5:13].flip(1).permute(2, 0, 1).float(), **CLOSE
    )
    assert torch.equal(classes[0], labels[0, 3:11, 11:19].long())
    assert torch.equal(classes[1], labels[1, :8, 5:13].flip(1).long())


def test_a_view_of_a_resized_picture_is_a_slice_of_it(pictures):
    images, labels = pictures
    resized = F.interpolate(images[:1].permute(0, 3, 1, 2).float(), scale_factor=1.5,
                            mode="bilinear", align_corners=False)  # fmt: skip
    pixels, _, _ = cut_views(images[:1], labels[:1], [View(0, 1.5, 7, 19, False)], CROP)
    torch.testing.assert_close(pixels[0], resized[0, :, 7:15, 19:27], **CLOSE)


def test_beyond_a_small_picture_labels_are_ignored(pictures):
    images, labels = pictures
    _, classes, inside = cut_views(images[:1], labels[:1], [View(0, 0.5, 0, 2, False)], CROP)
    assert inside[0, :6].all() and not inside[0, 6:].any()
    assert (classes[0, 6:] == 255).all() and (classes[0, :6] < 19).all()


def test_a_flipped_small_picture_keeps_its_padding_on_the_right_side():
    images = torch.zeros(1, 16, 8, 3, dtype=torch.uint8)
    labels = torch.zeros(1, 16, 8, dtype=torch.uint8)
    _, classes, _ = cut_views(images, labels, [View(0, 0.5, 0, 0, True)], CROP)
    assert (classes[0, :, 4:] == 255).all() and (classes[0, :, :4] == 0).all()


@pytest.mark.parametrize("colour", [(200, 40, 90), (10, 250, 30), (7, 8, 9), (60, 60, 200)])
@pytest.mark.parametrize(("factor", "degrees"), [(1.5, 0), (0.5, 0), (1, 30), (1, -36)])
def test_saturation_and_hue_as_in_the_standard_library(colour, factor, degrees):
    hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    wanted = colorsys.hsv_to_rgb((hue + degrees / 360) % 1, min(saturation * factor, 1), value)
    image = torch.tensor(colour).float().view(1, 3, 1, 1)
    image = scale_saturation(image, torch.tensor(float(factor)).view(1, 1, 1, 1))
    image = turn_hue(image, torch.tensor(float(degrees)).view(1, 1, 1, 1))
    torch.testing.assert_close(image.flatten(), 255 * torch.tensor(wanted), atol=0.01, rtol=0)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_greys_stay_grey(level):
    image = torch.full((1, 3, 2, 2), float(level))
    one = torch.ones(1, 1, 1, 1)
    torch.testing.assert_close(turn_hue(scale_saturation(image, 1.5 * one), 20 * one), image)


def test_distortion_changes_about_fifteen_of_sixteen_pictures_and_stays_in_range(pictures):
    image = pictures[0][:1].permute(0, 3, 1, 2).float().expand(64, -1, -1, -1)
    rng = np.random.default_rng(1)
    found = distort(image, [draw_distortion(rng) for _ in range(64)])
    assert found.min() >= 0 and found.max() <= 255
    changed = (found - image).abs().amax((1, 2, 3)) > 0.5
    assert 0.8 < changed.float().mean() < 1


def test_a_picture_is_distorted_alike_in_any_batch(pictures):
    images = pictures[0].permute(0, 3, 1, 2).float()
    rng = np.random.default_rng(2)
    chosen = [draw_distortion(rng) for _ in range(2)]
    both = distort(images, chosen)
    for n in range(2):
        torch.testing.assert_close(both[n : n + 1], distort(images[n : n + 1], chosen[n : n + 1]))


def test_distortion_of_nothing(pictures):
    image = pictures[0].permute(0, 3, 1, 2).float()
    nothing = [Distortion(0.0, 1.0, 1.0, 0.0, first) for first in (True, False)]
    torch.testing.assert_close(distort(image, nothing), image, **CLOSE)


def test_distortions_are_drawn_as_published():
    rng = np.random.default_rng(0)
    drawn = [draw_distortion(rng) for _ in range(2000)]
    for name, neutral, low, high in (
        ("brightness", 0, -32, 32), ("contrast", 1, 0.5, 1.5), ("saturation", 1, 0.5, 1.5),
        ("hue", 0, -36, 34),
    ):  # fmt: skip
        values = np.array([getattr(d, name) for d in drawn])
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
        assert 0.45 < np.mean(values == neutral) < 0.55
    assert 0.45 < np.mean([d.contrast_first for d in drawn]) < 0.55
    assert {d.hue % 2 for d in drawn} == {0}


def test_contrast_comes_first_or_last():
    image = torch.tensor([200.0, 100.0, 0.0]).view(1, 3, 1, 1)
    # Doubled first, 200 is clipped to 255 before half of the saturation goes.
    first, last = (distort(image, [Distortion(0.0, 2.0, 0.5, 0.0, f)]).flatten() for f in (1, 0))
    torch.testing.assert_close(first, torch.tensor([255.0, 227.5, 127.5]), atol=0.01, rtol=0)
    torch.testing.assert_close(last, torch.tensor([255.0, 255.0, 200.0]), atol=0.01, rtol=0)


@pytest.mark.parametrize(
    "view",
    [
        View(0, 1.0, 3, 11, False),
        View(0, 0.53, 0, 2, False),
        View(0, 0.63, 0, 3, True),
        View(0, 1.37, 5, 9, True),
        View(0, 2.0, 13, 31, False),
        View(0, 0.37, 0, 0, True),  # smaller than the crop on both sides
    ],
)
def test_one_view_by_numpy_is_the_batch_by_torch(pictures, view):
    images, labels = pictures
    pixels, classes, inside = cut_views(images[:1], labels[:1], [view], CROP)
    found = cut_view(images[0].numpy(), labels[0].numpy(), view, CROP)
    assert [part.dtype for part in found] == [np.uint8, np.uint8, bool]
    difference = np.abs(found[0].astype(float) - pixels[0].permute(1, 2, 0).numpy())
    assert difference.max() <= 0.51  # rounded
    np.testing.assert_array_equal(found[1], classes[0].numpy())
    np.testing.assert_array_equal(found[2], inside[0].numpy())
