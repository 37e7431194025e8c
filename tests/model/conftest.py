"""Tiny untrained models with open_clip's own image tower, for the tests of the model."""

from __future__ import annotations

import dataclasses

import open_clip
import pytest
import torch

from tqdm_demo.config import ModelConfig
from tqdm_demo.model.segmenter import Segmenter

NATIVE_CLIP = {
    "embed_dim": 12,
    "vision_cfg": {
        "image_size": 48,
        "layers": 5,
        "width": 24,
        "head_width": 8,
        "patch_size": 8,
    },
    "text_cfg": {"context_length": 15, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture
def config() -> ModelConfig:
    """Every part switched on; all sizes differ."""
    return ModelConfig(
        clip=NATIVE_CLIP,
        class_names=("road", "sky", "car", "traffic light", "tree"),
        prompt_length=3,
        text_positions=11,
        pyramid_blocks=(0, 2, 3, 4),
        width=32,
        heads=4,
        points=2,
        feed_forward=40,
        pixel_layers=2,
        mask_layers=4,
        context_width=20,
        context_heads=2,
        context_layers=2,
        input_size=(48, 48),
    )


@pytest.fixture
def learned_config(config: ModelConfig) -> ModelConfig:
    """The baseline: no text in the decoder."""
    return dataclasses.replace(
        config, queries="learned", text_to_pixel=False, context_decoder=False, prompt_length=0
    )


@pytest.fixture
def segmenter(config: ModelConfig) -> Segmenter:
    """An untrained model in evaluation mode."""
    torch.manual_seed(3)
    return Segmenter(config).eval()


@pytest.fixture
def clip() -> open_clip.CLIP:
    """An untrained CLIP of the model's kind, as it comes from a pre-training."""
    torch.manual_seed(4)
    return open_clip.CLIP(**NATIVE_CLIP).eval()
