"""A trained segmenter as the predictor uses it: one picture, any names.

Axes: B = 1; H W input pixels; h w a score map; K names; D text width; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import open_clip
import torch

from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.image_encoder import ImageFeatures
from tqdm_demo.model.segmenter import Decoding, Segmenter
from tqdm_demo.similarity import Answer


class TrainedModel:
    """A segmenter with what its checkpoint says about it.

    Args:
        segmenter: in evaluation mode, on its device.
        known_words: lower case, what its text tower saw while it was trained; empty = unknown.
    """

    def __init__(self, segmenter: Segmenter, known_words: frozenset[str] = frozenset()) -> None:
        config = segmenter.config
        self.segmenter = segmenter
        self.known_words = known_words
        self.kind = config.queries
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_area = config.input_size[0] * config.input_size[1]
        self.multiple = config.size_multiple
        self.longest_name = segmenter.text_encoder.longest_name
        self.tokenizer = open_clip.SimpleTokenizer(context_length=config.text_positions)
        self._device = next(segmenter.parameters()).device
        with torch.inference_mode():
            self._trained = self.encode_names(self.default_names)

    def encode_image(self, pixels: torch.Tensor) -> ImageFeatures:
        """Encodes normalised pixels (1, 3, H, W)."""
        return self.segmenter.encode_image(pixels.to(self._device))

    def encode_names(self, names: Sequence[str]) -> torch.Tensor:
        """Class embeddings (K, D), not normalised."""
        return self.segmenter.encode_text(self.tokenizer(list(names)).to(self._device))

    def answer(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> Answer:
        """Decodes one picture for K names with embeddings (K, D)."""
        assignment, decoding = self.decode(features, embeddings, names)
        scores = self.segmenter.semantic_scores(decoding.predictions[-1], assignment)
        trained = self.default_names
        slots = assignment.slots[: len(names)].tolist()
        return Answer(
            scores=scores[0],
            similarity=decoding.score_map[0, : len(names)],
            leanings=tuple(
                None if name in trained else trained[slot]
                for name, slot in zip(names, slots, strict=True)
            ),
        )

    def decode(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> tuple[QueryAssignment, Decoding]:
        """All that the decoders say about one picture for K names with embeddings (K, D)."""
        assignment = self.segmenter.assign_queries(names, embeddings, self._trained)
        queries = assignment.query_embeddings(embeddings, self._trained)
        return assignment, self.segmenter.decode(features, queries, assignment)
