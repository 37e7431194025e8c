"""A CLIP's frozen image tower with reins after every block: the backbone of a small Rein.

Published Rein stands on DINOv2, see :mod:`tqdm_demo.model.dinov2`. Here it stands on the tower and
the pyramid that tqdm has, so that the two differ in their queries and adapters alone.

Axes: B images; H W input pixels; T tokens; E tower width.
"""

from __future__ import annotations

from functools import partial

import open_clip
import torch
from torch import Tensor, nn

from tqdm_demo.model.image_encoder import ImageEncoder
from tqdm_demo.model.reins import Reins
from tqdm_demo.rival_config import ReinConfig


class ReinTower(nn.Module):
    """Pixels to the pyramid of four maps.

    Args:
        config: architecture, with ``clip``.
    """

    def __init__(self, config: ReinConfig) -> None:
        super().__init__()
        tower = open_clip.CustomTextCLIP(**config.clip).visual
        self.encoder = ImageEncoder(tower, config.pyramid_blocks)
        self.width = self.encoder.width
        blocks = self.blocks()
        self._prefix = 1 if self.encoder.is_native else tower.trunk.num_prefix_tokens
        self.reins = None
        if config.reins_rank:
            self.reins = Reins(
                blocks=len(blocks),
                tokens=config.object_queries,
                rank=config.reins_rank,
                width=self.width,
                query_width=config.width,
            )
            for index, block in enumerate(blocks):
                # A hook and not a module around the block: the tower keeps its tensors' names.
                block.register_forward_hook(partial(self._refine, index))

    def blocks(self) -> list[nn.Module]:
        """The tower's transformer blocks."""
        return list(self.encoder.tower_blocks)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Normalised pixels (B, 3, H, W) to four maps (B, E, ., .), fine to coarse."""
        return self.encoder(pixels).pyramid

    def _refine(self, index: int, block: nn.Module, inputs: object, tokens: Tensor) -> Tensor:
        """What leaves a block (B, T, E), its patch tokens refined."""
        first, patches = tokens[:, : self._prefix], tokens[:, self._prefix :]
        return torch.cat((first, self.reins(patches, index)), dim=1)
