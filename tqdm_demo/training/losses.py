"""The published training objective: masks by fixed matching, and three regularisers.

Paper: Sec. 3.3 (segmentation loss) and 3.4 (regularisers); Mask2Former, arXiv 2112.01527, and
PointRend, arXiv 1912.08193 (losses on sampled points).

Axes: B images; M trained classes (= queries, in the same order); L predictions; S masks, one for
every image and class that is in it; P points of a mask; H W label size; h w mask logits;
D joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.config import TrainConfig
from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.model.segmenter import Decoding
from tqdm_demo.training.points import (
    PointSource,
    point_losses,
    sample_points,
    sample_targets,
    uncertain_places,
)
from tqdm_demo.vocabulary import IGNORED

CLASS_WEIGHT, MASK_WEIGHT, DICE_WEIGHT = 2.0, 5.0, 5.0
NO_OBJECT_WEIGHT = 0.1
SCORE_TEMPERATURE = 0.07


@dataclass(frozen=True)
class Targets:
    """What the predictions are to be, and what the averages divide by.

    A step may be cut into parts, for several processes or one after another. Then ``masks`` and
    ``pixels`` are means over all parts, so that the mean of the parts' losses is the loss of the
    whole batch.

    Attributes:
        labels: int64 (B, H, W), 0 to M - 1, 255 = ignored.
        masks: (), number of pairs of an image and a class in it.
        pixels: (), number of pixels that are not ignored.
        seeds: of the points that are sampled in each image; None = torch's own chance.
        progress: share of the training that is done, in [0, 1).
    """

    labels: Tensor
    masks: Tensor
    pixels: Tensor
    seeds: Sequence[int] | None = None
    progress: float = 0.0

    @classmethod
    def whole(cls, labels: Tensor) -> Targets:
        """Of a batch that is a whole step."""
        return cls(labels, *count_targets(labels))


def count_targets(labels: Tensor) -> Tensor:
    """``masks`` and ``pixels`` of :class:`Targets` for labels (B, H, W) alone: float32 (2,)."""
    shown = labels.new_zeros(len(labels), IGNORED + 1).scatter_(1, labels.flatten(1), 1)
    return torch.stack([shown[:, :IGNORED].sum(), (labels != IGNORED).sum()]).float()


@dataclass(frozen=True)
class Losses:
    """All terms, weighted; their plain sum is minimised.

    Attributes:
        classes: (L,) cross-entropy of the class logits of every prediction.
        masks: (L,) binary cross-entropy on sampled points.
        dice: (L,) on the same points.
        textual: text queries keep the meaning of their names; None without text.
        visual: the image's global embedding stays near that of the frozen encoder.
        pixel_text: patch embeddings are near the text query of their class; None without text.
    """

    classes: Tensor
    masks: Tensor
    dice: Tensor
    textual: Tensor | None
    visual: Tensor
    pixel_text: Tensor | None

    def terms(self) -> dict[str, Tensor]:
        """Every term by name, a scalar: ``classes`` and the like summed over the predictions."""
        terms = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: term.sum() for name, term in terms.items() if term is not None}


def training_losses(
    decoding: Decoding,
    targets: Targets,
    global_embedding: Tensor,
    reference_global_embedding: Tensor,
    reference_text: Tensor | None,
    config: TrainConfig,
) -> Losses:
    """All losses of one batch.

    Args:
        decoding: of the trained list of names, in its order.
        targets: for it.
        global_embedding: (B, D) of the encoder that learns, not normalised.
        reference_global_embedding: (B, D) of its frozen copy.
        reference_text: (M, D) normalised embeddings of a fixed sentence with each name, without
            the learnable prompt; None without text in the decoder.
        config: the weights of the regularisers, the number of points, and whether ignored pixels
            are left out (``fix_upstream_quirks``).
    """
    classes, masks, dice = mask_losses(
        decoding.predictions, targets, config.points_per_mask, config.fix_upstream_quirks
    )
    textual = pixel_text = None
    if reference_text is not None:
        textual = config.weight_textual * textual_loss(decoding.text_queries, reference_text)
        pixel_text = config.weight_pixel_text * pixel_text_loss(
            decoding.score_map, targets, config.fix_upstream_quirks
        )
    visual = config.weight_visual * F.mse_loss(global_embedding, reference_global_embedding)
    return Losses(classes, masks, dice, textual, visual, pixel_text)


def textual_loss(text_queries: Tensor, reference: Tensor) -> Tensor:
    """Every text query is to be nearest to the reference embedding of its own name.

    NOTE(upstream): cosines go into the cross-entropy without a temperature, so it cannot fall
    below log(1 + (M - 1) / e^2), 1.23 for 19 classes. Kept.

    Args:
        text_queries: (B, M, D).
        reference: (M, D), normalised.
    """
    cosines = F.normalize(text_queries, dim=-1) @ reference.T
    target = torch.arange(len(reference), device=cosines.device).expand(len(cosines), -1)
    return F.cross_entropy(cosines.flatten(0, 1), target.flatten())


def pixel_text_loss(score_map: Tensor, targets: Targets, skip_ignored: bool = False) -> Tensor:
    """Cross-entropy of the score map, at the size of the labels.

    NOTE(upstream): the mean is over all pixels, ignored ones count as zeros. Kept, unless
    ``skip_ignored``.

    Args:
        score_map: (B, M, h, w) cosines.
        targets: for it.
        skip_ignored: average over the pixels that are not ignored.
    """
    labels = targets.labels
    logits = F.interpolate(
        score_map / SCORE_TEMPERATURE, labels.shape[1:], mode="bilinear", align_corners=False
    )
    summed = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return summed / (targets.pixels.clamp(min=1) if skip_ignored else labels.numel())


def mask_losses(
    predictions: Sequence[MaskPrediction], targets: Targets, points: int, skip_ignored: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Class, mask and dice losses of every prediction, weighted: three tensors (L,).

    Query m is matched with class m wherever the class is in the image, else with "no object".
    NOTE(upstream): ignored pixels are outside of every mask, they are not left out. Kept, unless
    ``skip_ignored``.

    Args:
        predictions: L of them.
        targets: for them.
        points: P, sampled per mask and prediction.
        skip_ignored: leave out points on ignored pixels.
    """
    labels, classes = targets.labels, predictions[0].class_logits.shape[1]
    order = torch.arange(classes, device=labels.device)
    present = torch.stack([torch.isin(order, image) for image in labels])
    class_loss = torch.stack(
        [_class_loss(p.class_logits, present, targets.masks) for p in predictions]
    )
    image, query = present.nonzero(as_tuple=True)
    logits = torch.stack([p.mask_logits[image, query] for p in predictions])
    wanted = labels[image] == query[:, None, None]
    draw = PointSource(present.sum(1).tolist(), labels.device, targets.seeds)
    known = labels[image] != IGNORED if skip_ignored else None
    mask, dice = sampled_losses(logits, wanted, targets.masks, points, draw, known)
    return class_loss, mask, dice


