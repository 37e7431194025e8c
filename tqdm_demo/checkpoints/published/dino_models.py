"""The published Rein and SoMA models: two files each, the authors' own and DINOv2's.

Rein's release file holds its reins and its head, SoMA's low-rank pairs, all biases of the backbone
and its head. Both stand on ``dinov2_vitl14_pretrain.pth``, whose patches of 14 pixels become
patches of 16 when they are converted.

Written from the architectures' facts and tensor names; Rein is GPL-3.0, and nothing of its code is
here. Source: github.com/w1oves/Rein, github.com/ysj9909/SoMA, github.com/facebookresearch/dinov2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from tqdm_demo.checkpoints.published.key_map import (
    DECODER_HEAD,
    DINO_KERNEL,
    DINO_POSITIONS,
    PIXEL_INPUTS,
    SPLIT,
    rules_of,
)
from tqdm_demo.checkpoints.published.plan import PublishedModel
from tqdm_demo.model.mask2former import ReinSegmenter
from tqdm_demo.rival_config import ReinConfig

_VIT = "backbone.vit"
_BACKBONE = rules_of(
    ("cls_token", f"{_VIT}.cls_token"),
    ("pos_embed", f"{_VIT}.pos_embed", DINO_POSITIONS),
    ("patch_embed.proj.weight", f"{_VIT}.patch_embed.proj.weight", DINO_KERNEL),
    ("patch_embed.proj.bias", f"{_VIT}.patch_embed.proj.bias"),
    ("blocks.{rest}", f"{_VIT}.blocks.{{rest}}"),
    ("norm.{part}", f"{_VIT}.norm.{{part}}"),
)
_REINS = rules_of(
    ("backbone.reins.scale", "backbone.reins.scale"),
    ("backbone.reins.learnable_tokens_{factor}", "backbone.reins.tokens_{factor}"),
    ("backbone.reins.mlp_token2feat.{part}", "backbone.reins.token_to_feature.{part}"),
    ("backbone.reins.mlp_delta_f.{part}", "backbone.reins.delta.{part}"),
    ("backbone.reins.transform.{part}", "backbone.reins.transform.{part}"),
    ("backbone.reins.merge.{part}", "backbone.reins.merge.{part}"),
    ("decode_head.querys2feat.{part}", "query_projection.{part}"),
)
_LEARNED_QUERIES = rules_of(
    ("decode_head.query_feat.weight", "query_features"),
    ("decode_head.query_embed.weight", "query_positions"),
)

_PIXEL = "decode_head.pixel_decoder.encoder.layers.{layer}"
_OUR_PIXEL = "pixel_decoder.layers.{layer}"
_MASK = "decode_head.transformer_decoder.layers.{layer}"
_OUR_MASK = "mask_decoder.layers.{layer}"
_MASK_ATTENTION = f"{_MASK}.{{kind}}_attn.attn"
_OUR_ATTENTION = f"{_OUR_MASK}.{{kind}}_attention"
_PIXEL_ATTENTION, _OUR_SELF = f"{_PIXEL}.self_attn", f"{_OUR_PIXEL}.self_attention"
_HEAD = rules_of(
    (f"{_PIXEL_ATTENTION}.sampling_offsets.{{part}}", f"{_OUR_SELF}.offsets.{{part}}"),
    (f"{_PIXEL_ATTENTION}.attention_weights.{{part}}", f"{_OUR_SELF}.weights.{{part}}"),
    (f"{_PIXEL_ATTENTION}.value_proj.{{part}}", f"{_OUR_SELF}.value.{{part}}"),
    (f"{_PIXEL_ATTENTION}.output_proj.{{part}}", f"{_OUR_SELF}.output.{{part}}"),
    (f"{_PIXEL}.ffn.layers.0.0.{{part}}", f"{_OUR_PIXEL}.feed_forward.0.{{part}}"),
    (f"{_PIXEL}.ffn.layers.1.{{part}}", f"{_OUR_PIXEL}.feed_forward.2.{{part}}"),
    # There is no text attention between the two norms.
    (f"{_PIXEL}.norms.0.{{part}}", f"{_OUR_PIXEL}.norm1.{{part}}"),
    (f"{_PIXEL}.norms.1.{{part}}", f"{_OUR_PIXEL}.norm3.{{part}}"),
    (f"{_MASK_ATTENTION}.in_proj_{{part}}", f"{_OUR_ATTENTION}.{{projection}}.{{part}}", SPLIT),
    (f"{_MASK_ATTENTION}.out_proj.{{part}}", f"{_OUR_ATTENTION}.output.{{part}}"),
    (f"{_MASK}.ffn.layers.0.0.{{part}}", f"{_OUR_MASK}.feed_forward.0.{{part}}"),
    (f"{_MASK}.ffn.layers.1.{{part}}", f"{_OUR_MASK}.feed_forward.2.{{part}}"),
    (f"{_MASK}.norms.0.{{part}}", f"{_OUR_MASK}.norm1.{{part}}"),
    (f"{_MASK}.norms.1.{{part}}", f"{_OUR_MASK}.norm2.{{part}}"),
    (f"{_MASK}.norms.2.{{part}}", f"{_OUR_MASK}.norm3.{{part}}"),
)  # fmt: skip
_DROPPED = (
    ("mask_token", "DINOv2's token for hidden patches, which only its training needs"),
    ("backbone.model.mask_token", "token for hidden patches, which only training needs"),
)

REIN = PublishedModel(
    title="Rein with DINOv2-L",
    system="rein",
    marker="backbone.reins.learnable_tokens_a",
    rules=_BACKBONE + _REINS + _HEAD + PIXEL_INPUTS + DECODER_HEAD,
    config=ReinConfig(),
    build=ReinSegmenter,
    dropped=_DROPPED,
    source="https://github.com/w1oves/Rein",
)
SOMA = PublishedModel(
    title="SoMA with DINOv2-L",
    system="soma",
    marker="backbone.model.blocks.23.attn.q.lora_A.weight",
    rules=_BACKBONE + _LEARNED_QUERIES + _HEAD + PIXEL_INPUTS + DECODER_HEAD,
    config=ReinConfig(reins_rank=0),
    build=ReinSegmenter,
    dropped=_DROPPED,
    source="https://github.com/ysj9909/SoMA",
)

_SOMA_PREFIX = "backbone.model."
_QKV = re.compile(r"(blocks\.\d+\.attn\.)qkv\.(weight|bias)")


class MergedSoma(Mapping[str, Tensor]):
    """SoMA's two files as one checkpoint with the names of DINOv2 and of the head.

    A Linear is W x + b + B (A x) there; one weight W + B A says the same. W is DINOv2's, as it was
    published: nothing is subtracted from it. All biases come from SoMA's file.

    Args:
        release: SoMA's tensors by published name.
        dino: DINOv2's.
    """

    def __init__(self, release: Mapping[str, Tensor], dino: Mapping[str, Tensor]) -> None:
        self._release = release
        self._dino = dino

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._dino:
            return self._release[name]
        fused = _QKV.fullmatch(name)
        if fused is None:
            return self._merged(name, self._dino[name])
        parts = self._dino[name].chunk(3)
        names = [f"{fused[1]}{letter}.{fused[2]}" for letter in "qkv"]
        return torch.cat([self._merged(*pair) for pair in zip(names, parts, strict=True)])

    def __iter__(self) -> Iterator[str]:
        yield from self._dino
        yield from (name for name in self._release if name.startswith("decode_head."))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _merged(self, name: str, original: Tensor) -> Tensor:
        """One tensor of the backbone; ``name`` as SoMA splits it, without its prefix."""
        own = self._release.get(f"{_SOMA_PREFIX}{name}")
        if own is not None:
            return own
        layer = f"{_SOMA_PREFIX}{name.removesuffix('.weight')}"
        down = self._release.get(f"{layer}.lora_A.weight")
        if down is None or not name.endswith(".weight"):
            return original
        return original + self._release[f"{layer}.lora_B.weight"] @ down
