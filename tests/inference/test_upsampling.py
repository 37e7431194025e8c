"""Labels from score maps against resizing all of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.inference.upsampling import (
    _label_rows,
    bilinear_matrix,
    first_largest,
    pixel_positions,
    upsample_argmax,
)


def random_scores(names, cells, seed=2):
    return torch.rand(names, *cells, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(31, 45), (2, 3), (1, 1)])
def test_winners_are_the_argmax_of_the_resized_scores(size):
    scores = random_scores(5, (4, 7))
    resized = F.interpolate(scores[None], size, mode="bilinear")[0]
    found = upsample_argmax(scores, size)
    assert found.dtype == np.uint8 and found.shape == size
    np.testing.assert_array_equal(found, resized.argmax(0).numpy())


@pytest.mark.parametrize("tile", [1, 7, 40])
def test_names_that_are_left_out_of_a_tile_win_nowhere_in_it(monkeypatch, tile):
    monkeypatch.setattr("tqdm_demo.inference.upsampling._TILE", tile)
    # Few names are high anywhere, as with a real picture: most are out in most tiles.
    scores = random_scores(40, (6, 9)) ** 8 * random_scores(40, (1, 1), seed=4) ** 3
    resized = F.interpolate(scores[None], (61, 83), mode="bilinear")[0]
    np.testing.assert_array_equal(upsample_argmax(scores, (61, 83)), resized.argmax(0).numpy())


def test_elsewhere_than_on_a_cpu_labels_are_copied_once(monkeypatch):
    monkeypatch.setattr("tqdm_demo.inference.upsampling._BLOCK", 5 * 45 * 4)  # 4 rows
    scores, copies, cpu = random_scores(5, (4, 7)), [], torch.Tensor.cpu
    matrices = [
        bilinear_matrix(pixel_positions(side, side), side, cells)
        for side, cells in zip((31, 45), scores.shape[1:], strict=True)
    ]
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: copies.append(tensor) or cpu(tensor))
    found = _label_rows(scores, *matrices)
    assert len(copies) == 1 and np.array_equal(found, upsample_argmax(scores, (31, 45)))


def test_one_name_is_everywhere():
    assert not upsample_argmax(random_scores(1, (3, 4)), (200, 150)).any()


def test_weights_are_those_of_bilinear_resizing():
    values = torch.rand(1, 1, 9, generator=torch.Generator().manual_seed(3))
    expected = F.interpolate(values, 36, mode="linear", align_corners=False)[0, 0]
    weights = bilinear_matrix(torch.arange(36.0), 36, 9)
    assert torch.allclose(weights @ values[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("names", [1, 2, 255])
def test_the_first_of_the_largest_is_what_max_says(names):
    # Few different values: most places have several that are the largest.
    maps = (random_scores(names, (23, 31)) * 4).floor()
    assert torch.equal(first_largest(maps), maps.max(dim=0).indices.to(torch.uint8))
    maps[names // 2, 3, 5] = torch.nan
    maps[0, 7] = torch.inf
    assert torch.equal(first_largest(maps), maps.max(dim=0).indices.to(torch.uint8))
