"""What a class name looks like inside a model: similarity maps at four stages of the way.

``clip``    the pre-trained CLIP: cosine of patch tokens and the name's text embedding
``before``  before the pixel decoder (m = 0): cosine of patch embeddings and text queries, the
            published score map; Paper: Sec. 3.2
``after``   after all its layers (m = M): cosine of the last mask embeddings and the per-pixel mask
            features. The published ``get_similarity`` shows (1 + cosine) / 2 of the same
``mask``    the scores that decide: class probability times mask probability, not below 0

Axes: B = 1; K entries of the class list; N names with their synonyms; h w the map of a stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tqdm_demo.systems.trained import TrainedModel
from tqdm_demo.systems.zero_shot import ZeroShotModel
from tqdm_demo.vocabulary import split_synonyms

STAGES = ("clip", "before", "after", "mask")


@dataclass(frozen=True)
class Stages:
    """The similarity maps of one picture; None where a model has no such stage.

    Attributes:
        names: K entries, as they were asked for.
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
    model: TrainedModel | ZeroShotModel,
    features: object,
    embeddings: Tensor,
    entries: Sequence[str],
) -> Stages:
    """Runs a model once and keeps what its stages say.

    Args:
        model: of a predictor.
        features: what its ``encode_image`` made of the picture.
        embeddings: (N, D), what its ``encode_names`` made of all names, in the order of the list.
        entries: K checked entries. An entry with synonyms has the largest value of its names.
    """
    entries = tuple(entries)
    groups = [split_synonyms(entry.lower()) for entry in entries]
    names = [name for group in groups for name in group]
    if model.kind == "zero-shot":
        answer = model.answer(features, embeddings, names)
        return Stages(entries, clip=_best(answer.similarity[0], groups))
    assignment, decoding = model.decode(features, embeddings, names)
    scores = model.segmenter.semantic_scores(decoding.predictions[-1], assignment)[0]
    textual = model.kind == "textual"
    return Stages(
        entries,
        before=_best(decoding.score_map[0, : len(names)], groups) if textual else None,
        after=_best(decoding.query_similarity()[0, : len(names)], groups),
        mask=_best(scores, groups),
    )


def _best(maps: Tensor, groups: Sequence[Sequence[str]]) -> np.ndarray:
    parts = torch.split(maps, [len(group) for group in groups])
    return torch.stack([part.amax(dim=0) for part in parts]).float().cpu().numpy()
