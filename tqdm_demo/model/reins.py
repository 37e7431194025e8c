"""Reins: low-rank tokens that refine a frozen transformer's features block by block.

Paper: Rein, arXiv 2312.04265, Sec. 3.2 (tokens, Eq. 4 to 7) and Sec. 3.3 (the link to the object
queries).

Axes: B images; N patch tokens; L blocks; Q learnable tokens, as many as object queries; R rank;
E encoder width; C decoder width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Reins(nn.Module):
    """One set of tokens a block; projections and scale are shared by all blocks.

    Args:
        blocks: L.
        tokens: Q.
        rank: R; the tokens of a block are a product (Q, R) x (R, E).
        width: E.
        query_width: C.
    """

    def __init__(self, blocks: int, tokens: int, rank: int, width: int, query_width: int) -> None:
        super().__init__()
        self.tokens_a = nn.Parameter(torch.empty(blocks, tokens, rank))
        self.tokens_b = nn.Parameter(torch.empty(blocks, rank, width))
        self.scale = nn.Parameter(torch.tensor(0.001))
        self.token_to_feature = nn.Linear(width, width)
        self.delta = nn.Linear(width, width)
        self.transform = nn.Linear(width, query_width)
        self.merge = nn.Linear(3 * query_width, query_width)
        # As published: the bound is made for patches of 16 x 16 pixels and three colours.
        bound = math.sqrt(6 / (3 * 16**2 + math.sqrt(width * rank)))
        for factor in (self.tokens_a, self.tokens_b):
            nn.init.uniform_(factor, -bound, bound)

    def tokens(self) -> Tensor:
        """The tokens of all blocks (L, Q, E)."""
        return self.tokens_a @ self.tokens_b

    def forward(self, features: Tensor, block: int) -> Tensor:
        """Refines the patch tokens (B, N, E) that leave block number ``block``."""
        tokens = self.tokens_a[block] @ self.tokens_b[block]
        attention = (features @ tokens.T * features.shape[2] ** -0.5).softmax(dim=-1)
        # The first token takes attention away and gives nothing, so that others can be small.
        delta = attention[..., 1:] @ self.token_to_feature(tokens[1:])
        return features + self.scale * self.delta(delta + features)

    def queries(self) -> Tensor:
        """Object queries (Q, C) made of the tokens of all blocks; the same for every image."""
        found = self.transform(self.tokens())
        summary = (found.amax(dim=0), found.mean(dim=0), found[-1])
        # Maximum, mean and last block lie side by side for every channel.
        return self.merge(torch.stack(summary, dim=-1).flatten(1))
