"""The small image tower without a trunk."""

import open_clip
import torch

from tests.conftest import TINY_CLIP
from tqdm_demo.model.streets_vit import ConvolutionalStem


def test_stem_has_stride_eight_and_keeps_left_and_right():
    stem = ConvolutionalStem((32, 48), embed_dim=16).eval()
    pixels = torch.zeros(1, 3, 32, 48)
    changed = pixels.clone()
    changed[..., 40:] = 1.0
    moved = (stem(changed) - stem(pixels)).abs().sum(-1)[0]
    assert moved.shape == (4, 6)
    assert moved.argmax(1).min() >= 4


def test_open_clip_builds_it_without_a_class_token_for_any_size():
    tower = open_clip.CLIP(**TINY_CLIP).visual.eval()
    assert tower.trunk.cls_token is None
    tokens = tower.trunk.forward_features(torch.randn(2, 3, 40, 56))
    assert tokens.shape == (2, 5 * 7, 192)
    assert tower(torch.randn(2, 3, 40, 56)).shape == (2, 24)
