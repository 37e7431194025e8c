"""DINOv2's vision transformer at patch 16 as the backbone of Rein and SoMA.

Paper: DINOv2, arXiv 2304.07193. The blocks are timm's. The published weights have patches of 14
pixels; :mod:`tqdm_demo.checkpoints.published.dino_models` resizes them when they are converted.

Axes: B images; H W input pixels; h w patch tokens; E encoder width; C decoder width.
"""

from __future__ import annotations

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.model.layers import to_map
from tqdm_demo.model.reins import Reins
from tqdm_demo.rival_config import ReinConfig

# Strides of the pyramid's levels relative to the patch grid, fine to coarse.
LEVEL_SCALES = (4.0, 2.0, 1.0, 0.5)


class DinoBackbone(nn.Module):
    """Pixels to a pyramid of four maps; with reins where the system has them.

    Args:
        config: architecture.
    """

    def __init__(self, config: ReinConfig) -> None:
        super().__init__()
        self.pyramid_blocks = config.pyramid_blocks
        self.grid = config.input_size[0] // config.patch_size
        self.vit = timm.create_model(
            config.vit,
            patch_size=config.patch_size,
            img_size=config.input_size,
            num_classes=0,
            **config.vit_options,
        )
        self.width = self.vit.embed_dim
        self.reins = None
        if config.reins_rank:
            self.reins = Reins(
                blocks=len(self.vit.blocks),
                tokens=config.object_queries,
                rank=config.reins_rank,
                width=self.width,
                query_width=config.width,
            )

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Encodes.

        Args:
            pixels: normalised (B, 3, H, W).

        Returns:
            Four maps (B, E, ., .) at strides 4, 8, 16 and 32, fine to coarse.
        """
        maps = self.vit.patch_embed.proj(pixels)
        size = maps.shape[2:]
        tokens = maps.flatten(2).transpose(1, 2)
        first = self.vit.cls_token.expand(len(tokens), -1, -1)
        tokens = torch.cat((first, tokens), dim=1) + self._positions(size)
        levels = []
        for index, block in enumerate(self.vit.blocks):
            tokens = block(tokens)
            if self.reins is not None:
                refined = self.reins(tokens[:, 1:], index)
                tokens = torch.cat((tokens[:, :1], refined), dim=1)
            # The published code takes the raw tokens, without the transformer's last norm.
            levels += [tokens[:, 1:]] * self.pyramid_blocks.count(index)
        return tuple(
            _resized(to_map(level, size), scale)
            for level, scale in zip(levels, LEVEL_SCALES, strict=True)
        )

    def _positions(self, size: torch.Size) -> Tensor:
        """(1, 1 + h * w, E), resized where the picture is not the trained square."""
        table = self.vit.pos_embed
        if tuple(size) == (self.grid, self.grid):
            return table
        grid = table[:, 1:].transpose(1, 2).unflatten(2, (self.grid, self.grid))
        # NOTE(upstream): DINOv2 adds 0.1 before it divides, and the sampling follows that factor.
        factors = [(side + 0.1) / self.grid for side in size]
        resized = F.interpolate(grid, scale_factor=factors, mode="bicubic", align_corners=False)
        return torch.cat((table[:, :1], resized.flatten(2).transpose(1, 2)), dim=1)


def _resized(level: Tensor, scale: float) -> Tensor:
    if scale == 1:
        return level
    return F.interpolate(level, scale_factor=scale, mode="bilinear", align_corners=False)
