"""The context decoder: class embeddings look at the image before they become text queries.

Not in the paper's figure, but in every published checkpoint; after DenseCLIP, arXiv 2112.01518.

Axes: B images; Q queries; S memory tokens; D joint width; C decoder width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tqdm_demo.model.image_encoder import ImageFeatures
from tqdm_demo.model.layers import Attention, to_tokens

DROPOUT = 0.1


class ContextDecoder(nn.Module):
    """``text + gamma * decoder(text, image)``.

    Args:
        text_width: D.
        width: C, inside.
        heads, layers: of its attention.
    """

    def __init__(self, text_width: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.memory_projection = nn.Sequential(
            nn.LayerNorm(text_width), nn.Linear(text_width, width), nn.LayerNorm(width)
        )
        self.text_projection = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.layers = nn.ModuleList(ContextLayer(width, heads) for _ in range(layers))
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, text_width))
        self.apply(_initialise)
        # NOTE(upstream): meant to be 1e-4 but drawn with deviation 1; kept, the checkpoints are so.
        self.gamma = nn.Parameter(nn.init.trunc_normal_(torch.empty(text_width)))

    def forward(self, text: Tensor, image: ImageFeatures, attention_mask: Tensor | None) -> Tensor:
        """Makes class embeddings depend on the image.

        Args:
            text: (B, Q, D).
            image: whose global and dense embeddings are attended to, neither normalised.
            attention_mask: bool (Q, Q), which query may attend to which; None = all.

        Returns:
            (B, Q, D), not normalised.
        """
        memory = torch.cat((image.global_embedding[:, None], to_tokens(image.dense)), dim=1)
        memory = self.memory_projection(memory)
        queries = self.text_projection(text)
        for layer in self.layers:
            queries = layer(queries, memory, attention_mask)
        return text + self.gamma * self.output(queries)


class ContextLayer(nn.Module):
    """Pre-norm: self-attention of the texts, cross-attention to the image, feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attention = Attention(width, heads, bias=False)
        self.cross_attention = Attention(width, heads, bias=False)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, queries: Tensor, memory: Tensor, attention_mask: Tensor | None) -> Tensor:
        """(B, Q, C) texts and (B, S, C) image tokens to (B, Q, C)."""
        normed = self.norm1(queries)
        queries = queries + self.dropout(
            self.self_attention(normed, normed, normed, attention_mask)
        )
        attended = self.cross_attention(self.norm2(queries), memory, memory)
        queries = queries + self.dropout(attended)
        return queries + self.dropout(self.feed_forward(self.norm3(queries)))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
