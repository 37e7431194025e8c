"""The image tower of streets-clip."""

import open_clip
import torch

from tqdm_demo.checkpoints.folder import read_clip_config
from tqdm_demo.checkpoints.folder_files import resolve_source
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
    config = read_clip_config(resolve_source("streets-clip")).clip
    tower = open_clip.CLIP(**config).visual.eval()
    assert tower.trunk.cls_token is None
    tokens = tower.trunk.forward_features(torch.randn(2, 3, 40, 56))
    assert tokens.shape == (2, 5 * 7, 192)
    assert tower(torch.randn(2, 3, 40, 56)).shape == (2, 128)
