"""Losses of masks at sampled points.

Paper: Mask2Former, arXiv 2112.01527, and PointRend, arXiv 1912.08193.

Axes: B images; L predictions; S masks; P points of a mask; H W label size; h w mask logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

OVERSAMPLING = 3
UNCERTAIN_SHARE = 0.75


def point_losses(sampled: Tensor, wanted: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy and dice loss of every mask, (L, S) each, of points (L, S, P)."""
    entropy = F.binary_cross_entropy_with_logits(sampled, wanted, weights, reduction="none")
    chances, wanted = sampled.sigmoid() * weights, wanted * weights
    overlap = 2 * (chances * wanted).sum(-1) + 1
    dice = 1 - overlap / (chances.sum(-1) + wanted.sum(-1) + 1)
    return entropy.sum(-1) / weights.sum(-1).clamp(min=1), dice


class PointSource:
    """Random points in the masks of every image.

    Args:
        masks: how many masks each image has; S is their sum.
        device: where the points are made.
        seeds: of every image: its points do not depend on what else is in the batch. None: torch's
            own chance.
    """

    def __init__(self, masks: Sequence[int], device: torch.device, seeds: Sequence[int] | None):
        self._device = device
        self._parts: list[tuple[int, torch.Generator | None]] = [(sum(masks), None)]
        if seeds is not None:
            generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
            self._parts = list(zip(masks, generators, strict=True))

    def draw(self, predictions: int, points: int) -> Tensor:
        """(L, S, points, 2) uniform in [0, 1)."""
        parts = []
        for masks, generator in self._parts:
            more = {} if generator is None else {"generator": generator}
            parts.append(torch.rand(predictions, masks, points, 2, device=self._device, **more))
        return torch.cat(parts, dim=1)


def uncertain_places(logits: Tensor, points: int, source: PointSource) -> Tensor:
    """Points where a mask is undecided, and some anywhere.

    Args:
        logits: (L, S, h, w).
        points: P.
        source: of chance, for S masks.

    Returns:
        (L, S, P, 2), (x, y) in [0, 1]: of three times as many random ones the three quarters
        nearest to the mask's edge, and one quarter random.
    """
    uncertain = int(UNCERTAIN_SHARE * points)
    candidates = source.draw(len(logits), OVERSAMPLING * points)
    sampled = sample_points(logits.flatten(0, 1)[:, None], candidates.flatten(0, 1))
    doubt = sampled.view(candidates.shape[:3]).abs()
    best = doubt.topk(uncertain, dim=-1, largest=False, sorted=False).indices
    chosen = candidates.gather(2, best[..., None].expand(-1, -1, -1, 2))
    return torch.cat((chosen, source.draw(len(logits), points - uncertain)), dim=2)


def sample_targets(maps: Tensor, places: Tensor) -> Tensor:
    """Values of maps (S, H, W) at the places (L, S, P, 2) of each: (L, S, P)."""
    sampled = sample_points(maps[:, None], places.transpose(0, 1).flatten(1, 2))
    return sampled.unflatten(1, (places.shape[0], places.shape[2])).transpose(0, 1)


def sample_points(maps: Tensor, places: Tensor) -> Tensor:
    """Bilinear values of maps (S, 1, h, w) at places (S, P, 2) in [0, 1]: (S, P)."""
    grid = 2 * places[:, :, None] - 1
    return F.grid_sample(maps, grid, align_corners=False)[:, 0, :, 0]
