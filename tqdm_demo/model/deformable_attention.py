"""Multi-scale deformable attention in plain PyTorch.

Source: Deformable DETR, arXiv 2010.04159, Eq. 3.

Axes: B images; N queries; A heads; L levels; P sampling points; C width; h w one level's size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DeformableAttention(nn.Module):
    """Every query reads a few points, placed by itself, from every level.

    Args:
        width: C, a multiple of ``heads``.
        heads: A.
        levels: L.
        points: P, per head and level.
    """

    def __init__(self, width: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.shape = (heads, levels, points)
        self.offsets = nn.Linear(width, heads * levels * points * 2)
        self.weights = nn.Linear(width, heads * levels * points)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self._initialise()

    def forward(
        self,
        queries: Tensor,
        values: Tensor,
        reference: Tensor,
        sizes: Sequence[tuple[int, int]],
    ) -> Tensor:
        """Reads the levels.

        Args:
            queries: (B, N, C), with their positions added.
            values: (B, sum of h * w, C), the tokens of all levels, level after level.
            reference: float32 (N, 2), every query's place (x, y), each in [0, 1]. Sampling places
                have its dtype, also under autocast.
            sizes: (h, w) of every level.

        Returns:
            (B, N, C).
        """
        heads, levels, points = self.shape
        batch, count, width = queries.shape
        offsets = self.offsets(queries).view(batch, count, heads, levels, points, 2)
        weights = self.weights(queries).view(batch, count, heads, levels * points).softmax(-1)
        weights = weights.unflatten(-1, (levels, points))
        # (B * A, C / A, N): channels before places, as grid_sample wants its maps.
        maps = self.value(values).transpose(1, 2).reshape(batch * heads, width // heads, -1)
        maps = maps.split([rows * columns for rows, columns in sizes], dim=2)
        attended = maps[0].new_zeros(())
        for level, size in enumerate(sizes):
            scale = reference.new_tensor((size[1], size[0]))
            places = reference[:, None, None] + offsets[:, :, :, level] / scale
            grid = _by_head(2 * places - 1)
            level_map = maps[level].unflatten(2, size).to(grid.dtype)
            sampled = F.grid_sample(level_map, grid, align_corners=False)
            attended = attended + (sampled * _by_head(weights[:, :, :, level])[:, None]).sum(-1)
        return self.output(attended.view(batch, width, count).transpose(1, 2))

    def _initialise(self) -> None:
        """Head a looks into its own direction, point p at distance p + 1; all weights equal."""
        heads, levels, points = self.shape
        angles = torch.arange(heads) * (2 * math.pi / heads)
        directions = torch.stack((angles.cos(), angles.sin()), dim=-1)
        directions = directions / directions.abs().amax(dim=-1, keepdim=True)
        distances = torch.arange(1, points + 1)
        bias = directions[:, None, None] * distances[:, None]
        nn.init.zeros_(self.offsets.weight)
        with torch.no_grad():
            self.offsets.bias.copy_(bias.expand(heads, levels, points, 2).flatten())
        for layer in (self.weights.weight, self.weights.bias, self.value.bias, self.output.bias):
            nn.init.zeros_(layer)
        nn.init.xavier_uniform_(self.value.weight)
        nn.init.xavier_uniform_(self.output.weight)


def _by_head(values: Tensor) -> Tensor:
    """(B, N, A, ...) to (B * A, N, ...)."""
    return values.transpose(1, 2).flatten(0, 1)
