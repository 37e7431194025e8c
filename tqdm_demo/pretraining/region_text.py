"""Region-caption contrast: boxes of patch tokens against captions made from label maps.

A region is a box of 1 x 1 to 8 x 8 tokens (or the whole picture). Its embedding is the mean of its
projected tokens, which is what average pooling of a crop would give; its captions name what the
label map shows there. Many captions fit a region, so the contrastive loss has several positives.

Source: CLIP's symmetric loss (arXiv 2103.00020), with the multi-positive soft targets of
supervised contrastive learning (arXiv 2004.11362).

Axes: B images; h w tokens; M classes; D joint width; N regions; U captions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.pretraining.concepts import CONCEPTS, undecided
from tqdm_demo.streets.captions import Caption, colour_word, describe

SIDES = (1, 2, 4, 8)
SIDE_SHARES = (0.5, 0.25, 0.15, 0.1)
PURE = 0.6  # a class that fills this share of a region is its only word
PRESENT = 0.2  # below PURE: classes with this share are named together
WHOLE_PICTURE_PRESENT = 0.04
_FAR = -1e4  # a logit that has no part in a softmax


@dataclass(frozen=True)
class Regions:
    """Boxes of tokens and what they show.

    Attributes:
        boxes: int64 (N, 5): image, top, left, bottom, right (exclusive), in tokens.
        classes: per region the concepts it shows, the largest first.
        colours: float32 (N, 3): mean RGB, 0..255.
    """

    boxes: np.ndarray
    classes: list[tuple[int, ...]]
    colours: np.ndarray


def class_shares(labels: torch.Tensor, patch: int, classes: int = len(CONCEPTS)) -> torch.Tensor:
    """Share of every class in every token's pixels: uint8 (B, H, W) -> float32 (B, M, h, w)."""
    batch, rows, columns = labels.shape[0], labels.shape[1] // patch, labels.shape[2] // patch
    known = labels[:, : rows * patch, : columns * patch].long().clamp(max=classes)
    tokens = torch.arange(batch * rows * columns, device=labels.device)
    tokens = tokens.view(batch, rows, 1, columns, 1) * (classes + 1)
    places = known.view(batch, rows, patch, columns, patch) + tokens
    counts = torch.bincount(places.flatten(), minlength=batch * rows * columns * (classes + 1))
    shares = counts.view(batch, rows, columns, -1)[..., :classes].float() / patch**2
    return shares.permute(0, 3, 1, 2)


def sample_regions(
    labels: torch.Tensor, images: torch.Tensor, patch: int, count: int, rng: np.random.Generator
) -> Regions:
    """``count`` boxes an image, half of them on a uniformly drawn class; and each whole image.

    Args:
        labels: uint8 (B, H, W) concepts, 255 = not labelled.
        images: uint8 (B, H, W, 3) RGB.
        patch: pixels per token.
        count: boxes per image; those that show no label are dropped.
        rng: source of chance.
    """
    shares = class_shares(labels, patch)
    batch, _, rows, columns = shares.shape
    colours = F.avg_pool2d(images.permute(0, 3, 1, 2).float(), patch)
    stacked = torch.cat([shares, colours], 1)
    sums = F.pad(stacked.cumsum(2).cumsum(3), (1, 0, 1, 0)).permute(0, 2, 3, 1).numpy()
    boxes = np.concatenate(
        [_boxes(shares[i].numpy(), i, count, rng) for i in range(batch)]
        + [np.array([[i, 0, 0, rows, columns] for i in range(batch)])]
    )
    i, top, left, bottom, right = boxes.T
    total = (
        sums[i, bottom, right] - sums[i, top, right] - sums[i, bottom, left] + sums[i, top, left]
    )
    means = total / ((bottom - top) * (right - left))[:, None]
    whole = np.arange(len(boxes)) >= len(boxes) - batch
    classes = [_named(m[:-3], w) for m, w in zip(means, whole, strict=True)]
    kept = [n for n, named in enumerate(classes) if named]
    return Regions(boxes[kept], [classes[n] for n in kept], means[kept, -3:])


