"""TLDR: one label a pixel, for the classes that it was trained on and no others.

Axes: B pictures; H W input pixels; h w logits at stride 4; N names; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.systems.closed_classes import ClosedClasses
from tqdm_demo.systems.system import ScoreMaps, StageMaps

_LOGIT_STRIDE = 4
_NO_STAGE = (
    "This model has neither text nor queries: it gives every pixel a class, and that is all."
)


class TldrModel:
    """A network of TLDR, see :class:`.system.System`.

    Args:
        network: in evaluation mode, on its device.
    """

    kind = "tldr"
    method = "plain"
    known_words = frozenset()
    fixed_size = False
    window_stride = None
    longest_name = None

    def __init__(self, network: DeepLabV3Plus) -> None:
        config = network.config
        self.network = network
        self.classes = ClosedClasses(config.class_names)
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_size = config.input_size
        self.size_multiple = config.size_multiple
        self.keeps_size = config.keeps_size
        self._device = next(network.parameters()).device

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Normalised pixels (B, 3, H, W) to logits (B, M, h, w): no name has a say in them."""
        return self.network(pixels.to(self._device))

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """(N, M), see :meth:`.ClosedClasses.rows`."""
        return self.classes.rows(names)

    def answer(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> ScoreMaps:
        """Probabilities at the size of the input pixels, as published."""
        size = [_LOGIT_STRIDE * side for side in features.shape[2:]]
        logits = F.interpolate(features, size, mode="bilinear", align_corners=False)
        return self.classes.answer(logits.softmax(dim=1), names)

    def stages(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> StageMaps:
        """The final probabilities."""
        return self.classes.stages(self.answer(features, embeddings, names).scores, _NO_STAGE)

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """Per name whether it is none of the trained classes, nor a synonym of one."""
        return self.classes.lacks(names)

    def nearest_classes(self, names: Sequence[str], embeddings: Tensor) -> tuple[None, ...]:
        """None for every name: nothing is borrowed."""
        return (None,) * len(names)
