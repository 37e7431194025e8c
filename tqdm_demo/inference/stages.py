"""Similarity maps of class names at four stages between the CLIP and the final mask.

``clip``    the pre-trained CLIP: cosine of patch tokens and the name's text embedding
``before``  before the pixel decoder (m = 0): cosine of patch embeddings and text queries, the
            published score map; Paper: Sec. 3.2
``after``   after all its layers (m = M): cosine of the last mask embeddings and the per-pixel mask
            features. The published ``get_similarity`` shows (1 + cosine) / 2 of the same
``mask``    the scores that decide: class probability times mask probability, not below 0

Axes: K classes; N names with their synonyms; h w the map of a stage; D text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from tqdm_demo.systems.system import Features, System
from tqdm_demo.systems.trained import TrainedModel

STAGES = ("clip", "before", "after", "mask")


@dataclass(frozen=True)
class Stages:
    """The similarity maps of one picture; None where a model has no such stage.

    Attributes:
        names: the K classes as they are written.
        clip: float32 (K, h, w), cosine; of zero-shot models only.
        before: float32 (K, h, w), cosine; of models whose queries are made from text only,
            because nothing in the others reads the text.
        after: float32 (K, h, w), cosine; of every trained model.
        mask: float32 (K, h, w), scores; of every trained model.
    """

    names: tuple[str, ...]
    clip: np.ndarray | None = None
    before: np.ndarray | None = None
    after: np.ndarray | None = None
    mask: np.ndarray | None = None


def compute_stages(
    model: System, features: Features, embeddings: Tensor, names: Sequence[str]
) -> dict[str, Tensor]:
    """Runs a model once and keeps the maps of its stages.

    Args:
        model: of a predictor.
        features: what its ``encode_image`` made of the picture.
        embeddings: (N, D), what its ``encode_names`` made of the names.
        names: N names.

    Returns:
        Stage -> (1, N, h, w), for the stages that the model has.
    """
    if not isinstance(model, TrainedModel):
        return {"clip": model.answer(features, embeddings, names).similarity}
    count = len(names)
    assignment, decoding = model.decode(features, embeddings, names)
    maps = {
        "after": decoding.query_similarity()[:, :count],
        "mask": model.segmenter.semantic_scores(decoding.predictions[-1], assignment),
    }
    if model.kind == "textual":
        maps["before"] = decoding.score_map[:, :count]
    return maps
