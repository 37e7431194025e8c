"""The pixel decoder: deformable self-attention of the pixels, then attention to the texts.

Paper: Sec. 3.2 (text-to-pixel attention); Mask2Former, arXiv 2112.01527 (the rest).

Axes: B images; M class slots; N pixels of the three coarse levels; D joint width; E encoder width;
C decoder width; h w one feature level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.config import ModelConfig
from tqdm_demo.model.deformable_attention import DeformableAttention
from tqdm_demo.model.layers import (
    Attention,
    FeedForward,
    pixel_centres,
    sine_positions,
    to_map,
    to_tokens,
)

LEVELS = 3
GROUPS = 32


@dataclass(frozen=True)
class PixelFeatures:
    """What the mask decoder reads.

    Attributes:
        memories: three maps (B, C, ., .), fine to coarse.
        mask_features: (B, C, h, w) per-pixel embeddings, at the pyramid's finest level.
    """

    memories: tuple[Tensor, ...]
    mask_features: Tensor


class PixelDecoder(nn.Module):
    """Pyramid and texts to per-pixel embeddings.

    Args:
        config: architecture.
        encoder_width: E, channels of the pyramid.
        text_width: D.
        post_norm: normalise the memories, as tqdm does; Mask2Former does not.
    """

    def __init__(
        self,
        config: ModelConfig,
        encoder_width: int,
        text_width: int,
        post_norm: bool = True,
    ) -> None:
        super().__init__()
        width = config.width
        # Both lists are coarse to fine, as the tokens are.
        self.inputs = nn.ModuleList(
            _convolution(encoder_width, width, 1, bias=True) for _ in range(LEVELS)
        )
        self.level_positions = nn.Parameter(torch.randn(LEVELS, width))
        self.text_projection, self.text_positions = None, None
        if config.text_to_pixel:
            self.text_projection = nn.Linear(text_width, width)
            self.text_positions = nn.Parameter(torch.randn(len(config.class_names), width))
        self.layers = nn.ModuleList(PixelLayer(config) for _ in range(config.pixel_layers))
        self.post_norm = nn.LayerNorm(width) if post_norm else nn.Identity()
        self.lateral = _convolution(encoder_width, width, 1, bias=False)
        self.smooth = _convolution(width, width, 3, bias=False)
        self.mask_features = nn.Conv2d(width, width, 1)

    def forward(self, pyramid: Sequence[Tensor], slot_text: Tensor | None) -> PixelFeatures:
        """Decodes; ``pyramid``: four maps (B, E, ., .), fine to coarse; see :meth:`decode`."""
        return self.decode(self.project(pyramid), slot_text)

    def project(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Four maps (B, E, ., .), fine to coarse, to (B, C, ., .): all that needs no text."""
        finest, *others = pyramid
        layers = reversed(self.inputs)
        projected = [layer(level) for layer, level in zip(layers, others, strict=True)]
        return self.lateral(finest), *projected

    def decode(self, levels: Sequence[Tensor], slot_text: Tensor | None) -> PixelFeatures:
        """Decodes.

        Args:
            levels: of :meth:`project`.
            slot_text: (B, M, D), one text query per class slot, in slot order; None without
                text-to-pixel attention.
        """
        finest, maps = levels[0], levels[:0:-1]
        sizes = [(level.shape[2], level.shape[3]) for level in maps]
        pixels = torch.cat([to_tokens(level) for level in maps], dim=1)
        positions = torch.cat(
            [
                sine_positions(size, pixels.shape[2], pixels) + level
                for size, level in zip(sizes, self.level_positions, strict=True)
            ]
        )
        reference = torch.cat([pixel_centres(size, pixels) for size in sizes])
        text = None if self.text_projection is None else self.text_projection(slot_text)
        for layer in self.layers:
            pixels = layer(pixels, positions, reference, sizes, text, self.text_positions)
        parts = self.post_norm(pixels).split([h * w for h, w in sizes], dim=1)
        memories = [to_map(part, size) for part, size in zip(parts, sizes, strict=True)]
        finest = finest + F.interpolate(
            memories[-1], finest.shape[2:], mode="bilinear", align_corners=False
        )
        embeddings = self.mask_features(F.relu(self.smooth(finest)))
        return PixelFeatures(tuple(reversed(memories)), embeddings)


class PixelLayer(nn.Module):
    """Post-norm: deformable self-attention, text-to-pixel attention, feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.self_attention = DeformableAttention(width, config.heads, LEVELS, config.points)
        self.norm1 = nn.LayerNorm(width)
        self.text_attention, self.norm2 = None, None
        if config.text_to_pixel:
            self.text_attention = Attention(width, config.heads)
            self.norm2 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, config.feed_forward)
        self.norm3 = nn.LayerNorm(width)

    def forward(
        self,
        pixels: Tensor,
        positions: Tensor,
        reference: Tensor,
        sizes: Sequence[tuple[int, int]],
        text: Tensor | None,
        text_positions: Tensor | None,
    ) -> Tensor:
        """One layer; ``pixels`` (B, N, C), ``positions`` (N, C), ``text`` (B, M, C)."""
        attended = self.self_attention(pixels + positions, pixels, reference, sizes)
        pixels = self.norm1(pixels + attended)
        if self.text_attention is not None:
            attended = self.text_attention(pixels + positions, text + text_positions, text)
            pixels = self.norm2(pixels + attended)
        return self.norm3(pixels + self.feed_forward(pixels))


def _convolution(width_in: int, width_out: int, kernel: int, bias: bool) -> nn.Sequential:
    convolution = nn.Conv2d(width_in, width_out, kernel, padding=kernel // 2, bias=bias)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    if bias:
        nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution, nn.GroupNorm(GROUPS, width_out))
