"""Parameter groups and the schedule, against the published rule worked out by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tqdm_demo.checkpoints.published import key_map
from tqdm_demo.checkpoints.published import tqdm_models as published
from tqdm_demo.config import TrainConfig
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS
from tqdm_demo.training.optimizer import learning_rate_at, make_optimizer, set_learning_rates

CONFIG = TrainConfig(steps=100, learning_rate=1e-2, minimum_learning_rate=1e-4, warmup_steps=10,
                     weight_decay=0.3, backbone_factor=0.1, pyramid_factor=0.5)  # fmt: skip


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        tower = nn.ModuleDict({"norm": nn.LayerNorm(2)})
        self.image_encoder = nn.ModuleDict({"tower": tower, "pyramid": nn.Linear(2, 3)})
        self.text_encoder = nn.Linear(3, 4).requires_grad_(False)
        self.head = nn.ModuleDict({"post_norm": nn.LayerNorm(5), "out": nn.Linear(5, 6)})


def settings_of(model, optimizer):
    names = {id(p): n for n, p in model.named_parameters()}
    return {
        names[id(p)]: (group["base_learning_rate"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }


def test_groups_are_the_published_ones():
    model = Toy()
    found = settings_of(model, make_optimizer(model, CONFIG))
    assert not any(name.startswith("text_encoder") for name in found)
    assert found["image_encoder.tower.norm.weight"] == (pytest.approx(1e-3), 0.3)
    assert found["image_encoder.pyramid.weight"] == (pytest.approx(5e-3), 0.3)
    assert found["head.post_norm.bias"] == (1e-2, 0.0)
    assert found["head.out.bias"] == (1e-2, 0.3)
    assert len(found) == 8


def test_learning_rates():
    assert learning_rate_at(0, 1e-2, CONFIG) == pytest.approx(1e-2 * 1e-6)
    halfway = (1e-2 - 1e-4) * 0.95**0.9 + 1e-4
    assert learning_rate_at(5, 1e-2, CONFIG) == pytest.approx(halfway * 0.5, rel=1e-5)
    assert learning_rate_at(10, 1e-2, CONFIG) == pytest.approx((1e-2 - 1e-4) * 0.9**0.9 + 1e-4)
    assert learning_rate_at(100, 1e-2, CONFIG) == pytest.approx(1e-4)


def test_a_base_at_the_minimum_stays_there():
    assert (
        learning_rate_at(10, 1e-4, CONFIG)
        == learning_rate_at(90, 1e-4, CONFIG)
        == pytest.approx(1e-4)
    )


def test_set_learning_rates_scales_every_group():
    optimizer = make_optimizer(Toy(), CONFIG)
    set_learning_rates(optimizer, 10, CONFIG)
    rates = sorted({group["lr"] for group in optimizer.param_groups})
    assert rates == [
        pytest.approx(learning_rate_at(10, base, CONFIG)) for base in (1e-3, 5e-3, 1e-2)
    ]


def test_the_frozen_text_stays_and_the_rest_moves():
    model = Toy()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = make_optimizer(model, CONFIG)
    set_learning_rates(optimizer, 20, CONFIG)
    sum(p.sum() for p in model.parameters()).backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == name.startswith("text_encoder")


def test_nothing_to_train():
    with pytest.raises(ValueError, match="nothing to train"):
        make_optimizer(Toy().requires_grad_(False), CONFIG)


REFERENCE = Path(__file__).resolve().parents[1] / "reference"
# The published ``paramwise_cfg`` by data set: key -> (factor of the rate, factor of the decay).
KEYS = {
    "gta5": {"backbone": (0.1, 1.0), "text_encoder": (0.0, 1.0), "norm": (1.0, 0.0)},
    "cityscapes": {
        "backbone": (0.1, 1.0),
        "text_encoder": (0.0, 1.0),
        "norm": (1.0, 0.0),
        "level_embed": (1.0, 0.0),
        "query_embed": (1.0, 0.0),
    },
}


def published_settings(name, recipe):
    """Rate and decay of a published tensor: mmcv tries longer keys first, the first hit wins."""
    rate, decay = (1e-5, 1e-4) if recipe == "gta5" else (1e-4, 1e-5)
    keys = KEYS[recipe]
    for key in sorted(sorted(keys), key=len, reverse=True):
        if key in name:
            return rate * keys[key][0], decay * keys[key][1]
    return rate, decay


@pytest.mark.parametrize(
    ("preset", "names", "recipe"),
    [
        ("clip-vit-b-gta5", "clip_vit_b", "gta5"),
        ("eva02-l-gta5", "eva02_l", "gta5"),
        ("eva02-l-cityscapes", "eva02_l", "cityscapes"),
    ],
)
def test_every_tensor_has_the_published_rate_and_decay(preset, names, recipe):
    """Against the names of the published checkpoints and the rule that was applied to them."""
    chosen = PRESETS[preset]
    with torch.device("meta"):
        segmenter = Segmenter(chosen.model)
    segmenter.text_encoder.tower.requires_grad_(False)
    found = settings_of(segmenter, make_optimizer(segmenter, chosen.training))
    rules = next(m.rules for m in published.MODELS if m.config.clip == chosen.model.clip)
    checked = set()
    for name in json.loads((REFERENCE / f"{names}.keys.json").read_text()):
        if key_map.why_dropped(name) is not None:
            continue
        _, ours = key_map.to_ours(name, rules)
        for our_name in ours:
            if our_name in found:
                assert found[our_name] == pytest.approx(published_settings(name, recipe)), name
                checked.add(our_name)
            else:
                assert name.startswith("text_encoder.") or not _is_parameter(segmenter, our_name)
    assert checked == set(found)


def _is_parameter(model, name):
    return name in dict(model.named_parameters())


@pytest.mark.parametrize("preset", ["clip-vit-b-gta5", "eva02-l-cityscapes"])
@pytest.mark.parametrize("step", [0, 1, 750, 1499, 1500, 10_000, 19_999])
def test_the_published_rates_of_every_group(preset, step):
    config, model = PRESETS[preset].training, Toy()
    optimizer = make_optimizer(model, replace(config, pyramid_factor=config.backbone_factor))
    set_learning_rates(optimizer, step, config)
    found = {group["base_learning_rate"]: group["lr"] for group in optimizer.param_groups}
    base = {"clip-vit-b-gta5": 1e-5, "eva02-l-cityscapes": 1e-4}[preset]
    assert sorted(found) == [pytest.approx(base * 0.1), pytest.approx(base)]
    for start, rate in found.items():
        poly = (start - 1e-6) * (1 - step / 20_000) ** 0.9 + 1e-6
        warm = 1 - (1 - step / 1500) * (1 - 1e-6) if step < 1500 else 1
        assert rate == pytest.approx(poly * warm, rel=1e-9)
    if preset == "clip-vit-b-gta5" and step >= 1500:
        assert found[min(found)] == pytest.approx(1e-6)  # the backbone's never falls
