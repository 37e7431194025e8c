"""Similarity maps of class names at four stages between the CLIP and the final mask.

``clip``    the pre-trained CLIP: cosine of patch tokens and the name's text embedding
``before``  before the pixel decoder (m = 0): cosine of patch embeddings and text queries, the
            published score map; Paper: Sec. 3.2
``after``   after all its layers (m = M): cosine of the last mask embeddings and the per-pixel mask
            features. The published ``get_similarity`` shows (1 + cosine) / 2 of the same
``mask``    the scores that decide: class probability times mask probability, not below 0

Axes: K classes; h w the map of a stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Stages:
    """The similarity maps of one picture; None where a model has no such stage.

    Attributes:
        names: the K classes as they are written.
        clip: float32 (K, h, w), cosine; of zero-shot models only.
        before: float32 (K, h, w), cosine; of models whose queries are made from text only,
            because nothing in the others reads the text.
        after: float32 (K, h, w), cosine; of tqdm and its learned-query baseline.
        mask: float32 (K, h, w), scores; of every trained model.
        absent: stage -> why the model has none.
    """

    names: tuple[str, ...]
    clip: np.ndarray | None = None
    before: np.ndarray | None = None
    after: np.ndarray | None = None
    mask: np.ndarray | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
