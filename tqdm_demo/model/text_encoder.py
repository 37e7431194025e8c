"""open_clip's frozen text tower with a learnable prompt before every class name.

Paper: Sec. 3.1 (learnable prompt), after CoOp, arXiv 2109.01134.

Axes: K names; T tokens; D joint width of text and image. W is the tower's own width.
"""

from __future__ import annotations

import torch
from open_clip.transformer import TextTransformer
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """Tokens to class embeddings. The tower never learns; the prompt does.

    Args:
        tower: open_clip's text tower: causal, pooled at the end token (the highest token id).
        prompt_length: learnable vectors between the start token and the name; 0 = none.
    """

    def __init__(self, tower: TextTransformer, prompt_length: int) -> None:
        super().__init__()
        assert tower.pool_type == "argmax" and tower.attn_mask is not None, "a causal CLIP tower"
        self.tower = tower.requires_grad_(False)
        # Without tokens it is in no loss, and DDP waits for every parameter that learns.
        learns = prompt_length > 0
        self.prompt = nn.Parameter(torch.empty(prompt_length, tower.width), requires_grad=learns)
        nn.init.trunc_normal_(self.prompt)

    @property
    def longest_name(self) -> int:
        """Tokens that a name may have, start and end token not counted."""
        return self.tower.num_pos - len(self.prompt) - 2

    def lengthen(self, positions: Tensor) -> bool:
        """Takes a longer position table, so that longer names fit.

        Args:
            positions: (P, W), of the CLIP that the tower comes from.

        Returns:
            Whether it was taken: it is longer, and begins with the rows that are here already.
        """
        tower, own = self.tower, self.tower.positional_embedding
        begins = positions[: len(own)].to(own)
        # Rows that went through float16 differ by its rounding.
        if len(positions) <= len(own) or not torch.allclose(begins, own, rtol=2e-3, atol=1e-5):
            return False
        longer = torch.cat((own.detach(), positions[len(own) :].to(own)))
        tower.positional_embedding = nn.Parameter(longer, requires_grad=False)
        tower.num_pos = tower.context_length = len(longer)
        tower.attn_mask = tower.build_causal_mask().to(own.device)
        return True

    def train(self, mode: bool = True) -> TextEncoder:
        """Sets the mode of the prompt; the frozen tower stays in evaluation mode."""
        super().train(mode)
        self.tower.eval()
        return self

    def forward(self, tokens: Tensor, with_prompt: bool = True) -> Tensor:
        """Encodes names.

        Args:
            tokens: int64 (K, T) from open_clip's tokenizer: start, name, end, zeros.
            with_prompt: False leaves the learnable prompt out (the tower's own embedding).

        Returns:
            (K, D), not normalised.

        Raises:
            ValueError: a name with more tokens than the position table has rows for.
        """
        return self.encode(self.trim(tokens, with_prompt), with_prompt)

    def trim(self, tokens: Tensor, with_prompt: bool = True) -> Tensor:
        """Leaves out the zeros (K, t) behind the longest name; waits for a GPU's tokens.

        The attention is causal: what comes after the end token changes nothing but the time.

        Raises:
            ValueError: as :meth:`forward`.
        """
        ends = tokens.argmax(dim=1)
        prompt = len(self.prompt) if with_prompt else 0
        longest, room = int(ends.max()) - 1, self.tower.num_pos - prompt - 2
        if longest > room:
            raise ValueError(
                f"name {int(ends.argmax()) + 1} of {len(tokens)} has {longest} tokens; "
                f"at most {room} fit"
            )
        return tokens[:, : longest + 2]

    def encode(self, tokens: Tensor, with_prompt: bool = True) -> Tensor:
        """Encodes tokens (K, t) of :meth:`trim` to (K, D)."""
        prompt = self.prompt if with_prompt else self.prompt[:0]
        words = self.tower.token_embedding(tokens)
        prompts = prompt.expand(len(tokens), -1, -1)
        vectors = torch.cat((words[:, :1], prompts, words[:, 1:]), dim=1)
        length = vectors.shape[1]
        vectors = vectors + self.tower.positional_embedding[:length]
        mask = self.tower.attn_mask[:length, :length]
        vectors = self.tower.ln_final(self.tower.transformer(vectors, attn_mask=mask))
        order = torch.arange(len(tokens), device=tokens.device)
        pooled = vectors[order, tokens.argmax(dim=1) + len(prompt)]
        return pooled @ self.tower.text_projection
