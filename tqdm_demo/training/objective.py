"""What a segmenter is trained for: forward pass and losses of a batch, mIoU of pictures.

Axes: B images; M trained classes; s crop side; D joint width; h w one feature level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.augmentation import Batch
from tqdm_demo.data.datasets import LabelledPicture
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.segmenter import Decoding, Segmenter
from tqdm_demo.training.losses import Targets, training_losses
from tqdm_demo.training.measuring import measure
from tqdm_demo.training.precision import mixed_precision

REFERENCE_SENTENCE = "a clean origami of a {}"  # published


class Objective:
    """The published objective for one segmenter.

    Made before the first step: it keeps a copy of the image encoder and the text embeddings of the
    names as they are then, the references of the regularisers. A resumed training makes it from
    the same CLIP again, before the trained weights are put back.

    Args:
        segmenter: on its device.
        config: weights of the losses.
    """

    def __init__(self, segmenter: Segmenter, config: TrainConfig):
        self.segmenter, self.config = segmenter, config
        names = segmenter.config.class_names
        self._device = next(segmenter.parameters()).device
        self._assignment = QueryAssignment.trained(len(names), self._device)
        self._reference = None
        if config.backbone_factor:
            # NOTE(upstream): the copy goes into training mode with the model, so that its
            # stochastic depth works. Kept, unless ``fix_upstream_quirks``.
            self._reference = segmenter.frozen_image_encoder().train(not config.fix_upstream_quirks)
        else:  # a tower that never moves is its own reference
            segmenter.image_encoder.tower.requires_grad_(False)
        self._tokens = self._reference_text = None
        if segmenter.config.queries == "textual":
            tokenizer = open_clip.SimpleTokenizer(context_length=segmenter.config.text_positions)
            self._tokens = tokenizer(list(names)).to(self._device)
            sentences = tokenizer([REFERENCE_SENTENCE.format(name) for name in names])
            with torch.no_grad():
                text = segmenter.encode_text(sentences.to(self._device), with_prompt=False)
            self._reference_text = F.normalize(text, dim=-1)

    def losses(self, batch: Batch, targets: Targets) -> dict[str, Tensor]:
        """The weighted terms of a batch by name; the loss is their sum.

        Args:
            batch: whose pixels are looked at.
            targets: of its labels.
        """
        with mixed_precision(self._device, self.config.bfloat16):
            features = self.segmenter.encode_image(batch.pixels)
            decoding = self.segmenter.decode(features, self._embeddings(), self._assignment)
            reference = features.global_embedding.detach()
            if self._reference is not None:
                with torch.no_grad():
                    reference = self._reference.run_tower(batch.pixels).global_embedding
        return training_losses(
            _in_float32(decoding),
            targets,
            features.global_embedding.float(),
            reference.float(),
            self._reference_text,
            self.config,
        ).terms()

    def measure(self, pictures: Sequence[LabelledPicture]) -> ConfusionMatrix:
        """Counts what the segmenter, as it is now, says; see :func:`.measuring.measure`."""
        with torch.no_grad():
            embeddings = self._embeddings()
        scores = partial(self._decode, embeddings=embeddings)
        return measure(pictures, self.segmenter.config, scores, self._device)

    def _decode(self, pixels: Tensor, embeddings: Tensor | None) -> Tensor:
        """Scores (B, M, h, w) of normalised pixels (B, 3, H, W)."""
        features = self.segmenter.encode_image(pixels.to(self._device))
        decoding = self.segmenter.decode(features, embeddings, self._assignment)
        return self.segmenter.semantic_scores(decoding.predictions[-1], self._assignment)

    def _embeddings(self) -> Tensor | None:
        """(M, D) class embeddings with the prompt as it is now; None for learned queries."""
        return None if self._tokens is None else self.segmenter.encode_text(self._tokens)


def _in_float32(decoding: Decoding) -> Decoding:
    """A decoding that the losses can take, after mixed precision."""
    predictions = tuple(
        replace(p, class_logits=p.class_logits.float(), mask_logits=p.mask_logits.float())
        for p in decoding.predictions
    )
    text = None if decoding.text_queries is None else decoding.text_queries.float()
    score_map = None if decoding.score_map is None else decoding.score_map.float()
    return replace(decoding, predictions=predictions, text_queries=text, score_map=score_map)
