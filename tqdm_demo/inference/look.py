"""One model looks at one picture: in one pass, or in windows of the model's size.

Axes: B windows; H W the picture; h w a score map; K entries; N names with their synonyms; D text
width.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import torch

from tqdm_demo.inference.cache import BoundedCache
from tqdm_demo.inference.preprocessing import cut_window, model_size, to_pixels
from tqdm_demo.inference.sliding_window import (
    Merged,
    Window,
    merge_windows,
    resized_size,
    upsample_argmax,
)
from tqdm_demo.model.image_encoder import ImageFeatures
from tqdm_demo.systems.trained import TrainedModel
from tqdm_demo.systems.zero_shot import ZeroShotModel

Features = ImageFeatures | torch.Tensor


class Look:
    """One look at one picture with one list of names.

    Args:
        model: what looks.
        cache: of the features of pictures and windows.
        image: uint8 (H, W, 3) RGB.
        embeddings: (N, D) of all names, synonyms apart.
        groups: the names of every entry, K of them.
        resized: (H, W) to which the picture is resized before it is read, or cut into windows; None
            = what the model is made for, and windows of the picture as it is.

    Attributes:
        names: all names, synonyms apart.
        reused: the features of the whole picture were there already.
        encode_ms: what encoding the picture took, milliseconds.
    """

    def __init__(
        self,
        model: TrainedModel | ZeroShotModel,
        cache: BoundedCache[Features],
        image: np.ndarray,
        embeddings: torch.Tensor,
        groups: Sequence[Sequence[str]],
        resized: tuple[int, int] | None = None,
    ) -> None:
        self.names = [name for group in groups for name in group]
        self.reused = True
        self.encode_ms = 0.0
        self._model = model
        self._cache = cache
        self._image = image
        self._resized = resized
        self._embeddings = embeddings
        self._counts = [len(group) for group in groups]
        self._key = (image.shape, hashlib.sha256(np.ascontiguousarray(image)).digest())

    def features(self) -> Features:
        """Of the whole picture, resized to the model's size."""
        model = self._model
        size = self._image.shape[:2]
        if model.fixed_size:
            size = model.input_size
        elif self._resized is not None:
            multiple = model.size_multiple
            size = tuple(max(1, round(side / multiple)) * multiple for side in self._resized)
        else:
            area = model.input_size[0] * model.input_size[1]
            size = model_size(*size, area=area, multiple=model.size_multiple)
        return self._encoded(
            ("whole", size), lambda: to_pixels(self._image, size, model.mean, model.std)
        )

    def at_once(self) -> Merged:
        """Answers in one pass."""
        scores, similarity = self._answer(self.features())
        return Merged(upsample_argmax(scores[0], self._image.shape[:2]), scores[0], similarity[0])

    def in_windows(self, batch: int) -> Merged:
        """Answers in windows of the model's size, ``batch`` at a time."""
        model = self._model
        window = model.input_size
        stride = model.window_stride
        # Two thirds of a window, rounded down, is the published step: 341 of 512.
        strides = tuple(stride or max(1, 2 * side // 3) for side in window)
        size = self._image.shape[:2]
        resized = resized_size(self._resized or size, window)

        def maps(windows: list[Window]) -> tuple[torch.Tensor, torch.Tensor]:
            def pixels() -> torch.Tensor:
                cuts = [cut_window(self._image, resized, w.top, w.left, window) for w in windows]
                parts = [to_pixels(cut, window, model.mean, model.std) for cut in cuts]
                return torch.cat(parts)

            return self._answer(self._encoded((resized, *windows), pixels))

        return merge_windows(maps, size, resized, window, strides, batch)

    def _answer(self, features: Features) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores and similarity (B, K, h, w), the best of the synonyms of an entry."""
        answer = self._model.answer(features, self._embeddings, self.names)
        scores, similarity = (
            torch.stack([part.amax(dim=1) for part in maps.split(self._counts, dim=1)], dim=1)
            for maps in (answer.scores, answer.similarity)
        )
        return scores, similarity

    def _encoded(self, part: Hashable, pixels: Callable[[], torch.Tensor]) -> Features:
        start = time.perf_counter()
        encode = self._model.encode_image
        features, reused = self._cache.get((self._key, part), lambda: encode(pixels()))
        if not reused:
            self.reused = False
            self.encode_ms += 1000 * (time.perf_counter() - start)
        return features


def size_in_bytes(features: Features) -> int:
    """What features weigh in memory."""
    if isinstance(features, torch.Tensor):
        return features.nbytes
    return sum(
        tensor.nbytes for tensor in (*features.pyramid, features.dense, features.global_embedding)
    )
