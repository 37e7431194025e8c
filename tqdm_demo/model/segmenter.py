"""The whole model: image encoder, text encoder, context decoder, pixel decoder, mask decoder.

Paper: "Textual Query-Driven Mask Transformer for Domain Generalized Segmentation", Fig. 3.

Axes: B images; H W input pixels; K listed names; Q queries (names and silent ones); M trained
classes; T tokens; D joint width of text and image; C decoder width; h w one feature level.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import open_clip
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.config import ModelConfig
from tqdm_demo.model.assignment import QueryAssignment, assign_queries
from tqdm_demo.model.context_decoder import ContextDecoder
from tqdm_demo.model.image_encoder import ImageEncoder, ImageFeatures, resize_positions
from tqdm_demo.model.mask_decoder import MaskDecoder, MaskPrediction
from tqdm_demo.model.pixel_decoder import PixelDecoder, PixelFeatures
from tqdm_demo.model.text_encoder import TextEncoder


@dataclass(frozen=True)
class Decoding:
    """Everything that the decoders say about a batch of images.

    Attributes:
        predictions: one before the first mask layer and one after each; the last one counts.
        pixels: memories and mask features.
        text_queries: (B, Q, D) class embeddings, after the context decoder where there is one;
            None where learned queries were run without any text.
        score_map: (B, Q, h, w) cosine of patch embeddings and text queries; None likewise.
    """

    predictions: tuple[MaskPrediction, ...]
    pixels: PixelFeatures
    text_queries: Tensor | None
    score_map: Tensor | None

    def query_similarity(self) -> Tensor:
        """(B, Q, h, w) cosine of the last mask embeddings and the mask features."""
        embeddings = F.normalize(self.predictions[-1].mask_embeddings, dim=-1)
        features = F.normalize(self.pixels.mask_features, dim=1)
        return torch.einsum("bqc,bchw->bqhw", embeddings, features)


class Segmenter(nn.Module):
    """A textual-query segmenter; with ``config.queries`` "learned", its baseline.

    Built with random weights and nothing downloaded; see ``checkpoint.load_segmenter`` for
    trained ones and :meth:`from_clip` for the start of a training.

    Args:
        config: architecture.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        text_cfg = {**config.clip["text_cfg"], "context_length": config.text_positions}
        clip = open_clip.CustomTextCLIP(**{**config.clip, "text_cfg": text_cfg})
        if config.fixed_size:
            # open_clip builds a timm tower for timm's own picture size, whatever the config says.
            clip.visual.set_input_size(config.clip["vision_cfg"]["image_size"])
        text_width = config.clip["embed_dim"]
        self.image_encoder = ImageEncoder(clip.visual, config.pyramid_blocks, config.drop_path)
        self.text_encoder = TextEncoder(clip.text, config.prompt_length)
        self.context_decoder = None
        if config.context_decoder:
            self.context_decoder = ContextDecoder(
                text_width, config.context_width, config.context_heads, config.context_layers
            )
        self.pixel_decoder = PixelDecoder(config, self.image_encoder.width, text_width)
        self.mask_decoder = MaskDecoder(config, text_width)

    @classmethod
    def from_clip(cls, config: ModelConfig, clip: nn.Module) -> Segmenter:
        """A segmenter to be trained: the towers of a pre-trained CLIP, everything else new.

        Position tables are fitted to ``config``: open_clip's own image tower's is resized
        bilinearly to the input size, the text tower's keeps its first rows.

        Args:
            config: whose ``clip`` is the config of ``clip``, but for the input size.
            clip: an open_clip CLIP or CustomTextCLIP; it stays as it is.
        """
        segmenter = cls(config)
        visual = clip.visual.state_dict()
        if segmenter.image_encoder.is_native:
            visual["positional_embedding"] = resize_positions(
                visual["positional_embedding"],
                clip.visual.grid_size,
                segmenter.image_encoder.tower.grid_size,
            )
        segmenter.image_encoder.tower.load_state_dict(visual)
        text = text_tower_weights(clip.state_dict(), config.text_positions)
        segmenter.text_encoder.tower.load_state_dict(text)
        return segmenter

    def frozen_image_encoder(self) -> ImageEncoder:
        """A copy of the image encoder that never learns: the visual regulariser's reference.

        It is in evaluation mode.
        """
        return copy.deepcopy(self.image_encoder).requires_grad_(False).eval()

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Encodes normalised pixels (B, 3, H, W)."""
        return self.image_encoder(pixels)

    def encode_text(self, tokens: Tensor, with_prompt: bool = True) -> Tensor:
        """Encodes tokens (K, T) of open_clip's tokenizer to class embeddings (K, D).

        ``with_prompt=False`` gives the plain text embedding. Neither is normalised.

        Raises:
            ValueError: a name that is too long for the position table.
        """
        return self.text_encoder(tokens, with_prompt)

    def assign_queries(
        self, names: Sequence[str], embeddings: Tensor, trained_embeddings: Tensor
    ) -> QueryAssignment:
        """Finds the slots of listed names, see :mod:`tqdm_demo.model.assignment`.

        Args:
            names: K listed names.
            embeddings: (K, D) their class embeddings.
            trained_embeddings: (M, D) those of ``config.class_names``.

        Raises:
            ValueError: no names, or a name that is listed twice.
        """
        return assign_queries(names, embeddings, self.config.class_names, trained_embeddings)

    def decode(
        self, features: ImageFeatures, class_embeddings: Tensor | None, assignment: QueryAssignment
    ) -> Decoding:
        """Runs the decoders.

        Args:
            features: of :meth:`encode_image`.
            class_embeddings: (Q, D) of all queries, see ``QueryAssignment.query_embeddings``;
                learned queries do without, they only return its similarity.
            assignment: of these queries.
        """
        text_queries, score_map, slot_text = None, None, None
        if class_embeddings is not None:
            text_queries = class_embeddings.expand(len(features.global_embedding), -1, -1)
            if self.context_decoder is not None:
                text_queries = self.context_decoder(
                    text_queries, features, assignment.attention_mask
                )
            score_map = torch.einsum(
                "bqd,bdhw->bqhw",
                F.normalize(text_queries, dim=-1),
                F.normalize(features.dense, dim=1),
            )
            slot_text = text_queries[:, assignment.primary]
        levels = features.pyramid
        if not features.is_projected:
            levels = self.pixel_decoder.project(levels)
        pixels = self.pixel_decoder.decode(levels, slot_text)
        predictions = self.mask_decoder(pixels, text_queries, assignment)
        return Decoding(predictions, pixels, text_queries, score_map)

    @staticmethod
    def semantic_scores(prediction: MaskPrediction, assignment: QueryAssignment) -> Tensor:
        """Scores of the listed names, (B, K, h, w), not below 0.

        For the trained list the published rule: the sum over queries of class probability times
        mask probability. ``QueryAssignment.counts`` says which queries count otherwise.
        """
        probabilities = prediction.class_logits.softmax(dim=-1)
        names = assignment.slots[: assignment.listed]
        weights = probabilities[:, :, names].transpose(1, 2) * assignment.counts
        return torch.einsum("bkq,bqhw->bkhw", weights, prediction.mask_logits.sigmoid())


def text_tower_weights(clip_weights: dict[str, Tensor], positions: int) -> dict[str, Tensor]:
    """The text tower's part of a CLIP's state dict, with the first rows of its position table.

    Args:
        clip_weights: of an open_clip CLIP or CustomTextCLIP.
        positions: rows wanted.

    Raises:
        ValueError: the table has fewer rows.
    """
    named = open_clip.model.convert_to_custom_text_state_dict(clip_weights)
    text = {k.removeprefix("text."): v for k, v in named.items() if k.startswith("text.")}
    rows = len(text["positional_embedding"])
    if rows < positions:
        raise ValueError(f"text_positions is {positions}; the text tower has {rows} positions")
    text["positional_embedding"] = text["positional_embedding"][:positions]
    return text
