"""Random convolutions: other textures and colours for the pictures of a single source domain.

A picture is mixed with what a convolution with random weights makes of it; shapes and labels stay.
Not part of tqdm's recipe.
Source: "Robust and Generalizable Visual Representation Learning via Random Convolutions",
arXiv 2007.13003 (mixing variant).

Axes: B pictures; H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

SIDES = (1, 3, 5)  # of the kernels, in pixels
_LARGEST = max(SIDES)


@dataclass(frozen=True)
class RandomConvolution:
    """How one picture changes.

    Attributes:
        kernel: float32 (3, 3, 5, 5): channel out, channel in, rows, columns; a smaller kernel lies
            in the middle.
        share: of the picture as it was, in [0, 1].
    """

    kernel: np.ndarray
    share: float


def draw_convolution(rng: np.random.Generator, chance: float) -> RandomConvolution:
    """With probability ``chance`` a random one, otherwise one that changes nothing.

    Weights have variance 1 / inputs, so that normalised pictures keep their scale on average.
    """
    applied, side, share = rng.random() < chance, int(rng.choice(SIDES)), float(rng.random())
    weights = rng.normal(scale=(3 * side**2) ** -0.5, size=(3, 3, side, side))
    margin = (_LARGEST - side) // 2
    kernel = np.pad(weights, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    return RandomConvolution(kernel.astype(np.float32), share if applied else 1.0)


def convolve(images: torch.Tensor, convolutions: Sequence[RandomConvolution]) -> torch.Tensor:
    """Normalised pictures float (B, 3, H, W), each mixed with its own convolution of itself."""
    kernels = np.concatenate([convolution.kernel for convolution in convolutions])
    shares = images.new_tensor([convolution.share for convolution in convolutions])
    filtered = F.conv2d(
        F.pad(images, (_LARGEST // 2,) * 4, mode="replicate").flatten(0, 1)[None],
        torch.from_numpy(kernels).to(images),
        groups=len(images),
    )
    return filtered.view_as(images).lerp(images, shares.view(-1, 1, 1, 1))
