"""Dense image-text similarity of a frozen CLIP: every patch token against every class name.

``plain`` similarity: the last block's tokens through the tower's own norm and projection, cosine
with the text embedding. It suits towers that were trained with average pooling; in a tower that
learned through its class token alone the patch tokens say little (arXiv 2112.01071).

Axes: B = 1; H W input pixels; h w patch tokens; K names; D joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.model.image_encoder import ImageEncoder
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

# Neutral sentences; a name's embedding is the mean over them (CLIP, arXiv 2103.00020, Sec. 3.1.4).
TEMPLATES = ("{}", "a {}", "a photo of a {}", "a picture of a {}", "there is a {}")


@dataclass(frozen=True)
class Answer:
    """What a model says about one picture and K names.

    Attributes:
        scores: (K, h, w), not below 0; the largest wins.
        similarity: (K, h, w) cosine in [-1, 1].
        leanings: per name the trained class that it borrows from, or None.
    """

    scores: Tensor
    similarity: Tensor
    leanings: tuple[str | None, ...]


class ZeroShotModel:
    """A CLIP that segments by similarity alone: nothing was trained to segment.

    Args:
        clip: open_clip's model.
        config: ``config.json`` of its folder: ``image_mean``, ``image_std``, ``input_size``
            (height, width) and, where they are recorded, ``words``.
    """

    kind = "zero-shot"
    default_names = CITYSCAPES_NAMES

    def __init__(self, clip: open_clip.CLIP, config: dict[str, Any]) -> None:
        self.clip = clip.eval()
        self.known_words = frozenset(config.get("words", ()))
        self.mean, self.std = config["image_mean"], config["image_std"]
        self.input_area = config["input_size"][0] * config["input_size"][1]
        self._last_block = ImageEncoder(clip.visual, blocks=(0, 0, 0, 0)).eval()
        self.tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)

    @property
    def multiple(self) -> int:
        """Input sides are multiples of this: the patch size."""
        visual = self.clip.visual
        patch = visual.patch_size if hasattr(visual, "patch_size") else visual.trunk.patch_embed
        return getattr(patch, "patch_size", patch)[0]

    @property
    def longest_name(self) -> int:
        """Tokens that a name may have, so that it fits into every template."""
        frame = max(len(self.tokenizer.encode(text.format(""))) for text in TEMPLATES)
        return self.clip.context_length - 2 - frame

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Normalised pixels (1, 3, H, W) to unit token embeddings (1, D, h, w)."""
        return plain_embeddings(self._last_block, pixels.to(self.clip.logit_scale.device))

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """Unit embeddings (K, D), each the mean over :data:`TEMPLATES`."""
        texts = [template.format(name) for name in names for template in TEMPLATES]
        tokens = self.tokenizer(texts).to(self.clip.logit_scale.device)
        embeddings = self.clip.encode_text(tokens, normalize=True)
        grouped = embeddings.unflatten(0, (len(names), len(TEMPLATES)))
        return F.normalize(grouped.mean(dim=1), dim=-1)

    def answer(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> Answer:
        """Compares all tokens (1, D, h, w) with all names (K, D)."""
        similarity = torch.einsum("bdhw,kd->kbhw", features, embeddings)[:, 0]
        # A cosine is no probability. Bringing it to [0, 1] changes no winner, resized or not.
        return Answer((1 + similarity) / 2, similarity, (None,) * len(names))


def plain_embeddings(encoder: ImageEncoder, pixels: Tensor) -> Tensor:
    """Unit embeddings (B, D, h, w) of the patch tokens, as the tower's own head projects them."""
    return F.normalize(encoder.run_tower(pixels).dense, dim=1)


def check_tokens(tokenizer: open_clip.SimpleTokenizer, names: Sequence[str], limit: int) -> None:
    """Looks for names that the text tower would cut off.

    Args:
        tokenizer: splits names into pieces of words.
        names: one text each.
        limit: pieces that fit.

    Raises:
        ValueError: the first name that has more.
    """
    for name in names:
        count = len(tokenizer.encode(name))
        if count > limit:
            raise ValueError(
                f"“{name}” is too long for this model: {count} pieces of words, {limit} at most."
            )
        if not count:
            raise ValueError(f"“{name}” has nothing in it that this model can read.")
