"""What the predictor asks of a system, whatever network is in it.

A system encodes a picture once and a name once, and answers from what it has encoded. Every other
file of this package is one system. A new one needs the attributes and methods of :class:`System`;
:func:`tqdm_demo.checkpoints.sources.load_model` makes it from a checkpoint folder.

Axes: B pictures; H W input pixels; h w a score map; N names; D text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from tqdm_demo.model.image_encoder import ImageFeatures

# What a system keeps of a picture: tensors, alone or in a frozen dataclass.
Features = ImageFeatures | Tensor


@dataclass(frozen=True)
class ScoreMaps:
    """What a system says about B pictures and N names.

    Attributes:
        scores: (B, N, h, w), not below 0; the largest wins.
        similarity: (B, N, h, w) cosine in [-1, 1].
    """

    scores: Tensor
    similarity: Tensor


@dataclass(frozen=True)
class NearestClass:
    """The trained class whose rows a name borrows.

    Attributes:
        name: of the trained class, the nearest one.
        similarity: cosine of the two class embeddings.
    """

    name: str
    similarity: float


class System(Protocol):
    """A model that segments by names.

    Attributes:
        kind: ``textual``, ``learned`` or ``zero-shot``.
        method: how the similarity is made, one of ``zero_shot.METHODS``.
        default_names: the names that are segmented where none are given.
        known_words: lower case, what the text tower saw while it was trained; empty = unknown.
        mean: of R, G and B in [0, 1], by which pixels are normalised, as is ``std``.
        std: see ``mean``.
        input_size: (height, width) of the pictures, or windows, that it is made for.
        size_multiple: input sides are multiples of this.
        fixed_size: whether it reads ``input_size`` only.
        window_stride: step between windows in pixels; None = pictures are read at once.
        longest_name: tokens that a name may have.
    """

    kind: str
    method: str
    default_names: tuple[str, ...]
    known_words: frozenset[str]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_size: tuple[int, int]
    size_multiple: int
    fixed_size: bool
    window_stride: int | None
    longest_name: int

    def encode_image(self, pixels: Tensor) -> Features:
        """Encodes normalised pixels (B, 3, H, W), wherever they are."""

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """Embeddings (N, D) of lower-case names that :func:`.tokens.check_tokens` has passed."""

    def answer(self, features: Features, embeddings: Tensor, names: Sequence[str]) -> ScoreMaps:
        """Scores pictures for N names.

        Args:
            features: of :meth:`encode_image`.
            embeddings: (N, D) of :meth:`encode_names`.
            names: the N names, no two alike.
        """

    def nearest_classes(
        self, names: Sequence[str], embeddings: Tensor
    ) -> tuple[NearestClass | None, ...]:
        """Per name the trained class that it borrows from.

        None where the name is trained itself, or where the system has no trained classes.
        """
