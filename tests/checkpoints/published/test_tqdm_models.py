from __future__ import annotations

import json
from pathlib import Path

import pytest

from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion, recognise
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
QUERIES = "decode_head.query_embed.weight"


@pytest.fixture(params=["clip_vit_b", "eva02_l"])
def shapes(request) -> dict[str, tuple[int, ...]]:
    """Of every tensor of a published checkpoint."""
    stored = json.loads((REFERENCE / f"{request.param}.keys.json").read_text())
    return {name: tuple(shape) for name, shape in stored.items()}


def test_the_configuration_comes_from_the_shapes(shapes):
    config = plan_conversion(shapes).config
    eva = config.fixed_size
    assert (config.prompt_length, config.text_positions) == ((8, 13) if eva else (5, 10))
    assert config.class_names == CITYSCAPES_NAMES and config.window_stride == 341
    shapes["contexts"] = (1, 3, *shapes["contexts"][2:])
    assert plan_conversion(shapes).config.prompt_length == 3


def test_other_class_names_are_taken_where_they_fit(shapes):
    names = tuple(f"thing {index}" for index in range(19))
    assert plan_conversion(shapes, names).config.class_names == names
    with pytest.raises(ValueError, match=rf"{QUERIES}: \(19, 256\) instead of \(18, 256\)"):
        plan_conversion(shapes, names[1:])


def test_what_does_not_fit_is_named(shapes):
    del shapes["gamma"]
    shapes["decode_head.conv_seg.weight"] = (19, 4)
    shapes[QUERIES] = (256, 19)
    with pytest.raises(ValueError) as raised:
        plan_conversion(shapes)
    lines = str(raised.value).splitlines()
    assert "  missing: gamma" in lines
    assert "  unknown: decode_head.conv_seg.weight" in lines
    assert f"  shape of {QUERIES}: (256, 19) instead of (19, 256)" in lines
    assert len(lines) == 4


def test_a_missing_part_of_a_fused_tensor_has_its_published_name(shapes):
    name = "decode_head.transformer_decoder.layers.0.attentions.0.attn.in_proj_weight"
    del shapes[name]
    with pytest.raises(ValueError, match=name) as raised:
        plan_conversion(shapes)
    assert len(str(raised.value).splitlines()) == 2


def test_many_problems_are_cut_short(shapes):
    short = {name: shape for name, shape in shapes.items() if "context_decoder" not in name}
    with pytest.raises(ValueError, match=r"and \d+ more"):
        plan_conversion(short)


@pytest.mark.parametrize(
    "names, what",
    [
        (["decode_head.conv_seg.weight", "backbone.conv1.weight"], "MMSegmentation"),
        (["visual.proj", "logit_scale"], "a CLIP"),
        (["layer1.0.conv1.weight", "fc.bias"], "an image classifier"),
        (["image_encoder.tower.proj"], "needs no converting"),
        (["weight"], "1 tensors: weight"),
        ([], "no tensors"),
    ],
)
def test_other_models_are_named(names, what):
    with pytest.raises(ValueError, match=f"no published tqdm checkpoint.*{what}"):
        recognise(dict.fromkeys(names, (1,)))
