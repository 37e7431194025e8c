"""The image tower of the bundled CLIP."""

import open_clip
import pytest
import torch

from tqdm_demo.model.image_encoder import ImageEncoder, patch_size, run_tower
from tqdm_demo.model.imagenet_trunk import CHANNELS, ImagenetTrunk
from tqdm_demo.pretrain import CLIP_CONFIG


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(4)
    return open_clip.CLIP(**CLIP_CONFIG).visual.eval()


@pytest.mark.parametrize("height, width", [(64, 96), (48, 80), (37, 61)])
def test_tokens_details_and_dense_maps_at_any_size(tower, height, width):
    with torch.no_grad():
        output = run_tower(tower, torch.randn(2, 3, height, width), (0, 3))
    at = {stride: (-(-height // stride), -(-width // stride)) for stride in (4, 8, 16)}
    assert [tuple(block.shape) for block in output.blocks] == [(2, 192, *at[16])] * 2
    assert [tuple(d.shape) for d in output.details] == [(2, 24, *at[4]), (2, 192, *at[8])]
    assert output.dense.shape == (2, 128, *at[8])


def test_open_clip_builds_it_and_pools_the_dense_tokens(tower):
    pixels = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        output, pooled = run_tower(tower, pixels), tower(pixels)
    torch.testing.assert_close(output.global_embedding, pooled, atol=1e-5, rtol=1e-4)
    assert patch_size(tower) == 16 and pooled.shape == (2, 128)


def test_left_and_right_stay_where_they_are(tower):
    pixels = torch.zeros(1, 3, 64, 128)
    changed = pixels.clone()
    changed[..., 112:] = 1.0
    with torch.no_grad():
        moved = run_tower(tower, changed).dense - run_tower(tower, pixels).dense
    assert moved.abs().sum((0, 1, 2)).argmax() >= 13


def test_the_same_function_in_training_mode(tower):
    pixels = torch.randn(1, 3, 48, 64)
    with torch.no_grad():
        resting = tower(pixels)
        assert torch.equal(tower.train()(pixels), resting)
    tower.eval()


def test_the_pyramid_reads_the_details(tower):
    torch.manual_seed(1)
    encoder = ImageEncoder(tower, (3, 3, 3, 3)).eval()
    assert len(encoder.pyramid.details) == 2
    with torch.no_grad():
        output = encoder.run_tower(torch.randn(1, 3, 64, 96))
        before = encoder.pyramid(output.blocks, output.details)
        sizes = [tuple(level.shape[2:]) for level in before]
        assert sizes == [(16, 24), (8, 12), (4, 6), (2, 3)]
        for index in range(2):
            details = [d.roll(1, 3) if n == index else d for n, d in enumerate(output.details)]
            after = encoder.pyramid(output.blocks, details)
            same = [torch.equal(x, y) for x, y in zip(before, after, strict=True)]
            assert same == [n != index for n in range(4)]


def test_the_trunk_has_four_maps_and_no_state_but_its_weights():
    trunk = ImagenetTrunk()
    with torch.no_grad():
        maps = trunk(torch.randn(1, 3, 70, 33))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels, -(-70 // stride), -(-33 // stride))
        for channels, stride in zip(CHANNELS, (4, 8, 16, 32), strict=True)
    ]
    assert not list(trunk.buffers())
