"""Mask2Former's head as Rein and SoMA use it, on the pixel decoder and mask layers of tqdm.

Paper: Mask2Former, arXiv 2112.01527, Sec. 3.

Axes: B images; H W input pixels; h w one feature level; Q queries; M classes; E encoder width;
C decoder width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.config import ModelConfig
from tqdm_demo.model.dinov2 import DinoBackbone
from tqdm_demo.model.mask_decoder import MaskPrediction, MaskTransformer
from tqdm_demo.model.pixel_decoder import PixelDecoder, PixelFeatures
from tqdm_demo.model.rein_tower import ReinTower
from tqdm_demo.rival_config import ReinConfig


class ReinSegmenter(nn.Module):
    """Rein or SoMA: a backbone, a pixel decoder without text, and class-free queries.

    Args:
        config: architecture; with ``reins_rank`` the queries come from the reins.
    """

    def __init__(self, config: ReinConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = ReinTower(config) if config.clip else DinoBackbone(config)
        self.pixel_decoder = PixelDecoder(
            _decoder_config(config, config.pixel_feed_forward),
            self.backbone.width,
            text_width=0,
            post_norm=False,
        )
        self.mask_decoder = MaskTransformer(
            _decoder_config(config, config.mask_feed_forward), classes=len(config.class_names)
        )
        self.query_features, self.query_positions, self.query_projection = None, None, None
        if self.backbone.reins is not None:
            self.query_projection = nn.Linear(config.width, config.width)
        else:
            self.query_features = nn.Parameter(torch.randn(config.object_queries, config.width))
            self.query_positions = nn.Parameter(torch.randn(config.object_queries, config.width))

    def queries(self) -> tuple[Tensor, Tensor]:
        """Contents and positions of the object queries, both (Q, C)."""
        if self.query_projection is None:
            return self.query_features, self.query_positions
        positions = self.backbone.reins.queries()
        return self.query_projection(positions), positions

    def decode(self, pyramid: Sequence[Tensor]) -> tuple[PixelFeatures, tuple[MaskPrediction, ...]]:
        """Pixel features, and one prediction before the first mask layer and one after each."""
        features = self.pixel_decoder(pyramid, None)
        contents, positions = self.queries()
        batch = len(features.mask_features)
        contents = contents.expand(batch, -1, -1)
        return features, self.mask_decoder(features, contents, positions, None)

    def forward(self, pixels: Tensor) -> Tensor:
        """Semantic scores (B, M, H, W), not below 0, of normalised pixels (B, 3, H, W)."""
        _, predictions = self.decode(self.backbone(pixels))
        return semantic_scores(predictions[-1], pixels.shape[2:])


def semantic_scores(prediction: MaskPrediction, size: Sequence[int]) -> Tensor:
    """Scores (B, M, H, W) at ``size``: masks weighted by the classes of their queries.

    The mask logits are resized before the sigmoid, unlike tqdm's, whose products are resized.
    """
    masks = F.interpolate(
        prediction.mask_logits, tuple(size), mode="bilinear", align_corners=False
    ).sigmoid()
    classes = prediction.class_logits.softmax(dim=-1)[..., :-1]
    return torch.einsum("bqm,bqhw->bmhw", classes, masks)


def _decoder_config(config: ReinConfig, feed_forward: int) -> ModelConfig:
    """What the layers that tqdm has too read of a configuration."""
    return ModelConfig(
        class_names=config.class_names,
        queries="learned",
        text_to_pixel=False,
        context_decoder=False,
        prompt_length=0,
        width=config.width,
        heads=config.heads,
        points=config.points,
        feed_forward=feed_forward,
        pixel_layers=config.pixel_layers,
        mask_layers=config.mask_layers,
    )
