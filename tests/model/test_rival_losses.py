"""The objectives of Rein and TLDR against the published code's, from the same stand-in weights."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from tests.model.test_rival_reference import REFERENCE, network, pixels, published, weights
from tqdm_demo.checkpoints.published.dino_models import REIN
from tqdm_demo.checkpoints.published.tldr_models import TLDR
from tqdm_demo.training.losses import Targets
from tqdm_demo.training.rein_losses import matched_losses
from tqdm_demo.training.rival_objectives import tldr_losses

pytestmark = pytest.mark.heavy
DRAWS, PUBLISHED_DRAWS = 6, 20


def labels():
    stored = np.load(REFERENCE / "seed0" / "labels.npz")["labels"]
    return torch.from_numpy(stored.astype(np.int64))


def expected(name):
    return json.loads((REFERENCE / "seed0" / f"{name}.losses.json").read_text())


def test_rein():
    segmenter = network(REIN, published("rein_dinov2_l"))
    with torch.inference_mode():
        _, predictions = segmenter.decode(segmenter.backbone(pixels(segmenter.config, 512, 512)))
        targets = Targets.whole(labels()[None])
        draws = [
            matched_losses(predictions, dataclasses.replace(targets, seeds=[seed]), 12_544)
            for seed in range(DRAWS)
        ]
    drawn = [torch.stack(term) for term in zip(*draws, strict=True)]
    for term, values in zip(("cls", "mask", "dice"), drawn, strict=True):
        for number, (value, own) in enumerate(zip(values.mean(0), values.std(0), strict=True)):
            layer = "" if number == 9 else f"d{number}."
            mean, deviation = expected("rein_dinov2_l")[f"decode.{layer}loss_{term}"]
            # Both spreads count: where two matchings are nearly as good, draws fall on either.
            error = math.sqrt(deviation**2 / PUBLISHED_DRAWS + own**2 / DRAWS)
            print(f"{layer}{term}: {value:.5f}, {mean:.5f} published, "
                  f"{abs(value - mean) / error:.1f} standard errors")  # fmt: skip
            assert abs(value - mean) <= 4 * error


class Tldr:
    """The stand-in network, its ImageNet copy, and one step's pictures."""

    def __init__(self, side, batch):
        self.model = network(TLDR, published("tldr_r50", lambda name: name.startswith("model.")))
        # The copy has values of its own, under the same names.
        copied = published("tldr_r50", lambda name: name.startswith("imnet_model."))
        frozen = {name.replace("imnet_model.", "model.", 1): t for name, t in copied.items()}
        self.reference = network(TLDR, frozen).backbone.requires_grad_(False).eval()
        config = self.model.config
        colours = (config.image_mean, config.image_std)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in colours)

        def picture(seed):
            image = weights.reference_image(side, side, seed)
            return torch.from_numpy(image).permute(2, 0, 1) / 255

        self.content, stylised, self.style = (
            torch.stack([picture(first + n) for n in range(batch)]) for first in (0, 20, 10)
        )
        self.content = (self.content - mean) / std
        self.stylised = (stylised - mean) / std

    def double(self):
        """In float64, so that the processor's way of rounding has no say."""
        self.model, self.reference = self.model.double(), self.reference.double()
        for name in ("content", "stylised", "style"):
            setattr(self, name, getattr(self, name).double())
        return self

    def losses(self, targets):
        return tldr_losses(
            self.model, self.reference, self.content, self.stylised, self.style, targets
        )


NAMES = {
    "content": ("decode.loss_seg", 0.5),
    "stylised": ("stylized.decode.loss_seg", 0.5),
    "generalisation": ("disent.loss_feat_dist", 1),
    "regularisation": ("textreg.loss_feat_dist", 1),
}


def check_terms(terms, kind):
    for name, (published_name, share) in NAMES.items():
        wanted = share * expected("tldr_r50")[f"{kind}.{published_name}"][0]
        print(f"{kind} {name}: {abs(terms[name].item() / wanted - 1):.1e}")
        assert terms[name].item() == pytest.approx(wanted, rel=1e-4)


@torch.no_grad()
def test_tldr_in_evaluation_mode():
    step = Tldr(512, 1)
    check_terms(
        step.losses(dataclasses.replace(Targets.whole(labels()[None]), progress=0.25)), "eval"
    )


def test_a_step_of_tldr():
    step = Tldr(256, 2).double()
    step.model.train()
    step.model.head.dropout.p = 0.0
    parts = torch.stack((labels()[:256, :256], labels()[256:, 256:]))
    terms = step.losses(dataclasses.replace(Targets.whole(parts), progress=0.25))
    check_terms(terms, "train")
    sum(terms.values()).backward()
    gradients = {
        "model.backbone.stem.0.weight": step.model.backbone.conv1[0].weight,
        "model.backbone.layer1.2.conv3.weight": step.model.backbone.layer1[2].conv3.weight,
        "model.backbone.layer2.0.bn1.weight": step.model.backbone.layer2[0].bn1.weight,
        "model.backbone.layer4.2.conv2.weight": step.model.backbone.layer4[2].conv2.weight,
        "model.decode_head.aspp_modules.3.depthwise_conv.conv.weight":
            step.model.head.branches[3][0][0].weight,
        "model.decode_head.c1_bottleneck.conv.weight": step.model.head.skip[0].weight,
        "model.decode_head.conv_seg.weight": step.model.head.classifier.weight,
    }  # fmt: skip
    for name, parameter in gradients.items():
        wanted = expected("tldr_r50")[f"train.grad_norm.{name}"][0]
        print(f"gradient of {name}: {abs(parameter.grad.norm().item() / wanted - 1):.1e}")
        # These depend on rounding: noise of 1e-6 of the pictures' largest value moves those of the
        # backbone by up to 2e-2.
        limit = 1e-4 if "conv_seg" in name else 5e-3
        assert parameter.grad.norm().item() == pytest.approx(wanted, rel=limit)
    buffers = {
        "model.backbone.layer1.0.bn1.running_mean": step.model.backbone.layer1[0].bn1,
        "model.decode_head.bottleneck.bn.running_mean": step.model.head.bottleneck[1],
    }
    for name, norm in buffers.items():
        wanted = expected("tldr_r50")[f"train.buffer_norm.{name}"][0]
        assert norm.running_mean.norm().item() == pytest.approx(wanted, rel=1e-4)
