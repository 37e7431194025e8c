"""What a trained model does on its way from names to masks, for one picture and class list.

Three steps, as the paper's figure has them: textual queries, text-to-pixel attention, masks.
What a model lacks is None: learned queries read no text.

Axes: K listed classes (the first name of each); N names with synonyms; L pixel-decoder layers; P
mask predictions; S pixels of the pixel decoder's level of stride 8; h w a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.inference.encoded import Names
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.model.layers import Attention
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.systems.system import Features
from tqdm_demo.systems.trained import TrainedModel

NO_STEPS = (
    "This model has none of the three steps: it was never trained to segment. It compares every "
    "patch of the picture with every name. Choose a tqdm model on the tab “Segment” to walk "
    "through."
)


@dataclass(frozen=True, eq=False)
class Walkthrough:
    """Everything that the tab "How it works" shows of one model.

    Attributes:
        names: the N names.
        plain: float32 (N, N), cosines of the class embeddings; None without textual queries.
        contextual: the same after the context decoder; None where there is none.
        attention: float32 (L, N, h, w), what each pixel attends to, mean over heads; names that
            share a trained class share its value; the rest of 1 goes to classes that are not
            listed. None without text-to-pixel attention.
        before: float32 (N, h, w), cosine before the pixel decoder (m = 0); None without text.
        after: float32 (N, h, w), cosine after it (m = M).
        masks: float16 (P, N, h, w), mask probability before the first mask layer and after each.
        classes: float32 (P, N), probability of the name's trained class.
    """

    names: tuple[str, ...]
    plain: np.ndarray | None
    contextual: np.ndarray | None
    attention: np.ndarray | None
    before: np.ndarray | None
    after: np.ndarray
    masks: np.ndarray
    classes: np.ndarray


def walk(predictor: Predictor, image: np.ndarray, names: Sequence[str]) -> Walkthrough:
    """Walks a picture through a trained model.

    Args:
        predictor: of the model.
        image: uint8 (H, W, 3) RGB; it is read in one pass, whatever its size.
        names: N names.

    Raises:
        ValueError: as ``Predictor.segment``, or a model that was never trained to segment.
    """
    if not isinstance(predictor.model, TrainedModel):
        raise ValueError(NO_STEPS)

    def use(model: TrainedModel, features: Features, text: Names) -> Walkthrough:
        return walk_through(model, features, text.embeddings, text.names)

    return predictor.read(image, names, use)


def walk_through(
    model: TrainedModel, features: Features, embeddings: Tensor, names: tuple[str, ...]
) -> Walkthrough:
    """Decodes once and keeps what happens inside.

    Args:
        model: trained.
        features: what its ``encode_image`` made of one picture.
        embeddings: (N, D), what its ``encode_names`` made of the names.
        names: N names.
    """
    segmenter, count = model.segmenter, len(names)
    with _recorded_attention(segmenter) as recorded:
        assignment, decoding = model.decode(features, embeddings, names)
    slots = assignment.slots[:count]
    textual = model.kind == "textual"
    probabilities = [p.class_logits[0].softmax(dim=-1)[:count] for p in decoding.predictions]
    rows = torch.arange(count, device=slots.device)
    size = tuple(decoding.pixels.memories[0].shape[2:])
    attention = None
    if recorded:
        # Levels are coarse to fine; the last, finest one is shown. (1, S, M) each.
        maps = [weights[0, -size[0] * size[1] :] for weights in recorded]
        attention = torch.stack([m.T.unflatten(1, size)[slots] for m in maps])
    return Walkthrough(
        names=names,
        plain=_cosines(embeddings) if textual else None,
        contextual=(
            _cosines(decoding.text_queries[0, :count])
            if textual and segmenter.context_decoder is not None
            else None
        ),
        attention=None if attention is None else _array(attention),
        before=_array(decoding.score_map[0, :count]) if textual else None,
        after=_array(decoding.query_similarity()[0, :count]),
        masks=np.stack(
            [_array(p.mask_logits[0, :count].sigmoid()) for p in decoding.predictions]
        ).astype(np.float16),
        classes=np.stack([_array(p[rows, slots]) for p in probabilities]),
    )


def _cosines(embeddings: Tensor) -> np.ndarray:
    unit = F.normalize(embeddings, dim=-1)
    return _array(unit @ unit.T)


def _array(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()


@contextmanager
def _recorded_attention(segmenter: Segmenter) -> Iterator[list[Tensor]]:
    """Weights (B, S, M) of the text attention of every pixel-decoder layer, mean over heads.

    The layers use a fused attention that tells no weights: they are computed again from what each
    layer is given, which changes nothing in what it answers.
    """
    found: list[Tensor] = []

    def keep(module: Attention, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        found.append(_weights(module, inputs[0], inputs[1]))

    layers = [layer.text_attention for layer in segmenter.pixel_decoder.layers]
    handles = [layer.register_forward_hook(keep) for layer in layers if layer is not None]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _weights(module: Attention, queries: Tensor, keys: Tensor) -> Tensor:
    """(B, N, S) softmax weights, mean over heads; queries (B, N, C), keys (B, S, C)."""
    query, key = (
        projected.unflatten(-1, (module.heads, -1)).transpose(1, 2)
        for projected in (module.query(queries), module.key(keys))
    )
    weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
    return weights.mean(dim=1)