def caption_regions(
    regions: Regions,
    domains: list[tuple[str, str]],
    labelled: list[tuple[int, ...]],
    rng: np.random.Generator,
) -> tuple[list[Caption], torch.Tensor, torch.Tensor]:
    """One caption a region (equal ones once), and which captions fit which region.

    Args:
        regions: N regions.
        domains: per image its domain's name and phrase.
        labelled: per image the concepts that its labels tell apart.
        rng: chooses the words.

    Returns:
        U captions; bool (N, U): True where the caption's classes are the region's and the domain
        and colour that it tells, if any, are the region's too; and bool (N, U): True where the
        labels cannot say whether the caption fits.
    """
    words = [colour_word(rgb) for rgb in regions.colours]
    captions = []
    for box, classes, word in zip(regions.boxes, regions.classes, words, strict=True):
        domain, phrase = domains[box[0]]
        tell = rng.random()
        captions.append(
            describe(
                classes,
                rng,
                domain=domain if tell < 0.2 else None,
                phrase=phrase if tell < 0.2 else None,
                colour=word if tell > 0.9 and len(classes) == 1 else None,
                table=CONCEPTS,
            )
        )
    unique = list({caption.text: caption for caption in captions}.values())
    shown = np.array([sum(1 << k for k in classes) for classes in regions.classes])
    fits = shown[:, None] == np.array([c.classes for c in unique])
    region_domains = np.array([domains[i][0] for i in regions.boxes[:, 0]])
    for region_value, values in (
        (region_domains, [c.domain for c in unique]),
        (np.array(words), [c.colour for c in unique]),
    ):
        told = np.array([value is not None for value in values])
        fits &= ~told | (region_value[:, None] == np.array([value or "" for value in values]))
    masks = {told: undecided(told) for told in set(labelled)}
    perhaps = np.array(
        [
            sum(masks[labelled[box[0]]][k] for k in classes) if len(classes) == 1 else 0
            for box, classes in zip(regions.boxes, regions.classes, strict=True)
        ]
    )
    unknown = (perhaps[:, None] & np.array([c.classes for c in unique])) != 0
    return unique, torch.from_numpy(fits), torch.from_numpy(unknown & ~fits)


def pool_regions(dense: torch.Tensor, boxes: np.ndarray) -> torch.Tensor:
    """Mean embedding of every box: (B, D, h, w) and (N, 5) -> (N, D), by summed-area table."""
    sums = F.pad(dense.cumsum(2).cumsum(3), (1, 0, 1, 0)).permute(0, 2, 3, 1)
    i, top, left, bottom, right = torch.from_numpy(boxes).to(dense.device).T
    total = (
        sums[i, bottom, right] - sums[i, top, right] - sums[i, bottom, left] + sums[i, top, left]
    )
    return total / ((bottom - top) * (right - left))[:, None]


def multi_positive_loss(
    region_embeddings: torch.Tensor,
    text_embeddings: torch.Tensor,
    fits: torch.Tensor,
    logit_scale: torch.Tensor,
    unknown: torch.Tensor | None = None,
) -> torch.Tensor:
    """CLIP's symmetric cross-entropy with uniform targets over all fitting partners.

    Args:
        region_embeddings: (N, D), not normalised.
        text_embeddings: (U, D), not normalised.
        fits: bool (N, U), at least one True in every row and column.
        logit_scale: factor on the cosines.
        unknown: bool (N, U), pairs that are neither right nor wrong.

    Returns:
        A scalar: the mean of both directions.
    """
    logits = logit_scale * (
        F.normalize(region_embeddings, dim=-1) @ F.normalize(text_embeddings, dim=-1).T
    )
    if unknown is not None:
        logits = logits.masked_fill(unknown, _FAR)
    targets = fits.to(logits.dtype)
    by_region = F.cross_entropy(logits, targets / targets.sum(1, keepdim=True))
    by_text = F.cross_entropy(logits.T, (targets / targets.sum(0, keepdim=True)).T)
    return (by_region + by_text) / 2


def _boxes(shares: np.ndarray, image: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """int64 (count, 5) boxes of one image, from the class shares (M, h, w) of its tokens."""
    _, rows, columns = shares.shape
    heights, widths = (
        rng.choice(SIDES, count, p=SIDE_SHARES).clip(max=most) for most in (rows, columns)
    )
    centres = np.stack([rng.integers(0, rows, count), rng.integers(0, columns, count)], 1)
    major = shares.argmax(0)
    major[shares.max(0) < 0.5] = -1
    present = np.unique(major[major >= 0])
    if len(present):
        for n in range(0, count, 2):
            candidates = np.argwhere(major == rng.choice(present))
            centres[n] = candidates[rng.integers(len(candidates))]
    top = np.clip(centres[:, 0] - heights // 2, 0, rows - heights)
    left = np.clip(centres[:, 1] - widths // 2, 0, columns - widths)
    return np.stack([np.full(count, image), top, left, top + heights, left + widths], 1)


def _named(shares: np.ndarray, whole: bool) -> tuple[int, ...]:
    """The classes that a region's caption names, the largest first; empty = no caption."""
    order = np.argsort(-shares)
    if not whole and shares[order[0]] >= PURE:
        return (int(order[0]),)
    least = WHOLE_PICTURE_PRESENT if whole else PRESENT
    return tuple(int(k) for k in order[: 5 if whole else 3] if shares[k] >= least)
