"""Token-text contrast: every labelled patch token against captions of every concept.

With captions made from the label maps this is dense supervision of the patch tokens through text:
a classifier whose weights are the text tower's embeddings of other words at every step.

Axes: B images; H W pixels; h w tokens; M concepts; D joint width; R captions of one concept.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.pretraining.concepts import CONCEPTS, undecided
from tqdm_demo.pretraining.region_text import class_shares
from tqdm_demo.streets.captions import describe

PURE = 0.6  # share of a token's pixels that must show its concept
RARE = 0.01  # a concept weighs 1 / (its share of the batch's tokens + this)
_FAR = -1e4


def concept_captions(repeats: int, rng: np.random.Generator) -> list[str]:
    """``repeats`` captions of every concept: M times R texts, those of one concept together."""
    return [
        describe((k,), rng, table=CONCEPTS).text
        for k in range(len(CONCEPTS))
        for _ in range(repeats)
    ]


def token_loss(
    dense: torch.Tensor,
    labels: torch.Tensor,
    labelled: list[tuple[int, ...]],
    captions: torch.Tensor,
    logit_scale: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy of the tokens over all captions, with every caption of its concept right.

    Args:
        dense: (B, D, h, w), not normalised.
        labels: uint8 (B, H, W) concepts, 255 = not labelled.
        labelled: per image the concepts that its labels tell apart.
        captions: (M * R, D) embeddings of :func:`concept_captions`, not normalised.
        logit_scale: factor on the cosines.

    Returns:
        A scalar: the mean over tokens, weighted by the rarity of their concepts; 0 without any.
    """
    shares = class_shares(labels.to(dense.device), labels.shape[1] // dense.shape[2])
    largest, concepts = shares.max(1)
    image, row, column = (largest >= PURE).nonzero(as_tuple=True)
    if not len(image):
        return dense.sum() * 0
    concepts = concepts[image, row, column]
    tokens = F.normalize(dense[image, :, row, column], dim=-1)
    logits = logit_scale * tokens @ F.normalize(captions, dim=-1).T
    logits = logits.unflatten(1, (len(CONCEPTS), -1))
    unknown = torch.from_numpy(_unknown(labelled)).to(dense.device)[image, concepts]
    scores = logits.masked_fill(unknown[..., None], _FAR).flatten(1).log_softmax(-1)
    scores = scores.unflatten(1, (len(CONCEPTS), -1)).mean(-1)
    losses = -scores.gather(1, concepts[:, None])[:, 0]
    share = torch.bincount(concepts, minlength=len(CONCEPTS)) / len(concepts)
    weights = (1 / (share + RARE))[concepts]
    return (weights * losses).sum() / weights.sum()


def _unknown(labelled: list[tuple[int, ...]]) -> np.ndarray:
    """bool (B, M, M): concepts (last axis) that a label of the image (middle axis) may hide."""
    tables = {
        told: np.array([[mask >> j & 1 for j in range(len(CONCEPTS))] for mask in undecided(told)])
        for told in set(labelled)
    }
    return np.stack([tables[told] for told in labelled]).astype(bool)