def sampled_losses(
    logits: Tensor,
    wanted: Tensor,
    masks: Tensor,
    points: int,
    source: PointSource,
    known: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mask and dice losses of every prediction, weighted: two tensors (L,).

    Args:
        logits: (L, S, h, w) of the masks.
        wanted: bool (S, H, W), what they are to be.
        masks: see :class:`Targets`.
        points: P, sampled per mask and prediction.
        source: of chance, for S masks.
        known: bool (S, H, W), where points count; None = everywhere.
    """
    if not logits.shape[1]:
        return logits.sum((1, 2, 3)), logits.sum((1, 2, 3))
    places = uncertain_places(logits.detach(), points, source)
    sampled = sample_points(logits.flatten(0, 1)[:, None], places.flatten(0, 1))
    sampled = sampled.view(places.shape[:3])
    targets = sample_targets(wanted.to(logits.dtype), places)
    weights = torch.ones_like(targets)
    if known is not None:
        weights = (sample_targets(known.to(logits.dtype), places) > 0.5).float()
    mask, dice = point_losses(sampled, targets, weights)
    count = masks.clamp(min=1)
    return MASK_WEIGHT * mask.sum(1) / count, DICE_WEIGHT * dice.sum(1) / count


def _class_loss(class_logits: Tensor, present: Tensor, masks: Tensor) -> Tensor:
    """Query m is to say class m where that is present, else "no object"."""
    classes = class_logits.shape[1]
    order = torch.arange(classes, device=present.device)
    return class_loss(class_logits, torch.where(present, order, classes), masks)


def class_loss(class_logits: Tensor, target: Tensor, masks: Tensor) -> Tensor:
    """Weighted cross-entropy of all queries.

    NOTE(upstream): divides by the weights of its own GPU's targets; here by their mean over all
    parts of the step, so that parts add up to the whole.

    Args:
        class_logits: (B, Q, M + 1).
        target: int64 (B, Q), M = "no object".
        masks: see :class:`Targets`.
    """
    weights = class_logits.new_ones(class_logits.shape[2])
    weights[-1] = NO_OBJECT_WEIGHT
    loss = F.cross_entropy(class_logits.flatten(0, 1), target.flatten(), weights, reduction="sum")
    return CLASS_WEIGHT * loss / (masks + NO_OBJECT_WEIGHT * (target.numel() - masks))
