"""Parts that several modules share: attention, feed-forward, sine positions.

Source: Mask2Former, arXiv 2112.01527 (post-norm layers); DETR, arXiv 2005.12872 (sine positions).

Axes: B images; N queries of an attention; S its keys; A heads; C width; h w one feature level.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.model.constants import constant

# Tokens that go through a feed-forward layer at once.
_AT_ONCE = 1024


class Attention(nn.Module):
    """Multi-head attention with separate projections.

    Args:
        width: C, of queries, keys, values and output; a multiple of ``heads``.
        heads: A.
        bias: whether the query, key and value projections have one (the output has one always).
    """

    def __init__(self, width: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"the width {width} is no multiple of the {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(width, width, bias=bias)
        self.value = nn.Linear(width, width, bias=bias)
        self.output = nn.Linear(width, width)
        for projection in (self.query, self.key, self.value):
            # torch's fused layer draws the three as one (3C, C) matrix, hence the gain.
            nn.init.xavier_uniform_(projection.weight, gain=2**-0.5)
            if bias:
                nn.init.zeros_(projection.bias)
        nn.init.zeros_(self.output.bias)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, attention_mask: Tensor | None = None
    ) -> Tensor:
        """Attends.

        Args:
            queries: (B, N, C).
            keys: (B, S, C).
            values: (B, S, C).
            attention_mask: bool, broadcastable to (B, A, N, S): True = may attend. No row
                may be all False. None = everything.

        Returns:
            (B, N, C).
        """
        heads = F.scaled_dot_product_attention(
            self._split(self.query(queries)),
            self._split(self.key(keys)),
            self._split(self.value(values)),
            attn_mask=attention_mask,
        )
        return self.output(heads.transpose(1, 2).flatten(2))

    def _split(self, projected: Tensor) -> Tensor:
        """(B, N, C) to (B, A, N, C / A)."""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Sequential):
    """Linear, ReLU, Linear; (B, N, C) to the same."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """On a CPU without gradients some tokens at a time, whose hidden values fit its caches."""
        if torch.is_grad_enabled() or not tokens.is_cpu:
            return super().forward(tokens)
        parts = tokens.flatten(0, 1).split(_AT_ONCE)
        return torch.cat([super(FeedForward, self).forward(part) for part in parts]).view_as(tokens)


def sine_positions(size: tuple[int, int], width: int, like: Tensor) -> Tensor:
    """Sine and cosine position codes of one level, normalised to its size.

    Args:
        size: (h, w).
        width: C, a multiple of 4; the first half codes the row, the second half the column.
        like: a tensor whose dtype and device the result takes.

    Returns:
        (h * w, C), row by row; computed in float32 at least, and then rounded.
    """
    assert width % 4 == 0, "rows and columns each take pairs of sine and cosine"
    return _sine_positions(tuple(size), width, like.dtype, like.device)


@constant
def _sine_positions(
    size: tuple[int, int], width: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    half, options = width // 2, {"dtype": _coordinates(dtype), "device": device}
    frequencies = 10_000 ** (-torch.arange(0, half, 2, **options) / half)
    codes = []
    for length in size:
        places = torch.arange(1, length + 1, **options) * (2 * math.pi / (length + 1e-6))
        angles = places[:, None] * frequencies
        codes.append(torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1))
    rows, columns = codes
    grid = torch.cat(
        (rows[:, None].expand(-1, size[1], -1), columns[None].expand(size[0], -1, -1)), dim=-1
    )
    return grid.flatten(0, 1).to(dtype)


def pixel_centres(size: tuple[int, int], like: Tensor) -> Tensor:
    """Places (x, y) of the pixel centres of one level, in [0, 1].

    Args:
        size: (h, w).
        like: a tensor whose device the result takes; of float64 also the dtype.

    Returns:
        float32 (h * w, 2), row by row.
    """
    return _pixel_centres(tuple(size), _coordinates(like.dtype), like.device)


@constant
def _pixel_centres(size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    rows, columns = ((torch.arange(n, dtype=dtype, device=device) + 0.5) / n for n in size)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack((x, y), dim=-1).flatten(0, 1)


@constant
def level_lengths(size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """(width, height) of a level's ``size`` = (h, w), as a tensor (2,)."""
    return torch.tensor((size[1], size[0]), dtype=dtype, device=device)


def _coordinates(dtype: torch.dtype) -> torch.dtype:
    """The dtype of coordinates: bfloat16 and float16 cannot tell far pixels apart."""
    return torch.promote_types(dtype, torch.float32)


def to_tokens(level: Tensor) -> Tensor:
    """A map (B, C, h, w) to tokens (B, h * w, C), row by row."""
    return level.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Tokens (B, h * w, C) to a contiguous map (B, C, h, w)."""
    return tokens.transpose(1, 2).unflatten(2, size).contiguous()
