"""Multi-scale deformable attention in plain PyTorch.

Source: Deformable DETR, arXiv 2010.04159, Eq. 3.

Axes: B images; N queries; A heads; L levels; P sampling points; C width; h w one level's size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.model.layers import level_lengths


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
        if values.is_cpu and not torch.is_grad_enabled() and min(map(min, sizes)) > 1:
            table = self.value(values).to(reference.dtype).view(-1, width // heads)
            attended = _sum_of_points(table, offsets, weights, reference, sizes)
            return self.output(attended.view(batch, count, width))
        # (B * A, C / A, N): channels before places, as grid_sample wants its maps.
        maps = self.value(values).transpose(1, 2).reshape(batch * heads, width // heads, -1)
        maps = maps.split([rows * columns for rows, columns in sizes], dim=2)
        attended = maps[0].new_zeros(())
        for level, size in enumerate(sizes):
            scale = level_lengths(tuple(size), reference.dtype, reference.device)
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


def _sum_of_points(
    table: Tensor,
    offsets: Tensor,
    weights: Tensor,
    reference: Tensor,
    sizes: Sequence[tuple[int, int]],
) -> Tensor:
    """What all points of a query and head read, weighted and added up.

    The same as ``grid_sample`` level by level, to rounding, in half of its time on a CPU: one
    lookup with 4 L P weights a query and head, and nothing is transposed. Forward only.

    Args:
        table: (B * S * A, C / A), the S values of all levels, the heads of one behind another.
        offsets: (B, N, A, L, P, 2) in cells of the level, (x, y); ``weights`` (B, N, A, L, P).
        reference: (N, 2) in [0, 1].
        sizes: (h, w) of every level, each at least 2.

    Returns:
        (B * N * A, C / A).
    """
    batch, count, heads, _, points = weights.shape
    rows, columns = torch.tensor(sizes).repeat_interleave(points, 0).to(reference).unbind(1)
    x, y = offsets.flatten(3, 4).unbind(-1)  # (B, N, A, L * P)
    left, *across = _cells(x + (reference[:, 0, None, None] * columns - 0.5), columns)
    top, *down = _cells(y + (reference[:, 1, None, None] * rows - 0.5), rows)
    cells = torch.tensor([h * w for h, w in sizes])
    before = (cells.cumsum(0) - cells).repeat_interleave(points)
    picture = torch.arange(batch).view(-1, 1, 1, 1) * int(cells.sum())
    constant = (before + picture) * heads + torch.arange(heads)[:, None]  # (B, 1, A, L * P)
    first = top.mul_(columns).add_(left).int().mul_(heads).add_(constant.int())
    step = columns.int() * heads  # to the cell below
    index = first.new_empty(batch, count, heads, 4, first.shape[-1])
    shares = table.new_empty(index.shape)
    weights = weights.flatten(3)
    for corner, (y_share, x_share) in enumerate(product(down, across)):
        below, right = divmod(corner, 2)
        index[..., corner, :] = first + (below * step + right * heads)
        shares[..., corner, :] = y_share * x_share * weights
    bags = (batch * count * heads, -1)
    return F.embedding_bag(
        index.view(bags), table, mode="sum", per_sample_weights=shares.view(bags)
    )


def _cells(places: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The first of two neighbouring cells that places lie between, and the share of both.

    A place beyond the last centre keeps the last two cells; the share of one, or of both, is 0.

    Args:
        places: in cells, the first one's centre at 0.
        lengths: cells in all, at least 2.
    """
    first = places.floor().clamp_(min=0).minimum(lengths - 2)
    distance = places - first
    second_share = (distance - 1).abs_().neg_().add_(1).relu_()
    return first, distance.abs_().neg_().add_(1).relu_(), second_share


def _by_head(values: Tensor) -> Tensor:
    """(B, N, A, ...) to (B * A, N, ...)."""
    return values.transpose(1, 2).flatten(0, 1)
