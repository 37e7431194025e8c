"""The map of tensor names in both directions; model/test_reference.py checks the values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tqdm_demo.checkpoints.published import key_map
from tqdm_demo.checkpoints.published.tqdm_models import MODELS, plan_conversion

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
PUBLISHED = dict(zip(("clip_vit_b", "eva02_l"), MODELS, strict=True))


@pytest.mark.parametrize("name", PUBLISHED)
def test_both_directions_agree_on_every_tensor(name):
    shapes = json.loads((REFERENCE / f"{name}.keys.json").read_text())
    plan = plan_conversion({key: tuple(shape) for key, shape in shapes.items()})
    assert plan.model is PUBLISHED[name]
    assert {step[0] for step in plan.steps} | set(plan.dropped) == set(shapes)
    reached = [ours for _, _, names in plan.steps for ours in names]
    assert len(reached) == len(set(reached)) and set(reached) == set(plan.shapes)
    for published, _, names in plan.steps:
        for ours in names:
            assert key_map.to_published(ours, plan.model.rules) == published


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_line_of_the_map_is_needed(name):
    shapes = json.loads((REFERENCE / f"{name}.keys.json").read_text())
    used = {key_map.to_ours(key, PUBLISHED[name].rules)[0] for key in shapes if key[:3] != "reg"}
    assert used == set(PUBLISHED[name].rules)


@pytest.mark.parametrize(
    "published, ours",
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
        (
            "backbone.blocks.17.attn.v_bias",
            "image_encoder.tower.trunk.blocks.17.attn.v_proj.bias",
        ),
        (
            "backbone.blocks.3.mlp.w2.weight",
            "image_encoder.tower.trunk.blocks.3.mlp.fc1_x.weight",
        ),
    ],
)
def test_names(published, ours):
    rules = MODELS[1].rules
    assert key_map.to_ours(published, rules)[1] == (ours,)
    assert key_map.to_published(ours, rules) == published


def test_a_fused_projection_becomes_three():
    stem = "decode_head.transformer_decoder.layers.3.attentions.1.attn"
    rule, names = key_map.to_ours(f"{stem}.in_proj_bias", MODELS[0].rules)
    assert rule.fold == key_map.SPLIT
    assert [name.rsplit("self_attention.")[1] for name in names] == [
        "query.bias",
        "key.bias",
        "value.bias",
    ]


@pytest.mark.parametrize(
    "name, word",
    [
        ("reg_E0.ln_post.bias", "frozen copy"),
        ("backbone.rope.freqs_cos", "rotary"),
        ("backbone.blocks.11.attn.rope.freqs_sin", "rotary"),
    ],
)
def test_what_is_dropped_has_a_reason(name, word):
    assert word in key_map.why_dropped(name)


def test_other_names_have_no_place():
    assert key_map.why_dropped("gamma") is None
    assert key_map.to_ours("decode_head.conv_seg.weight", MODELS[0].rules) is None
    assert key_map.to_published("mask_decoder.layers.x.norm1.bias", MODELS[0].rules) is None
