"""Random convolutions against their definition."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.training.random_convolution import (
    SIDES,
    RandomConvolution,
    convolve,
    draw_convolution,
)


@pytest.fixture
def pictures():
    return torch.randn(2, 3, 7, 11, generator=torch.Generator().manual_seed(0))


def test_every_picture_has_its_own_kernel_and_share(pictures):
    drawn = [draw_convolution(np.random.default_rng(seed), chance=1.0) for seed in (1, 2)]
    padded = F.pad(pictures, (2, 2, 2, 2), mode="replicate")
    for result, picture, wide, one in zip(
        convolve(pictures, drawn), pictures, padded, drawn, strict=True
    ):
        filtered = F.conv2d(wide[None], torch.from_numpy(one.kernel))[0]
        expected = one.share * picture + (1 - one.share) * filtered
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)
        assert (result - picture).abs().max() > 0.1


def test_a_small_kernel_lies_in_the_middle(pictures):
    kernel = np.zeros((3, 3, 5, 5), np.float32)
    kernel[:, :, 2, 2] = np.eye(3)
    same = convolve(pictures, 2 * [RandomConvolution(kernel, 0.3)])
    torch.testing.assert_close(same, pictures, atol=1e-6, rtol=0)
    drawn = [draw_convolution(np.random.default_rng(seed), 1.0) for seed in range(40)]
    sides = {int(np.abs(one.kernel).sum((0, 1, 2)).astype(bool).sum()) for one in drawn}
    assert sides == set(SIDES)


def test_without_a_chance_nothing_changes(pictures):
    drawn = [draw_convolution(np.random.default_rng(seed), chance=0.0) for seed in (1, 2)]
    assert torch.equal(convolve(pictures, drawn), pictures)


def test_the_chance_is_the_share_of_changed_pictures():
    rng = np.random.default_rng(0)
    changed = [draw_convolution(rng, 0.25).share < 1 for _ in range(2000)]
    assert np.mean(changed) == pytest.approx(0.25, abs=0.03)


def test_the_scale_of_normalised_pictures_stays_on_average():
    noise = torch.randn(400, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    drawn = [draw_convolution(np.random.default_rng(seed), 1.0) for seed in range(len(noise))]
    alone = [RandomConvolution(one.kernel, 0.0) for one in drawn]
    inner = convolve(noise, alone)[:, :, 2:-2, 2:-2]
    assert inner.var().item() == pytest.approx(1, abs=0.1)
