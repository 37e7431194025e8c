"""Rein and SoMA: masks of free queries, for the classes that they were trained on and no others.

Axes: B pictures; H W input pixels; N names; M trained classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from tqdm_demo.model.mask2former import ReinSegmenter, semantic_scores
from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.systems.closed_classes import ClosedModel
from tqdm_demo.systems.system import ScoreMaps

# Pixels of the input for one of a mask.
_MASK_STRIDE = 4


class ReinModel(ClosedModel):
    """A network of Rein or SoMA, see :class:`.system.System`.

    Args:
        network: in evaluation mode, on its device.
    """

    keeps_size = False
    no_stage = (
        "This model reads no text, and its queries belong to no class: before the final mask it "
        "has nothing to show for a name."
    )

    def __init__(self, network: ReinSegmenter) -> None:
        super().__init__(network)
        self.kind = "rein" if network.config.reins_rank else "soma"
        self.window_stride = network.config.window_stride

    def encode_image(self, pixels: Tensor) -> MaskPrediction:
        """Normalised pixels (B, 3, H, W) to the last prediction: no name has a say in it."""
        _, predictions = self.network.decode(self.network.backbone(pixels.to(self._device)))
        last = predictions[-1]
        # A copy: it is kept, and would keep the layers before it.
        return dataclasses.replace(last, mask_logits=last.mask_logits.clone())

    def answer(
        self, features: MaskPrediction, embeddings: Tensor, names: Sequence[str]
    ) -> ScoreMaps:
        """Scores at the size of the input pixels, where the published code takes the best."""
        size = [_MASK_STRIDE * side for side in features.mask_logits.shape[2:]]
        return self.classes.answer(semantic_scores(features, size), names)
