"""A trained segmenter, tqdm or its learned-query baseline, for any names.

Axes: B pictures; H W input pixels; h w a score map; N names; D text width; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.fused_pyramid import FusedPyramid
from tqdm_demo.model.image_encoder import ImageFeatures
from tqdm_demo.model.segmenter import Decoding, Segmenter
from tqdm_demo.systems.cuda_graphs import Run, run_plainly
from tqdm_demo.systems.system import NearestClass, ScoreMaps, StageMaps
from tqdm_demo.systems.tokens import tokenize


@dataclass(frozen=True)
class _Assigned:
    """What a list of names was assigned last, so that it is not asked for twice an answer.

    Attributes:
        names: N names, with ``embeddings`` (N, D).
        embeddings: see ``names``.
        assignment: of them.
    """

    names: tuple[str, ...]
    embeddings: torch.Tensor
    assignment: QueryAssignment


class TrainedModel:
    """A segmenter with what its checkpoint says about it; see :class:`.system.System`.

    Args:
        segmenter: in evaluation mode, on its device.
        known_words: lower case, what its text tower saw while it was trained; empty = unknown.

    Attributes:
        run: how its networks are run, see :mod:`.cuda_graphs`.
    """

    method = "plain"
    keeps_size = False

    def __init__(self, segmenter: Segmenter, known_words: frozenset[str] = frozenset()) -> None:
        config = segmenter.config
        self.segmenter = segmenter
        self.run: Run = run_plainly
        self._assigned: _Assigned | None = None
        self.known_words = known_words
        self.kind = config.queries
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_size = config.input_size
        self.size_multiple = config.size_multiple
        self.fixed_size = config.fixed_size
        self.window_stride = config.window_stride
        self.longest_name = segmenter.text_encoder.longest_name
        self._device = next(segmenter.parameters()).device
        self._pyramid = FusedPyramid(segmenter.image_encoder.pyramid, segmenter.pixel_decoder)
        with torch.inference_mode():
            self._trained = self._encode(self.default_names)

    def encode_image(self, pixels: torch.Tensor) -> ImageFeatures:
        """Encodes normalised pixels (B, 3, H, W), as far as nothing depends on names."""
        pixels = pixels.to(self._device)
        dense, pooled, *pyramid = self.run("image", self._encode_pixels, (pixels,))
        return ImageFeatures(tuple(pyramid), dense, pooled, is_projected=True)

    def _encode_pixels(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        output = self.segmenter.image_encoder.run_tower(pixels)
        return output.dense, output.global_embedding, *self._pyramid(output)

    def encode_names(self, names: Sequence[str]) -> torch.Tensor:
        """Class embeddings (N, D), not normalised; trained names are encoded already."""
        order = {name: slot for slot, name in enumerate(self.default_names)}
        fresh = [name for name in names if name not in order]
        rows = self._trained
        if fresh:
            rows = torch.cat((rows, self._encode(fresh)))
            order |= {name: len(order) + n for n, name in enumerate(fresh)}
        return rows[[order[name] for name in names]]

    def _encode(self, names: Sequence[str]) -> torch.Tensor:
        """(N, D): one pass of the text tower for all names."""
        encoder = self.segmenter.text_encoder
        tokens = encoder.trim(tokenize(names, encoder.tower.num_pos)).to(self._device)
        return self.run("names", lambda tokens: (encoder.encode(tokens),), (tokens,))[0]

    def answer(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> ScoreMaps:
        """Decodes pictures for N names with embeddings (N, D)."""
        assignment = self._assign(names, embeddings)
        key = ("answer", features.is_projected, assignment.listed)
        tensors = (
            assignment.slots,
            assignment.primary,
            assignment.query_embeddings(embeddings, self._trained),
            features.dense,
            features.global_embedding,
            *features.pyramid,
        )
        scores, similarity = self.run(key, partial(self._decode_names, *key[1:]), tensors)
        return ScoreMaps(scores, similarity)

    def _decode_names(
        self,
        is_projected: bool,
        listed: int,
        slots: torch.Tensor,
        primary: torch.Tensor,
        queries: torch.Tensor,
        dense: torch.Tensor,
        pooled: torch.Tensor,
        *pyramid: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assignment = QueryAssignment(slots, primary, listed)
        features = ImageFeatures(pyramid, dense, pooled, is_projected)
        decoding = self.segmenter.decode(features, queries, assignment)
        scores = self.segmenter.semantic_scores(decoding.predictions[-1], assignment)
        return scores, decoding.score_map[:, :listed]

    def stages(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> StageMaps:
        """The maps before and after the pixel decoder, and the final scores."""
        count = len(names)
        assignment, decoding = self.decode(features, embeddings, names)
        absent = {"clip": "Only a CLIP by itself has this stage."}
        maps = {
            "after": decoding.query_similarity()[:, :count],
            "mask": self.segmenter.semantic_scores(decoding.predictions[-1], assignment),
        }
        if self.kind == "textual":
            maps["before"] = decoding.score_map[:, :count]
        else:
            absent["before"] = "Its queries are learned: nothing in this model reads the name."
        return StageMaps(maps, absent)

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """False for every name: one that was not trained borrows from its nearest class."""
        return (False,) * len(names)

    def nearest_classes(
        self, names: Sequence[str], embeddings: torch.Tensor
    ) -> tuple[NearestClass | None, ...]:
        """Per name the trained class that it borrows from; None where it is trained itself.

        Args:
            names: N names.
            embeddings: (N, D) of :meth:`encode_names`.
        """
        trained = self.default_names
        if all(name in trained for name in names):
            return (None,) * len(names)
        slots = self._assign(names, embeddings).slots[: len(names)]
        cosines = F.cosine_similarity(embeddings, self._trained[slots], dim=-1)
        slots, cosines = torch.stack((slots.to(cosines), cosines)).tolist()
        return tuple(
            None if name in trained else NearestClass(trained[int(slot)], cosine)
            for name, slot, cosine in zip(names, slots, cosines, strict=True)
        )

    def _assign(self, names: Sequence[str], embeddings: torch.Tensor) -> QueryAssignment:
        """The queries of a list; the one that was asked for last is kept."""
        last = self._assigned
        if last is None or last.embeddings is not embeddings or last.names != tuple(names):
            found = self.segmenter.assign_queries(names, embeddings, self._trained)
            last = self._assigned = _Assigned(tuple(names), embeddings, found)
        return last.assignment

    def decode(
        self, features: ImageFeatures, embeddings: torch.Tensor, names: Sequence[str]
    ) -> tuple[QueryAssignment, Decoding]:
        """All that the decoders say about pictures for N names with embeddings (N, D)."""
        assignment = self._assign(names, embeddings)
        queries = assignment.query_embeddings(embeddings, self._trained)
        return assignment, self.segmenter.decode(features, queries, assignment)
