"""The mask decoder: one query per name, masked attention, one prediction per layer.

Paper: Sec. 3.3 (textual object queries, fixed matching); Mask2Former, arXiv 2112.01527.

Axes: B images; Q queries; M trained classes; D joint width; C decoder width; h w one feature level.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.config import ModelConfig
from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.layers import Attention, FeedForward, sine_positions, to_tokens
from tqdm_demo.model.pixel_decoder import LEVELS, PixelFeatures


@dataclass(frozen=True)
class MaskPrediction:
    """What the queries say before the first or after one of the layers.

    Attributes:
        class_logits: (B, Q, M + 1); the last is "no object".
        mask_logits: (B, Q, h, w) at the pyramid's finest level.
        mask_embeddings: (B, Q, C); their product with the mask features is ``mask_logits``.
    """

    class_logits: Tensor
    mask_logits: Tensor
    mask_embeddings: Tensor


class MaskTransformer(nn.Module):
    """The layers that turn queries and pixels into masks, whatever the queries are made of.

    Args:
        config: architecture.
        classes: M.
    """

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        width = config.width
        # Coarse to fine: layer i looks at level i mod 3.
        self.level_embeddings = nn.Parameter(torch.randn(LEVELS, width))
        self.layers = nn.ModuleList(MaskLayer(config) for _ in range(config.mask_layers))
        self.post_norm = nn.LayerNorm(width)
        self.class_head = nn.Linear(width, classes + 1)
        self.mask_head = nn.Sequential(
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
        )

    def forward(
        self,
        features: PixelFeatures,
        queries: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None,
    ) -> tuple[MaskPrediction, ...]:
        """Decodes.

        Args:
            features: of the pixel decoder.
            queries: (B, Q, C).
            positions: (Q, C), added to queries and keys, never to values.
            attention_mask: bool (Q, Q), which queries see each other; None = all.

        Returns:
            One prediction before the first layer and one after each.
        """
        levels = list(zip(reversed(features.memories), self.level_embeddings, strict=True))
        values = [to_tokens(level) + embedding for level, embedding in levels]
        keys = [
            tokens + sine_positions(level.shape[2:], tokens.shape[2], tokens)
            for tokens, (level, _) in zip(values, levels, strict=True)
        ]
        predictions = [self.predict(queries, features.mask_features)]
        for index, layer in enumerate(self.layers):
            level = index % LEVELS
            size = levels[level][0].shape[2:]
            inside = masked_attention(predictions[-1].mask_logits, size)
            queries = layer(queries, positions, keys[level], values[level], inside, attention_mask)
            predictions.append(self.predict(queries, features.mask_features))
        return tuple(predictions)

    def predict(self, queries: Tensor, mask_features: Tensor) -> MaskPrediction:
        """Queries (B, Q, C) and mask features (B, C, h, w) to a prediction."""
        queries = self.post_norm(queries)
        embeddings = self.mask_head(queries)
        logits = torch.einsum("bqc,bchw->bqhw", embeddings, mask_features)
        return MaskPrediction(self.class_head(queries), logits, embeddings)


class MaskDecoder(MaskTransformer):
    """tqdm's: one query per name, made from the texts or learned.

    Args:
        config: architecture.
        text_width: D.
    """

    def __init__(self, config: ModelConfig, text_width: int) -> None:
        width, classes = config.width, len(config.class_names)
        super().__init__(config, classes)
        self.query_projection, self.learned_queries = None, None
        if config.queries == "textual":
            self.query_projection = nn.Sequential(
                nn.Linear(text_width, width), nn.ReLU(inplace=True), nn.Linear(width, width)
            )
        else:
            self.learned_queries = nn.Parameter(torch.randn(classes, width))
        self.query_positions = nn.Parameter(torch.randn(classes, width))

    def forward(
        self, features: PixelFeatures, text_queries: Tensor | None, assignment: QueryAssignment
    ) -> tuple[MaskPrediction, ...]:
        """Decodes.

        Args:
            features: of the pixel decoder.
            text_queries: (B, Q, D); learned queries need none.
            assignment: the class slot of every query.

        Returns:
            One prediction before the first layer and one after each.
        """
        queries = self._first_queries(features, text_queries, assignment)
        positions = self.query_positions[assignment.slots]
        return super().forward(features, queries, positions, assignment.attention_mask)

    def _first_queries(
        self, features: PixelFeatures, text_queries: Tensor | None, assignment: QueryAssignment
    ) -> Tensor:
        """(B, Q, C): made from the texts, or the learned ones of the slots."""
        if self.query_projection is not None:
            return self.query_projection(text_queries)
        batch = len(features.mask_features)
        return self.learned_queries[assignment.slots].expand(batch, -1, -1)


class MaskLayer(nn.Module):
    """Post-norm: masked cross-attention to one level, self-attention, feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.cross_attention = Attention(config.width, config.heads)
        self.self_attention = Attention(config.width, config.heads)
        self.feed_forward = FeedForward(config.width, config.feed_forward)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(config.width) for _ in range(3))

    def forward(
        self,
        queries: Tensor,
        positions: Tensor,
        keys: Tensor,
        values: Tensor,
        cross_attention_mask: Tensor,
        self_attention_mask: Tensor | None,
    ) -> Tensor:
        """One layer.

        Args:
            queries: (B, Q, C); ``positions`` (Q, C).
            keys: (B, h * w, C), positions added; ``values`` likewise, without.
            cross_attention_mask: bool (B, 1, Q, h * w).
            self_attention_mask: bool (Q, Q); None = all.
        """
        attended = self.cross_attention(queries + positions, keys, values, cross_attention_mask)
        queries = self.norm1(queries + attended)
        placed = queries + positions
        attended = self.self_attention(placed, placed, queries, self_attention_mask)
        queries = self.norm2(queries + attended)
        return self.norm3(queries + self.feed_forward(queries))


def masked_attention(mask_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Where the next layer's queries may look: inside their masks, or anywhere if that is nowhere.

    Args:
        mask_logits: (B, Q, h, w).
        size: (rows, columns) of the level that is looked at.

    Returns:
        bool (B, 1, Q, rows * columns), True = may attend; detached.
    """
    resized = F.interpolate(mask_logits.detach(), size, mode="bilinear", align_corners=False)
    inside = (resized.sigmoid() >= 0.5).flatten(2)
    return (inside | ~inside.any(dim=-1, keepdim=True))[:, None]
