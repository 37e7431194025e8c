"""A trained segmenter as the predictor uses it: pictures of one size, any names.

Axes: B pictures; H W input pixels; h w a score map; K names; D text width; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import open_clip
import torch
import torch.nn.functional as F

from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.image_encoder import ImageFeatures
from tqdm_demo.model.segmenter import Decoding, Segmenter
from tqdm_demo.systems.zero_shot import ScoreMaps


@dataclass(frozen=True)
class NearestClass:
    """The trained class whose rows a name borrows.

    Attributes:
        name: of the trained class, the nearest one.
        similarity: cosine of the two class embeddings.
    """

    name: str
    similarity: float


class TrainedModel:
    """A segmenter with what its checkpoint says about it.

    Args:
        segmenter: in evaluation mode, on its device.
        known_words: lower case, what its text tower saw while it was trained; empty = unknown.
    """

    method = "plain"

    def __init__(self, segmenter: Segmenter, known_words: frozenset[str] = frozenset()) -> None:
        config = segmenter.config
        self.segmenter = segmenter
        self.known_words = known_words
        self.kind = config.queries
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_size = config.input_size
        self.size_multiple = config.size_multiple
        self.fixed_size = config.fixed_size
        self.window_stride = config.window_stride
        self.longest_name = segmenter.text_encoder.longest_name
        positions = segmenter.text_encoder.tower.num_pos
        self.tokenizer = open_clip.SimpleTokenizer(context_length=positions)
        self._device = next(segmenter.parameters()).device
        with torch.inference_mode():
            self._trained = self.encode_names(self.default_names)

    def encode_image(self, pixels: torch.Tensor) -> ImageFeatures:
        """Encodes normalised pixels (B, 3, H, W)."""
        return self.segmenter.encode_image(pixels.to(self._device))

    def encode_names(self, names: Sequence[str]) -> torch.Tensor:
        """Class embeddings (K, D), not normalised."""
        return self.segmenter.encode_text(self.tokenizer(list(names)).to(self._device))

    def answer(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> ScoreMaps:
        """Decodes pictures for K names with embeddings (K, D)."""
        assignment, decoding = self.decode(features, embeddings, names)
        scores = self.segmenter.semantic_scores(decoding.predictions[-1], assignment)
        return ScoreMaps(scores, decoding.score_map[:, : len(names)])

    def nearest_classes(
        self, names: Sequence[str], embeddings: torch.Tensor
    ) -> tuple[NearestClass | None, ...]:
        """Per name the trained class that it borrows from; None where it is trained itself.

        Args:
            names: K names.
            embeddings: (K, D) of :meth:`encode_names`.
        """
        trained = self.default_names
        assignment = self.segmenter.assign_queries(names, embeddings, self._trained)
        slots = assignment.slots[: len(names)]
        cosines = F.cosine_similarity(embeddings, self._trained[slots], dim=-1).tolist()
        return tuple(
            None if name in trained else NearestClass(trained[slot], cosine)
            for name, slot, cosine in zip(names, slots.tolist(), cosines, strict=True)
        )

    def decode(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> tuple[QueryAssignment, Decoding]:
        """All that the decoders say about pictures for K names with embeddings (K, D)."""
        assignment = self.segmenter.assign_queries(names, embeddings, self._trained)
        queries = assignment.query_embeddings(embeddings, self._trained)
        return assignment, self.segmenter.decode(features, queries, assignment)
