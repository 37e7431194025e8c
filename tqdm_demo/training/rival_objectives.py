"""What Rein and TLDR are trained for: forward pass and losses of a batch, mIoU of pictures.

Axes: B images; M trained classes; s crop side; h w a feature map.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.augmentation import Batch
from tqdm_demo.data.datasets import LabelledPicture
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.model.mask2former import ReinSegmenter, semantic_scores
from tqdm_demo.training.losses import Targets
from tqdm_demo.training.measuring import measure
from tqdm_demo.training.precision import mixed_precision
from tqdm_demo.training.rein_losses import matched_losses
from tqdm_demo.training.style_transfer import StyleTransfer
from tqdm_demo.training.texture import texture_generalisation, texture_regularisation
from tqdm_demo.vocabulary import IGNORED

_TASK_SHARE = 0.5  # of the content's and of the stylised pictures' loss, each


class ReinObjective:
    """The published objective of Rein for one network: its backbone is frozen.

    Args:
        network: on its device; its tower stops learning.
        config: number of points, mixed precision.
    """

    def __init__(self, network: ReinSegmenter, config: TrainConfig) -> None:
        self.network, self.config = network, config
        self._device = next(network.parameters()).device
        network.backbone.encoder.tower.requires_grad_(False)

    def losses(self, batch: Batch, targets: Targets) -> dict[str, Tensor]:
        """The weighted terms of a batch by name; the loss is their sum."""
        with mixed_precision(self._device, self.config.bfloat16):
            _, predictions = self.network.decode(self.network.backbone(batch.pixels))
        predictions = [
            replace(p, class_logits=p.class_logits.float(), mask_logits=p.mask_logits.float())
            for p in predictions
        ]
        classes, masks, dice = matched_losses(predictions, targets, self.config.points_per_mask)
        return {"classes": classes.sum(), "masks": masks.sum(), "dice": dice.sum()}

    def measure(self, pictures: Sequence[LabelledPicture]) -> ConfusionMatrix:
        """Counts what the network, as it is now, says; see :func:`.measuring.measure`."""

        def scores(pixels: Tensor) -> Tensor:
            _, predictions = self.network.decode(self.network.backbone(pixels.to(self._device)))
            return semantic_scores(predictions[-1], pixels.shape[2:])

        return measure(pictures, self.network.config, scores, self._device)


class TldrObjective:
    """The published objective of TLDR for one network.

    Made before the first step: it keeps a frozen copy of the backbone as it is then.

    Args:
        network: on its device.
        config: weights of the losses.
        styles: pictures whose style the content is given.
        transfer: gives it.

    Raises:
        ValueError: no style picture.
    """

    def __init__(
        self,
        network: DeepLabV3Plus,
        config: TrainConfig,
        styles: Sequence[LabelledPicture],
        transfer: StyleTransfer,
    ) -> None:
        if not len(styles):
            raise ValueError("TLDR needs pictures whose style is taken: --styles names some")
        self.network, self.config, self.styles = network, config, styles
        self._device = next(network.parameters()).device
        self._reference = copy.deepcopy(network.backbone).requires_grad_(False).eval()
        self._transfer = transfer.to(self._device)

    def losses(self, batch: Batch, targets: Targets) -> dict[str, Tensor]:
        """The weighted terms of a batch by name; the loss is their sum."""
        style = self._draw_styles(targets.seeds, batch.pixels.shape[-1])
        with mixed_precision(self._device, self.config.bfloat16):
            terms = tldr_losses(
                self.network,
                self._reference,
                batch.pixels,
                self._transfer(batch.pixels, style),
                style,
                targets,
            )
        terms["regularisation"] = self.config.weight_regularisation * terms["regularisation"]
        terms["generalisation"] = self.config.weight_generalisation * terms["generalisation"]
        return terms

    def measure(self, pictures: Sequence[LabelledPicture]) -> ConfusionMatrix:
        """Counts what the network, as it is now, says; see :func:`.measuring.measure`."""

        def scores(pixels: Tensor) -> Tensor:
            logits = self.network(pixels.to(self._device))
            size = pixels.shape[2:]
            return F.interpolate(logits, size, mode="bilinear", align_corners=False).softmax(1)

        return measure(pictures, self.network.config, scores, self._device)

    def _draw_styles(self, seeds: Sequence[int], side: int) -> Tensor:
        """A style picture (B, 3, s, s) for every content picture.

        NOTE(upstream): style pictures are squeezed into the crop, and not normalised but divided by
        255. Kept, unless ``fix_upstream_quirks``: then they are normalised as the content is.
        """
        images = [self.styles[seed % len(self.styles)].image for seed in seeds]
        squares = [np.asarray(Image.fromarray(i).resize((side, side), 2)) for i in images]
        pixels = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255
        if self.config.fix_upstream_quirks:
            colours = self.network.config.image_mean, self.network.config.image_std
            mean, std = (torch.tensor(values).view(3, 1, 1) for values in colours)
            pixels = (pixels - mean) / std
        return pixels.to(self._device)


def tldr_losses(
    network: DeepLabV3Plus,
    reference: torch.nn.Module,
    content: Tensor,
    stylised: Tensor,
    style: Tensor,
    targets: Targets,
) -> dict[str, Tensor]:
    """The terms of TLDR, weighted, by name.

    Args:
        network: in training mode; its batch norms see all three kinds of pictures.
        reference: the frozen backbone, in evaluation mode.
        content: (B, 3, s, s).
        stylised: (B, 3, s, s), the content in the styles.
        style: (B, 3, s, s).
        targets: for the content; the texture losses fade with its ``progress``.
    """
    levels = network.features(content)
    stylised_levels = network.features(stylised)
    style_levels = network.features(style)
    with torch.no_grad():
        reference_levels = reference(content)
    left = max(0.0, 1 - targets.progress)
    ours, theirs = ([m.float() for m in part] for part in (levels, reference_levels))
    others = [[m.float() for m in part] for part in (style_levels, stylised_levels, levels)]
    return {
        "content": _TASK_SHARE * task_loss(network.head(levels), targets.labels),
        "stylised": _TASK_SHARE * task_loss(network.head(stylised_levels), targets.labels),
        "regularisation": left * texture_regularisation(ours, theirs),
        "generalisation": left * texture_generalisation(*others),
    }


def task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (a scalar) of logits (B, M, h, w) at the size of the labels (B, H, W).

    NOTE(upstream): the mean is over all pixels, ignored ones count as zeros. Kept.
    """
    resized = F.interpolate(logits.float(), labels.shape[1:], mode="bilinear", align_corners=False)
    summed = F.cross_entropy(resized, labels, ignore_index=IGNORED, reduction="sum")
    return summed / labels.numel()


def rein_rule(name: str, config: TrainConfig) -> tuple[float, bool]:
    """Learning rates and decay as published: no decay for tokens, their scale, embeddings, norms.

    NOTE(upstream): norms are known by their class there, those inside Sequential too. Here these
    are the second layers of the pixel decoder's convolutions.
    """
    factor = config.pyramid_factor if ".pyramid." in name else 1.0
    embeddings = ("reins.tokens_", "reins.scale", "level_embeddings", "query_features",
                  "query_positions", "norm")  # fmt: skip
    convolution_norms = (
        ".inputs.0.1.",
        ".inputs.1.1.",
        ".inputs.2.1.",
        ".lateral.1.",
        ".smooth.1.",
    )
    return factor, not any(part in name for part in (*embeddings, *convolution_norms))


def tldr_rule(name: str, config: TrainConfig) -> tuple[float, bool]:
    """Learning rates and decay as published: the backbone a tenth of the head's, all decays."""
    return (config.backbone_factor if name.startswith("backbone.") else 1.0), True
