"""TLDR: one label a pixel, for the classes that it was trained on and no others.

Axes: B pictures; H W input pixels; h w logits at stride 4; N names; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.systems.closed_classes import ClosedModel
from tqdm_demo.systems.system import ScoreMaps

_LOGIT_STRIDE = 4


class TldrModel(ClosedModel):
    """A network of TLDR, see :class:`.system.System`.

    Args:
        network: in evaluation mode, on its device.
    """

    kind = "tldr"
    window_stride = None
    no_stage = (
        "This model has neither text nor queries: it gives every pixel a class, and that is all."
    )

    def __init__(self, network: DeepLabV3Plus) -> None:
        super().__init__(network)
        self.keeps_size = network.config.keeps_size

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Normalised pixels (B, 3, H, W) to logits (B, M, h, w): no name has a say in them."""
        return self.network(pixels.to(self._device))

    def answer(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> ScoreMaps:
        """Probabilities at the size of the input pixels, as published."""
        size = [_LOGIT_STRIDE * side for side in features.shape[2:]]
        logits = F.interpolate(features, size, mode="bilinear", align_corners=False)
        return self.classes.answer(logits.softmax(dim=1), names)
