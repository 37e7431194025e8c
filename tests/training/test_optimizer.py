"""Parameter groups and the schedule, against the published rule worked out by hand."""

import pytest
import torch
from torch import nn

from tqdm_demo.config import TrainConfig
from tqdm_demo.training.optimizer import make_optimizer, rate_at, set_rates

CONFIG = TrainConfig(steps=100, learning_rate=1e-2, minimum_rate=1e-4, warmup_steps=10,
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
        names[id(p)]: (group["base_rate"], group["weight_decay"])
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


def test_rates():
    assert rate_at(0, 1e-2, CONFIG) == pytest.approx(1e-2 * 1e-6)
    halfway = (1e-2 - 1e-4) * 0.95**0.9 + 1e-4
    assert rate_at(5, 1e-2, CONFIG) == pytest.approx(halfway * 0.5, rel=1e-5)
    assert rate_at(10, 1e-2, CONFIG) == pytest.approx((1e-2 - 1e-4) * 0.9**0.9 + 1e-4)
    assert rate_at(100, 1e-2, CONFIG) == pytest.approx(1e-4)


def test_a_base_at_the_minimum_stays_there():
    assert rate_at(10, 1e-4, CONFIG) == rate_at(90, 1e-4, CONFIG) == pytest.approx(1e-4)


def test_set_rates_scales_every_group():
    optimizer = make_optimizer(Toy(), CONFIG)
    set_rates(optimizer, 10, CONFIG)
    rates = sorted({group["lr"] for group in optimizer.param_groups})
    assert rates == [pytest.approx(rate_at(10, base, CONFIG)) for base in (1e-3, 5e-3, 1e-2)]


def test_the_frozen_text_stays_and_the_rest_moves():
    model = Toy()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = make_optimizer(model, CONFIG)
    set_rates(optimizer, 20, CONFIG)
    sum(p.sum() for p in model.parameters()).backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == name.startswith("text_encoder")


def test_nothing_to_train():
    with pytest.raises(ValueError, match="nothing to train"):
        make_optimizer(Toy().requires_grad_(False), CONFIG)
