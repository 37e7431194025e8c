"""What a predictor answers.

Axes: H W the picture; h w a score map; K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.systems.system import NearestClass


@dataclass(frozen=True)
class Timings:
    """What was computed for one answer, and how long that took.

    Attributes:
        picture_reused: the picture's features were there already.
        names_encoded: how many names the text tower read now.
        picture_ms: encoding the picture, milliseconds; 0 if reused.
        names_ms: encoding the new names, milliseconds.
        decode_ms: everything after that, milliseconds.
    """

    picture_reused: bool
    names_encoded: int
    picture_ms: float
    names_ms: float
    decode_ms: float


@dataclass(frozen=True)
class Segmentation:
    """One picture, segmented by one class list.

    Attributes:
        label_map: uint8 (H, W) of the picture, index into the class list; 255 where a model that
            knows a fixed list of classes sees one that the list does not name.
        classes: the K classes.
        scores: float32 (K, h, w), not below 0; resized to the picture, the largest wins.
        similarity: float32 (K, h, w), cosine of the model's patch embeddings and its embedding
            of the class (of tqdm: after prompt and context decoder); None where the model compares
            nothing with names.
        nearest_classes: per class the trained class whose rows it borrows; None = trained itself,
            or the model has no trained classes.
        unknown: per class the words that the text tower never saw while it was trained.
        timings: what was computed and what was reused.
        missing: per class its names that the model has no class for.
        method: how the similarity was made, one of ``system.METHODS``.
        mode: how the picture was read, one of ``predictor.MODES``. In windows, maps are means.
        matches: per class how well it fits at its best place, see :mod:`.matches`; None = this
            model's values do not tell.
        faint: the match below which nothing in the picture is like a class.
    """

    label_map: np.ndarray
    classes: ClassList
    scores: np.ndarray
    similarity: np.ndarray | None
    nearest_classes: tuple[NearestClass | None, ...]
    unknown: tuple[tuple[str, ...], ...]
    timings: Timings
    missing: tuple[tuple[str, ...], ...]
    method: str = "plain"
    mode: str = "single"
    matches: tuple[float, ...] | None = None
    faint: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The K classes as they are written, synonyms separated by commas."""
        return self.classes.names

    @property
    def shares(self) -> tuple[float, ...]:
        """Every class's share of the picture's pixels, 0 to 1."""
        counts = np.bincount(self.label_map.ravel(), minlength=len(self.classes.entries))
        counts = counts[: len(self.classes.entries)]
        return tuple((counts / self.label_map.size).tolist())
