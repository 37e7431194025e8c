"""TLDR's losses on the texture of feature maps, which their Gram matrices describe.

Paper: TLDR, arXiv 2303.11546, Sec. 3.3 (regularisation) and 3.4 (generalisation).

Axes: B images; C channels; h w a feature map.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# By level, fine to coarse.
REGULARISATION_WEIGHTS = (5e-3, 5e-4, 5e-5, 5e-6)
GENERALISATION_WEIGHTS = REGULARISATION_WEIGHTS[:2]
# Entries of a Gram matrix that differ by more than this between a picture and its stylised copy
# are those of the style.
STYLE_THRESHOLD = 0.1


def gram(features: Tensor) -> Tensor:
    """How channels go together: maps (B, C, h, w) to (B, C, C), a mean over the places."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def texture_regularisation(features: Sequence[Tensor], reference: Sequence[Tensor]) -> Tensor:
    """Keeps the texture of the content picture as the ImageNet network sees it: a scalar.

    NOTE(upstream): one norm over all matrices of the batch, not a mean over the images. Kept.

    Args:
        features: levels (B, C, h, w) of the network that learns, fine to coarse.
        reference: of the frozen one.
    """
    parts = zip(REGULARISATION_WEIGHTS, features, reference, strict=True)
    return sum(weight * _norm(gram(own) - gram(other)) for weight, own, other in parts)


def texture_generalisation(
    style: Sequence[Tensor], stylised: Sequence[Tensor], content: Sequence[Tensor]
) -> Tensor:
    """Brings the texture of stylised pictures to that of their styles, where style has a say.

    Args:
        style: levels (B, C, h, w) of the style pictures, fine to coarse; the first two are read.
        stylised: of the content pictures in these styles.
        content: of the content pictures.
    """
    total = style[0].new_zeros(())
    # The coarser levels have no weight.
    for weight, *levels in zip(GENERALISATION_WEIGHTS, style, stylised, content, strict=False):
        wanted, found, plain = map(gram, levels)
        changed = (found - plain).detach() > STYLE_THRESHOLD
        total = total + weight * _norm((wanted - found) * changed)
    return total


def _norm(matrices: Tensor) -> Tensor:
    """Frobenius norm of all matrices (B, C, C) together, per channel."""
    return torch.linalg.vector_norm(matrices) / matrices.shape[1]
