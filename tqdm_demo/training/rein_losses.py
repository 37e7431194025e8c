"""Mask2Former's objective, with which Rein is trained: masks by the cheapest matching.

Paper: Mask2Former, arXiv 2112.01527, Sec. 3; Rein, arXiv 2312.04265.

Axes: B images; Q queries; M trained classes; L predictions; S masks, one for every image and class
that is in it; P points; H W label size; h w mask logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.training.hungarian import assign
from tqdm_demo.training.losses import (
    CLASS_WEIGHT,
    DICE_WEIGHT,
    MASK_WEIGHT,
    Targets,
    class_loss,
    sampled_losses,
)
from tqdm_demo.training.points import PointSource


def matched_losses(
    predictions: Sequence[MaskPrediction], targets: Targets, points: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Class, mask and dice losses of every prediction, weighted: three tensors (L,).

    NOTE(upstream): ignored pixels are outside of every mask, they are not left out. Kept.

    Args:
        predictions: L of them.
        targets: for them.
        points: P, of the matching and of the losses.
    """
    labels = targets.labels
    order = torch.arange(predictions[0].class_logits.shape[2] - 1, device=labels.device)
    present = torch.stack([torch.isin(order, image) for image in labels])
    image, wanted_class = present.nonzero(as_tuple=True)
    wanted = labels[image] == wanted_class[:, None, None]
    counts = present.sum(1).tolist()
    places = _matching_places(len(predictions), points, targets)
    classes, logits = [], []
    for prediction, drawn in zip(predictions, places, strict=True):
        query = match(prediction, wanted, wanted_class, counts, drawn)
        target = torch.full_like(prediction.class_logits[..., 0], len(order), dtype=torch.long)
        target[image, query] = wanted_class
        classes.append(class_loss(prediction.class_logits, target, targets.masks))
        logits.append(prediction.mask_logits[image, query])
    source = PointSource(counts, labels.device, targets.seeds)
    mask, dice = sampled_losses(torch.stack(logits), wanted, targets.masks, points, source)
    return torch.stack(classes), mask, dice


@torch.no_grad()
def match(
    prediction: MaskPrediction,
    wanted: Tensor,
    wanted_class: Tensor,
    counts: Sequence[int],
    places: Tensor,
) -> Tensor:
    """The query of every mask: int64 (S,).

    Args:
        prediction: of B images.
        wanted: bool (S, H, W), the masks of all images one after the other.
        wanted_class: int64 (S,).
        counts: how many masks each image has; S is their sum.
        places: (B, P, 2), (x, y) in [0, 1]; where the masks of an image are compared.
    """
    found, first = [], 0
    for index, count in enumerate(counts):
        own = slice(first, first + count)
        first += count
        if not count:
            continue
        logits = _at(prediction.mask_logits[index], places[index])
        target = _at(wanted[own].to(logits.dtype), places[index])
        chances = prediction.class_logits[index].softmax(dim=-1)[:, wanted_class[own]]
        cost = _costs(logits, target, chances).T.double().cpu().numpy()
        found.append(torch.from_numpy(assign(cost)))
    if not found:
        return wanted_class
    return torch.cat(found).to(wanted_class.device)


def _costs(logits: Tensor, target: Tensor, chances: Tensor) -> Tensor:
    """(Q, K) what it costs to give a query (Q, P) the mask (K, P); chances (Q, K) of its class."""
    points = logits.shape[1]
    # Cross-entropy with logits is softplus(-x) where the mask is, softplus(x) elsewhere.
    entropy = (F.softplus(-logits) @ target.T + F.softplus(logits) @ (1 - target).T) / points
    masks = logits.sigmoid()
    overlap = 2 * masks @ target.T + 1
    dice = 1 - overlap / (masks.sum(1)[:, None] + target.sum(1) + 1)
    return MASK_WEIGHT * entropy + DICE_WEIGHT * dice - CLASS_WEIGHT * chances


def _at(maps: Tensor, places: Tensor) -> Tensor:
    """Values of maps (K, h, w) at places (P, 2) that they share: (K, P)."""
    return F.grid_sample(maps[None], 2 * places[None, None] - 1, align_corners=False)[0, :, 0]


def _matching_places(predictions: int, points: int, targets: Targets) -> Tensor:
    """(L, B, P, 2) uniform in [0, 1): one set for every image and prediction."""
    batch = len(targets.labels)
    # Other points than those of the losses.
    seeds = None if targets.seeds is None else [seed ^ 1 for seed in targets.seeds]
    source = PointSource([1] * batch, targets.labels.device, seeds)
    return source.draw(predictions, points)
