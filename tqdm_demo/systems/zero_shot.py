"""Dense image-text similarity of a frozen CLIP: every patch token against every class name.

Three ways to get an embedding of a patch from a tower that learned to embed whole pictures:

``plain``      the last block's tokens through the tower's own norm and projection, what the
               published code calls score map. It suits towers that were trained with average
               pooling; in a tower that learned through its class token alone the patch tokens
               say little
``maskclip``   the last block's attention is left out: every token keeps its own value, which goes
               through the output projection; no residual, no feed-forward. arXiv 2112.01071
``clearclip``  as ``maskclip``, but a token takes the values of those whose queries are like its
               own: softmax(q q^T / sqrt(d)) v. arXiv 2407.12442

Axes: B images; H W input pixels; h w patch tokens; T all tokens; E tower width; A heads; N names;
D joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from timm.layers import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from tqdm_demo.model.image_encoder import embed_patches, patch_size, run_tower
from tqdm_demo.model.lite0_vit import Lite0VisionTransformer
from tqdm_demo.systems.cuda_graphs import Run, run_plainly
from tqdm_demo.systems.system import METHODS, STAGES, ScoreMaps, StageMaps
from tqdm_demo.systems.tokens import encode, tokenize
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

# Neutral sentences; a name's embedding is the mean over them (CLIP, arXiv 2103.00020, Sec. 3.1.4).
TEMPLATES = ("{}", "a {}", "a photo of a {}", "a picture of a {}", "there is a {}")


class ZeroShotModel:
    """A CLIP that segments by similarity alone, see :class:`.system.System`.

    Nothing was trained to segment.

    Args:
        clip: open_clip's model with a vision transformer and CLIP's own words.
        config: ``config.json`` of its folder: ``image_mean``, ``image_std``, ``input_size``
            (height, width) and, where they are recorded, ``words``.
        method: one of :data:`METHODS`; None = what suits the tower, see :func:`default_method`.

    Raises:
        ValueError: a method that the tower does not allow.
    """

    kind = "zero-shot"
    default_names = CITYSCAPES_NAMES
    window_stride = None
    keeps_size = False

    def __init__(
        self, clip: open_clip.CLIP, config: dict[str, Any], method: str | None = None
    ) -> None:
        self.clip = clip.eval()
        self.run: Run = run_plainly
        self.method = method or default_method(clip.visual)
        if self.method not in methods_of(clip.visual):
            allowed = ", ".join(methods_of(clip.visual))
            raise ValueError(f"similarity {method!r} does not apply to this tower; use {allowed}")
        self.known_words = frozenset(config.get("words", ()))
        self.mean, self.std = config["image_mean"], config["image_std"]
        self.input_size = tuple(config["input_size"])
        self.fixed_size = bool(config.get("fixed_size", False))

    @property
    def size_multiple(self) -> int:
        """Input sides are multiples of this: the patch size."""
        return patch_size(self.clip.visual)

    @property
    def longest_name(self) -> int:
        """Tokens that a name may have, so that it fits into every template."""
        frame = max(len(encode(template.removesuffix("{}"))) for template in TEMPLATES)
        return self.clip.context_length - 2 - frame

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Normalised pixels (B, 3, H, W) to unit embeddings of the patches (B, D, h, w)."""
        pixels = pixels.to(self.clip.logit_scale.device)

        def embed(pixels: Tensor) -> tuple[Tensor]:
            return (F.normalize(dense_embeddings(self.clip.visual, pixels, self.method), dim=1),)

        return self.run("image", embed, (pixels,))[0]

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """Unit embeddings (N, D), each the mean over :data:`TEMPLATES`."""
        return name_embeddings(self.clip, names)

    def embed_pictures(self, pixels: Tensor) -> Tensor:
        """Normalised pixels (B, 3, H, W) to unit embeddings of whole pictures (B, D)."""
        pixels = pixels.to(self.clip.logit_scale.device)
        return F.normalize(run_tower(self.clip.visual, pixels).global_embedding, dim=-1)

    def encode_captions(self, captions: Sequence[str]) -> Tensor:
        """Unit embeddings (N, D) of captions as they are."""
        tokens = tokenize(captions, self.clip.context_length)
        return self.clip.encode_text(tokens.to(self.clip.logit_scale.device), normalize=True)

    def answer(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> ScoreMaps:
        """Compares all patches (B, D, h, w) with all names (N, D)."""
        similarity = torch.einsum("bdhw,nd->bnhw", features, embeddings)
        # A cosine is no probability. Bringing it to [0, 1] changes no winner, resized or not.
        return ScoreMaps((1 + similarity) / 2, similarity)

    def stages(self, features: Tensor, embeddings: Tensor, names: Sequence[str]) -> StageMaps:
        """The similarity, which is all that it has."""
        maps = {"clip": self.answer(features, embeddings, names).similarity}
        reason = "A CLIP that was never trained to segment has no decoders."
        return StageMaps(maps, {stage: reason for stage in STAGES if stage not in maps})

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """False for every name: it reads all of them."""
        return (False,) * len(names)

    def nearest_classes(self, names: Sequence[str], embeddings: Tensor) -> tuple[None, ...]:
        """None for every name: nothing was trained that a name could borrow from."""
        return (None,) * len(names)


def name_embeddings(clip: open_clip.CLIP, names: Sequence[str]) -> Tensor:
    """Unit embeddings (N, D) of names, each the mean over :data:`TEMPLATES`."""
    tokens = tokenize(names, clip.context_length, TEMPLATES)
    embeddings = clip.encode_text(tokens.to(clip.logit_scale.device), normalize=True)
    grouped = embeddings.unflatten(0, (len(names), len(TEMPLATES)))
    return F.normalize(grouped.mean(dim=1), dim=-1)


def methods_of(visual: nn.Module) -> tuple[str, ...]:
    """Those of :data:`METHODS` that apply to a tower: all, where its last block is ordinary."""
    return METHODS if _last_attention(visual) is not None else METHODS[:1]


def default_method(visual: nn.Module) -> str:
    """``clearclip`` for open_clip's own towers, which are pooled at a class token, else ``plain``.

    timm's towers stay at ``plain``: the bundled one is trained with average pooling, and EVA's
    blocks (rotary positions, a norm inside the attention) are not what the papers looked at.
    """
    native = isinstance(visual, VisionTransformer)
    return "clearclip" if native and "clearclip" in methods_of(visual) else "plain"


def dense_embeddings(visual: nn.Module, pixels: Tensor, method: str = "plain") -> Tensor:
    """Embeddings of the patches in the joint space, not normalised: (B, D, h, w).

    Args:
        visual: open_clip's visual tower.
        pixels: (B, 3, H, W) normalised.
        method: one of :func:`methods_of` the tower.
    """
    if method == "plain":
        return run_tower(visual, pixels).dense
    last = _last_attention(visual)
    assert last is not None, f"{method} needs an ordinary last block"
    tokens, size = _before_last_block(visual, pixels)
    query, value = last.query_and_value(tokens)
    if method == "clearclip":
        value = F.scaled_dot_product_attention(query, query, value)
    tokens = last.scale(last.output(value.transpose(1, 2).flatten(2)))  # (B, T, E)
    if isinstance(visual, VisionTransformer):
        embeddings = visual.ln_post(tokens) @ visual.proj
    else:
        embeddings = visual.head(visual.trunk.head(visual.trunk.fc_norm(visual.trunk.norm(tokens))))
    patches = embeddings[:, -size[0] * size[1] :]  # behind the class token, where there is one
    return patches.transpose(1, 2).unflatten(2, size)


@dataclass(frozen=True)
class _LastAttention:
    """The parts of a last block's attention: norm, one projection to q, k and v, output, scale."""

    norm: nn.Module
    weight: Tensor  # (3 E, E)
    bias: Tensor | None  # (3 E)
    output: nn.Module
    scale: nn.Module  # of the branch, mostly the identity
    heads: int

    def query_and_value(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, E) to (B, A, T, E / A) each."""
        query, _, value = F.linear(self.norm(tokens), self.weight, self.bias).chunk(3, dim=-1)
        query, value = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (query, value))
        return query, value


def _last_attention(visual: nn.Module) -> _LastAttention | None:
    """None where the last block is built in another way."""
    if isinstance(visual, VisionTransformer):
        blocks = visual.transformer.resblocks
        block = blocks[-1]
        if len(blocks) < 2 or type(block) is not ResidualAttentionBlock:
            return None
        attention = block.attn
        return _LastAttention(
            block.ln_1,
            attention.in_proj_weight,
            attention.in_proj_bias,
            attention.out_proj,
            block.ls_1,
            attention.num_heads,
        )
    blocks = visual.trunk.blocks
    block = blocks[-1]
    if isinstance(visual.trunk, Lite0VisionTransformer):  # its last block is followed by more
        return None
    if len(blocks) < 2 or type(block) is not Block or type(block.attn) is not Attention:
        return None
    attention = block.attn
    plain_parts = (attention.q_norm, attention.norm)
    if attention.gate is not None or not all(isinstance(p, nn.Identity) for p in plain_parts):
        return None
    return _LastAttention(
        block.norm1,
        attention.qkv.weight,
        attention.qkv.bias,
        attention.proj,
        block.ls1,
        attention.num_heads,
    )


def _before_last_block(visual: nn.Module, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """All tokens (B, T, E) that the last block reads, and the grid (h, w) of the patches."""
    if isinstance(visual, VisionTransformer):
        tokens, size = embed_patches(visual, pixels)
        for block in visual.transformer.resblocks[:-1]:
            tokens = block(tokens)
        return tokens, size
    trunk = visual.trunk
    found = trunk.forward_intermediates(
        pixels,
        indices=[len(trunk.blocks) - 2],
        return_prefix_tokens=True,
        stop_early=True,
        output_fmt="NLC",
        intermediates_only=True,
    )[0]
    tokens = torch.cat((found[1], found[0]), dim=1) if trunk.num_prefix_tokens else found
    return tokens, trunk.patch_embed.dynamic_feat_size(tuple(pixels.shape[2:]))
