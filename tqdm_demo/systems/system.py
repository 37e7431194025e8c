"""What the predictor asks of a system, whatever network is in it.

A system encodes a picture once and a name once, and answers from what it has encoded. Every other
file of this package is one system. A new one needs the attributes and methods of :class:`System`;
:func:`tqdm_demo.checkpoints.sources.load_model` makes it from a checkpoint folder.

Axes: B pictures; H W input pixels; h w a score map; N names; D text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from tqdm_demo.model.image_encoder import ImageFeatures
    from tqdm_demo.model.mask_decoder import MaskPrediction

# What a system keeps of a picture: tensors, alone or in a frozen dataclass.
Features: TypeAlias = "ImageFeatures | MaskPrediction | Tensor"
# The stages between the CLIP and the final mask, see tqdm_demo.inference.stages.
STAGES = ("clip", "before", "after", "mask")
# How a zero-shot model makes its similarity, see tqdm_demo.systems.zero_shot.
METHODS = ("plain", "maskclip", "clearclip")
# The score of a name that the model has no class for: below all others.
NO_CLASS = -1.0


@dataclass(frozen=True)
class ScoreMaps:
    """What a system says about B pictures and N names.

    Attributes:
        scores: (B, N, h, w), not below 0, or :data:`NO_CLASS`; the largest wins.
        similarity: (B, N, h, w) cosine in [-1, 1]; None = the model compares nothing with names.
        others: (B, R, h, w) scores of the trained classes that none of the names means, of a model
            that knows no others. Where one of them is the largest the pixel stays unlabelled.
    """

    scores: Tensor
    similarity: Tensor | None = None
    others: Tensor | None = None


@dataclass(frozen=True)
class StageMaps:
    """What a system says about N names on the way to its final mask.

    Attributes:
        maps: stage -> (B, N, h, w), for the stages that the system has.
        absent: stage -> why the system has none; every stage is in one of the two.
    """

    maps: dict[str, Tensor]
    absent: dict[str, str]


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
        kind: ``textual``, ``learned``, ``zero-shot``, ``rein``, ``soma`` or ``tldr``.
        method: how the similarity is made, one of :data:`METHODS`.
        default_names: the names that are segmented where none are given.
        known_words: lower case, what the text tower saw while it was trained; empty = unknown.
        mean: of R, G and B in [0, 1], by which pixels are normalised, as is ``std``.
        std: see ``mean``.
        input_size: (height, width) of the pictures, or windows, that it is made for.
        size_multiple: input sides are multiples of this.
        fixed_size: whether it reads ``input_size`` only.
        keeps_size: whether pictures with fewer pixels than ``input_size`` are read as they are.
        window_stride: step between windows in pixels; None = pictures are read at once.
        longest_name: tokens that a name may have; None = any name.
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
    keeps_size: bool
    window_stride: int | None
    longest_name: int | None

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

    def stages(self, features: Features, embeddings: Tensor, names: Sequence[str]) -> StageMaps:
        """The maps of its stages; the arguments are those of :meth:`answer`."""

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """Per name whether the model has no class for it: it knows a fixed list of classes."""

    def nearest_classes(
        self, names: Sequence[str], embeddings: Tensor
    ) -> tuple[NearestClass | None, ...]:
        """Per name the trained class that it borrows from.

        None where the name is trained itself, or where the system has no trained classes.
        """
