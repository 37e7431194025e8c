"""A picture and the names of a class list on their way through the encoders of a model.

Axes: B images or windows; H W the picture; h w a map; K classes; N names with their synonyms; D
text width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tqdm_demo.inference.cache import BoundedCache
from tqdm_demo.inference.preprocessing import model_size
from tqdm_demo.systems.system import System

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Picture:
    """One picture on its way through the image encoder, and what that has taken so far.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        resized: (H, W) to which it is resized before it is read, or cut into windows; None = what
            the model is made for, and windows of the picture as it is.
        reused: no part of it had to be encoded.
        encode_ms: encoding, milliseconds.
        key: of its content.
    """

    image: np.ndarray
    resized: tuple[int, int] | None = None
    reused: bool = True
    encode_ms: float = 0.0
    key: Hashable = field(init=False)

    def __post_init__(self) -> None:
        content = hashlib.sha256(np.ascontiguousarray(self.image)).digest()
        self.key = (self.image.shape, content)

    @classmethod
    def of(cls, image: np.ndarray, resized: tuple[int, int] | None = None) -> Picture:
        """Checks what a caller gave.

        Raises:
            ValueError: not uint8 (H, W, 3).
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"image is {image.dtype} {image.shape}; it takes uint8 (H, W, 3), RGB")
        # torch knows no negative strides, as of bgr[..., ::-1]
        return cls(np.ascontiguousarray(image), resized)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.image.shape[0], self.image.shape[1]

    def size_for(self, model: System) -> tuple[int, int]:
        """(H, W) in which a model reads the whole picture in one pass."""
        if model.fixed_size:
            return model.input_size
        multiple = model.size_multiple
        if self.resized is not None:
            height, width = (max(1, round(side / multiple)) * multiple for side in self.resized)
            return height, width
        area = model.input_size[0] * model.input_size[1]
        if model.keeps_size:
            area = min(area, self.size[0] * self.size[1])
        return model_size(*self.size, area=area, multiple=multiple)


@dataclass(frozen=True)
class Names:
    """The names of a class list for the text tower: lower case, synonyms apart.

    Attributes:
        names: N names.
        counts: how many of them every class has.
        embeddings: (N, D).
        encoded: how many were encoded now.
        encode_ms: encoding, milliseconds.
    """

    names: tuple[str, ...]
    counts: list[int]
    embeddings: Tensor
    encoded: int
    encode_ms: float

    def chosen(self, flags: Sequence[bool]) -> tuple[tuple[str, ...], ...]:
        """Per class those of its names whose flag, one of N, is set."""
        flagged = iter(zip(self.names, flags, strict=True))
        return tuple(
            tuple(name for name, chosen in islice(flagged, count) if chosen)
            for count in self.counts
        )

    def best(self, maps: Tensor) -> Tensor:
        """Maps (B, N, h, w) of names to maps (B, K, h, w) of classes: the best synonym."""
        import torch

        return torch.stack([part.amax(dim=1) for part in maps.split(self.counts, dim=1)], dim=1)


def kept_embeddings(
    cache: BoundedCache[Any], names: Sequence[str], encode: Callable[[list[str]], Tensor]
) -> tuple[Tensor, int]:
    """Embeddings (N, D) of names, and how many of them were not in the cache.

    Args:
        cache: by name; what is encoded is put there.
        names: N.
        encode: names to (n, D).
    """
    import torch

    known = {name: cache.peek(name) for name in names}
    missing = [name for name, value in known.items() if value is None]
    for name, value in zip(missing, encode(missing) if missing else (), strict=True):
        # A copy: a row would keep the whole table.
        known[name] = value.clone()
        cache.put(name, known[name])
    return torch.stack([known[name] for name in names]), len(missing)
