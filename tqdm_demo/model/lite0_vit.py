"""The image tower of the bundled CLIP, registered with timm so that open_clip builds it by name.

An EfficientNet-Lite0 trunk, whose three coarse maps become the tokens of a small vision transformer
at stride 16, and a refinement that brings its result to stride 8. There is no class token: the
pooled embedding is the mean of the dense tokens. Importing this module registers the timm model
``lite0_vit``.

Source: "Early Convolutions Help Transformers See Better", arXiv 2106.14881 (convolutions before the
transformer); ConvNeXt, arXiv 2201.03545 (the refinement's block).

Axes: B images; H W input pixels; h w tokens (stride 16); E tower width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from timm.models import register_model
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from tqdm_demo.model.imagenet_trunk import CHANNELS, ImagenetTrunk

PATCH = 16  # pixels per token of the transformer ...
DENSE_PATCH = 8  # ... and per dense token
_GRID = (16, 32)  # rows and columns of the position table: made for 256 x 512 pixels (h x w)


@dataclass(frozen=True)
class TowerMaps:
    """What the tower yields.

    Attributes:
        blocks: of the wanted blocks, (B, E, h, w) each.
        details: the trunk's map at stride 4 (B, 24, 4 h, 4 w), the refined one (B, E, 2 h, 2 w).
        dense: (B, E, 2 h, 2 w), normalised: what the projection reads.
    """

    blocks: tuple[Tensor, ...]
    details: tuple[Tensor, Tensor]
    dense: Tensor


class Lite0VisionTransformer(nn.Module):
    """Pixels to tokens at two strides, with what open_clip and timm ask of a vision transformer.

    Args:
        width: E.
        depth: transformer blocks.
        heads: of their attention.
        refinements: convolutional blocks at stride 8.
    """

    detail_widths: tuple[int, int]

    def __init__(
        self, width: int = 192, depth: int = 4, heads: int = 3, refinements: int = 1
    ) -> None:
        super().__init__()
        self.num_features, self.num_prefix_tokens = width, 0
        self.detail_widths = (CHANNELS[0], width)
        self.trunk = ImagenetTrunk()
        self.from_trunk = nn.ModuleList(MapProjection(c, width) for c in CHANNELS[1:])
        self.positions = nn.Parameter(0.02 * torch.randn(1, width, *_GRID))
        self.blocks = nn.ModuleList(Block(width, heads, qkv_bias=True) for _ in range(depth))
        self.to_refined = nn.Linear(width, width)
        self.fine = nn.ModuleList(MapProjection(c, width) for c in CHANNELS[:2])
        self.refinements = nn.ModuleList(Refinement(width) for _ in range(refinements))
        self.norm = nn.LayerNorm(width)
        self.patch_size = (PATCH, PATCH)
        # open_clip asks a timm model for its pooling size; None means tokens, not a map.
        self.default_cfg = self.pretrained_cfg = {"pool_size": None}

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """timm's way to drop a classifier; there is none."""

    def maps(self, pixels: Tensor, blocks: Sequence[int] = ()) -> TowerMaps:
        """All that the tower yields for normalised pixels (B, 3, H, W) of any size.

        Args:
            pixels: (B, 3, H, W).
            blocks: indices of the transformer blocks whose outputs are wanted.
        """
        stride4, stride8, stride16, stride32 = self.trunk(pixels)
        size = stride16.shape[2:]
        projected = (
            F.adaptive_avg_pool2d(self.from_trunk[0](stride8), size),
            self.from_trunk[1](stride16),
            _resized(self.from_trunk[2](stride32), size),
        )
        tokens = (sum(projected) + _resized(self.positions, size)).flatten(2).transpose(1, 2)
        outputs = []
        for block in self.blocks:
            tokens = block(tokens)
            outputs.append(tokens)
        coarse = self.to_refined(tokens).transpose(1, 2).unflatten(2, size)
        fine = stride8.shape[2:]
        refined = _resized(coarse, fine) + self.fine[1](stride8)
        refined = refined + F.adaptive_avg_pool2d(self.fine[0](stride4), fine)
        for refinement in self.refinements:
            refined = refinement(refined)
        return TowerMaps(
            blocks=tuple(outputs[b].transpose(1, 2).unflatten(2, size) for b in blocks),
            details=(stride4, refined),
            dense=self.norm(refined.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """The pooled features (B, E), before the projection."""
        return self.maps(pixels).dense.mean((2, 3))


class MapProjection(nn.Module):
    """A trunk's map, normalised over its channels at every place, to the tower's width."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.projection = nn.Linear(width_in, width_out)

    def forward(self, features: Tensor) -> Tensor:
        """(B, width_in, h, w) to (B, width_out, h, w)."""
        return self.projection(self.norm(features.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class Refinement(nn.Module):
    """A ConvNeXt block: a filter of 5 x 5 places, then two linear layers over the channels."""

    def __init__(self, width: int, expansion: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, expansion * width)
        self.project = nn.Linear(expansion * width, width)

    def forward(self, features: Tensor) -> Tensor:
        """(B, E, ., .) to the same."""
        inner = self.norm(self.depthwise(features).permute(0, 2, 3, 1))
        return features + self.project(F.gelu(self.expand(inner))).permute(0, 3, 1, 2)


def _resized(features: Tensor, size: Sequence[int]) -> Tensor:
    if features.shape[2:] == size:
        return features
    return F.interpolate(features, size, mode="bilinear", align_corners=False)


@register_model
def lite0_vit(pretrained: bool = False, **settings: object) -> Lite0VisionTransformer:
    """Four blocks of width 192 at stride 16, one refinement at stride 8."""
    assert not pretrained, "lite0_vit has no published weights; load the bundled CLIP instead"
    return Lite0VisionTransformer()
