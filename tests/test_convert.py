"""The map of published tensor names; the values are checked in model/test_reference.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tqdm_demo.config import ModelConfig
from tqdm_demo.convert import CLIP_VIT_B, convert_image_encoder, convert_state_dict, our_name
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

REFERENCE = Path(__file__).resolve().parent / "reference"
CONFIG = ModelConfig(clip=CLIP_VIT_B, class_names=CITYSCAPES_NAMES)


@pytest.fixture
def published() -> dict[str, torch.Tensor]:
    """All tensors of the published checkpoint, without memory behind them."""
    shapes = json.loads((REFERENCE / "clip_vit_b.keys.json").read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_the_whole_checkpoint_maps_onto_the_whole_model(published):
    converted = convert_state_dict(published, CONFIG)
    with torch.device("meta"):
        expected = Segmenter(CONFIG).state_dict()
    assert {n: tuple(t.shape) for n, t in converted.items()} == {
        n: tuple(t.shape) for n, t in expected.items()
    }


def test_the_frozen_copy_maps_onto_an_image_encoder(published):
    copy = convert_image_encoder(published, "reg_E0.")
    own = convert_image_encoder(published, "backbone.")
    assert set(copy) == set(own) and len(own) > 150


@pytest.mark.parametrize(
    "published_name, ours",
    [
        ("contexts", "text_encoder.prompt"),
        ("text_encoder.ln_final.weight", "text_encoder.tower.ln_final.weight"),
        (
            "context_decoder.decoder.2.cross_attn.proj.bias",
            "context_decoder.layers.2.cross_attention.output.bias",
        ),
        (
            "context_decoder.decoder.0.mlp.3.weight",
            "context_decoder.layers.0.feed_forward.3.weight",
        ),
        (
            "decode_head.pixel_decoder.encoder.layers.4.attentions.1.attn.out_proj.weight",
            "pixel_decoder.layers.4.text_attention.output.weight",
        ),
        ("decode_head.pixel_decoder.input_convs.2.gn.bias", "pixel_decoder.inputs.2.1.bias"),
        (
            "decode_head.transformer_decoder.layers.8.attentions.0.attn.out_proj.bias",
            "mask_decoder.layers.8.cross_attention.output.bias",
        ),
        (
            "decode_head.transformer_decoder.layers.1.ffns.0.layers.1.bias",
            "mask_decoder.layers.1.feed_forward.2.bias",
        ),
    ],
)
def test_names(published_name, ours):
    assert our_name(published_name) == ours


def test_values_are_folded_in(published):
    stem = "decode_head.transformer_decoder.layers.3.attentions.1.attn.in_proj_bias"
    published["backbone.class_embedding"] = torch.arange(768.0)
    published[stem] = torch.arange(768.0)
    converted = convert_state_dict(published, CONFIG)
    tower = "image_encoder.tower.class_embedding"
    assert torch.equal(converted[tower], 2 * torch.arange(768.0))
    key = converted["mask_decoder.layers.3.self_attention.key.bias"]
    assert torch.equal(key, torch.arange(256.0, 512.0))


def test_a_checkpoint_of_something_else_is_refused(published):
    with pytest.raises(ValueError, match="decode_head.conv_seg.weight"):
        convert_state_dict({**published, "decode_head.conv_seg.weight": torch.zeros(1)}, CONFIG)
    few = ModelConfig(clip=CLIP_VIT_B, class_names=("road",))
    with pytest.raises(ValueError, match="1 class names; the checkpoint has 19"):
        convert_state_dict(published, few)
    long = ModelConfig(clip=CLIP_VIT_B, class_names=CITYSCAPES_NAMES, text_positions=13)
    with pytest.raises(ValueError, match="text_positions is 13; the checkpoint has 10"):
        convert_state_dict(published, long)
