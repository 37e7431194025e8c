"""Rein and SoMA: masks of free queries, for the classes that they were trained on and no others.

Axes: B pictures; H W input pixels; N names; M trained classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from tqdm_demo.model.mask2former import ReinSegmenter, semantic_scores
from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.systems.closed_classes import ClosedClasses
from tqdm_demo.systems.system import ScoreMaps, StageMaps

# Pixels of the input for one of a mask.
_MASK_STRIDE = 4
_NO_STAGE = (
    "This model reads no text, and its queries belong to no class: before the final mask it has "
    "nothing to show for a name."
)


class ReinModel:
    """A network of Rein or SoMA, see :class:`.system.System`.

    Args:
        segmenter: in evaluation mode, on its device.
    """

    method = "plain"
    known_words = frozenset()
    fixed_size = False
    keeps_size = False
    longest_name = None

    def __init__(self, segmenter: ReinSegmenter) -> None:
        config = segmenter.config
        self.segmenter = segmenter
        self.classes = ClosedClasses(config.class_names)
        self.kind = "rein" if config.reins_rank else "soma"
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_size = config.input_size
        self.size_multiple = config.size_multiple
        self.window_stride = config.window_stride
        self._device = next(segmenter.parameters()).device

    def encode_image(self, pixels: Tensor) -> MaskPrediction:
        """Normalised pixels (B, 3, H, W) to the last prediction: no name has a say in it."""
        _, predictions = self.segmenter.decode(self.segmenter.backbone(pixels.to(self._device)))
        last = predictions[-1]
        # A copy: it is kept, and would keep the layers before it.
        return dataclasses.replace(last, mask_logits=last.mask_logits.clone())

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """(N, M), see :meth:`.ClosedClasses.rows`."""
        return self.classes.rows(names)

    def answer(
        self, features: MaskPrediction, embeddings: Tensor, names: Sequence[str]
    ) -> ScoreMaps:
        """Scores at the size of the input pixels, where the published code takes the best."""
        size = [_MASK_STRIDE * side for side in features.mask_logits.shape[2:]]
        return self.classes.answer(semantic_scores(features, size), names)

    def stages(
        self, features: MaskPrediction, embeddings: Tensor, names: Sequence[str]
    ) -> StageMaps:
        """The final scores."""
        return self.classes.stages(self.answer(features, embeddings, names).scores, _NO_STAGE)

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """Per name whether it is none of the trained classes, nor a synonym of one."""
        return self.classes.lacks(names)

    def nearest_classes(self, names: Sequence[str], embeddings: Tensor) -> tuple[None, ...]:
        """None for every name: nothing is borrowed."""
        return (None,) * len(names)
