"""Names of tensors: published tqdm checkpoints <-> ours, as data that reads in both directions.

Every line is (published name, our name, what happens to the values). A word in braces stands for
one of :data:`PLACEHOLDERS` and is the same on both sides; ``{projection}`` stands on our side
alone, where one published tensor becomes three of ours. Of several lines that fit a name the
first one counts.

Source: github.com/ByeongHyunPak/tqdm (published names).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# What a word in braces stands for.
PLACEHOLDERS = {
    "layer": r"\d+",
    "index": r"\d+",
    "part": "weight|bias",
    "kind": "self|cross",
    "qkv": "q|k|v",
    "projection": "query|key|value",
    "factor": "a|b",
    "rest": ".+",
}
PROJECTIONS = ("query", "key", "value")

# What happens to the values.
SAME = "same"
DOUBLED = "doubled"  # the published tower adds the class embedding twice
FIRST = "first"  # row 0 of a leading axis of one
SPLIT = "split"  # in three along the rows: query, key, value
DINO_KERNEL = "dino kernel"  # bicubic, from patches of 14 pixels
DINO_POSITIONS = "dino positions"  # bicubic, from a grid of 37 x 37


@dataclass(frozen=True)
class Rule:
    """One line of the map; names are templates."""

    published: str
    ours: str
    fold: str = SAME


def rules_of(*lines: tuple[str, ...]) -> tuple[Rule, ...]:
    """Rules from (published name, our name[, fold])."""
    return tuple(Rule(*line) for line in lines)


# CLIP ViT-B/16's image tower: open_clip's VisionTransformer has the published names.
CLIP_TOWER = rules_of(
    ("backbone.class_embedding", "image_encoder.tower.class_embedding", DOUBLED),
    ("backbone.positional_embedding", "image_encoder.tower.positional_embedding"),
    ("backbone.conv1.weight", "image_encoder.tower.conv1.weight"),
    ("backbone.ln_pre.{part}", "image_encoder.tower.ln_pre.{part}"),
    ("backbone.ln_post.{part}", "image_encoder.tower.ln_post.{part}"),
    ("backbone.proj", "image_encoder.tower.proj"),
    ("backbone.transformer.{rest}", "image_encoder.tower.transformer.{rest}"),
)

# EVA02-CLIP-L/14's image tower is timm's Eva in open_clip.
_EVA, _TRUNK = "backbone.blocks.{layer}", "image_encoder.tower.trunk.blocks.{layer}"
EVA_TOWER = rules_of(
    ("backbone.cls_token", "image_encoder.tower.trunk.cls_token"),
    ("backbone.pos_embed", "image_encoder.tower.trunk.pos_embed"),
    ("backbone.patch_embed.proj.{part}", "image_encoder.tower.trunk.patch_embed.proj.{part}"),
    ("backbone.norm.{part}", "image_encoder.tower.trunk.norm.{part}"),
    ("backbone.head.{part}", "image_encoder.tower.trunk.head.{part}"),
    (f"{_EVA}.norm{{index}}.{{part}}", f"{_TRUNK}.norm{{index}}.{{part}}"),
    (f"{_EVA}.attn.{{qkv}}_proj.weight", f"{_TRUNK}.attn.{{qkv}}_proj.weight"),
    (f"{_EVA}.attn.{{qkv}}_bias", f"{_TRUNK}.attn.{{qkv}}_proj.bias"),
    (f"{_EVA}.attn.inner_attn_ln.{{part}}", f"{_TRUNK}.attn.norm.{{part}}"),
    (f"{_EVA}.attn.proj.{{part}}", f"{_TRUNK}.attn.proj.{{part}}"),
    (f"{_EVA}.mlp.w1.{{part}}", f"{_TRUNK}.mlp.fc1_g.{{part}}"),
    (f"{_EVA}.mlp.w2.{{part}}", f"{_TRUNK}.mlp.fc1_x.{{part}}"),
    (f"{_EVA}.mlp.ffn_ln.{{part}}", f"{_TRUNK}.mlp.norm.{{part}}"),
    (f"{_EVA}.mlp.w3.{{part}}", f"{_TRUNK}.mlp.fc2.{{part}}"),
)

# The rest is alike in all published models.
_CONTEXT, _OUR_CONTEXT = "context_decoder.decoder.{layer}", "context_decoder.layers.{layer}"
_PIXEL = "decode_head.pixel_decoder"
_PIXEL_LAYER, _OUR_PIXEL = f"{_PIXEL}.encoder.layers.{{layer}}", "pixel_decoder.layers.{layer}"
_MASK = "decode_head.transformer_decoder.layers.{layer}"
_OUR_MASK = "mask_decoder.layers.{layer}"
_ATTENTION = "{kind}_attention"
# What Rein and SoMA have too.
PIXEL_INPUTS = rules_of(
    (f"{_PIXEL}.input_convs.{{index}}.conv.{{part}}", "pixel_decoder.inputs.{index}.0.{part}"),
    (f"{_PIXEL}.input_convs.{{index}}.gn.{{part}}", "pixel_decoder.inputs.{index}.1.{part}"),
    (f"{_PIXEL}.lateral_convs.0.conv.{{part}}", "pixel_decoder.lateral.0.{part}"),
    (f"{_PIXEL}.lateral_convs.0.gn.{{part}}", "pixel_decoder.lateral.1.{part}"),
    (f"{_PIXEL}.output_convs.0.conv.{{part}}", "pixel_decoder.smooth.0.{part}"),
    (f"{_PIXEL}.output_convs.0.gn.{{part}}", "pixel_decoder.smooth.1.{part}"),
    (f"{_PIXEL}.level_encoding.weight", "pixel_decoder.level_positions"),
    (f"{_PIXEL}.mask_feature.{{part}}", "pixel_decoder.mask_features.{part}"),
)
DECODER_HEAD = rules_of(
    ("decode_head.transformer_decoder.post_norm.{part}", "mask_decoder.post_norm.{part}"),
    ("decode_head.level_embed.weight", "mask_decoder.level_embeddings"),
    ("decode_head.cls_embed.{part}", "mask_decoder.class_head.{part}"),
    ("decode_head.mask_embed.{index}.{part}", "mask_decoder.mask_head.{index}.{part}"),
)
_SHARED = rules_of(
    ("backbone.fpn1.{rest}", "image_encoder.pyramid.finest.{rest}"),
    ("backbone.fpn2.0.{part}", "image_encoder.pyramid.fine.{part}"),
    ("contexts", "text_encoder.prompt", FIRST),
    ("text_encoder.{rest}", "text_encoder.tower.{rest}"),
    ("gamma", "context_decoder.gamma"),
    ("context_decoder.memory_proj.{rest}", "context_decoder.memory_projection.{rest}"),
    ("context_decoder.text_proj.{rest}", "context_decoder.text_projection.{rest}"),
    ("context_decoder.out_proj.{rest}", "context_decoder.output.{rest}"),
    (f"{_CONTEXT}.{{kind}}_attn.q_proj.{{part}}", f"{_OUR_CONTEXT}.{_ATTENTION}.query.{{part}}"),
    (f"{_CONTEXT}.{{kind}}_attn.k_proj.{{part}}", f"{_OUR_CONTEXT}.{_ATTENTION}.key.{{part}}"),
    (f"{_CONTEXT}.{{kind}}_attn.v_proj.{{part}}", f"{_OUR_CONTEXT}.{_ATTENTION}.value.{{part}}"),
    (f"{_CONTEXT}.{{kind}}_attn.proj.{{part}}", f"{_OUR_CONTEXT}.{_ATTENTION}.output.{{part}}"),
    (f"{_CONTEXT}.norm{{index}}.{{part}}", f"{_OUR_CONTEXT}.norm{{index}}.{{part}}"),
    (f"{_CONTEXT}.mlp.{{index}}.{{part}}", f"{_OUR_CONTEXT}.feed_forward.{{index}}.{{part}}"),
    # Deformable attention is the first attention of a pixel layer, text-to-pixel the second.
    (
        f"{_PIXEL_LAYER}.attentions.0.sampling_offsets.{{part}}",
        f"{_OUR_PIXEL}.self_attention.offsets.{{part}}",
    ),
    (
        f"{_PIXEL_LAYER}.attentions.0.attention_weights.{{part}}",
        f"{_OUR_PIXEL}.self_attention.weights.{{part}}",
    ),
    (
        f"{_PIXEL_LAYER}.attentions.0.value_proj.{{part}}",
        f"{_OUR_PIXEL}.self_attention.value.{{part}}",
    ),
    (
        f"{_PIXEL_LAYER}.attentions.0.output_proj.{{part}}",
        f"{_OUR_PIXEL}.self_attention.output.{{part}}",
    ),
    (
        f"{_PIXEL_LAYER}.attentions.1.attn.in_proj_{{part}}",
        f"{_OUR_PIXEL}.text_attention.{{projection}}.{{part}}",
        SPLIT,
    ),
    (
        f"{_PIXEL_LAYER}.attentions.1.attn.out_proj.{{part}}",
        f"{_OUR_PIXEL}.text_attention.output.{{part}}",
    ),
    (f"{_PIXEL_LAYER}.ffns.0.layers.0.0.{{part}}", f"{_OUR_PIXEL}.feed_forward.0.{{part}}"),
    (f"{_PIXEL_LAYER}.ffns.0.layers.1.{{part}}", f"{_OUR_PIXEL}.feed_forward.2.{{part}}"),
    (f"{_PIXEL_LAYER}.norms.0.{{part}}", f"{_OUR_PIXEL}.norm1.{{part}}"),
    (f"{_PIXEL_LAYER}.norms.1.{{part}}", f"{_OUR_PIXEL}.norm2.{{part}}"),
    (f"{_PIXEL_LAYER}.norms.2.{{part}}", f"{_OUR_PIXEL}.norm3.{{part}}"),
    (f"{_PIXEL}.encoder.post_norm.{{part}}", "pixel_decoder.post_norm.{part}"),
    (f"{_PIXEL}.text_proj.{{part}}", "pixel_decoder.text_projection.{part}"),
    (f"{_PIXEL}.text_pos_embed.weight", "pixel_decoder.text_positions"),
    # In a mask layer cross-attention comes before self-attention.
    (
        f"{_MASK}.attentions.0.attn.in_proj_{{part}}",
        f"{_OUR_MASK}.cross_attention.{{projection}}.{{part}}",
        SPLIT,
    ),
    (
        f"{_MASK}.attentions.0.attn.out_proj.{{part}}",
        f"{_OUR_MASK}.cross_attention.output.{{part}}",
    ),
    (
        f"{_MASK}.attentions.1.attn.in_proj_{{part}}",
        f"{_OUR_MASK}.self_attention.{{projection}}.{{part}}",
        SPLIT,
    ),
    (
        f"{_MASK}.attentions.1.attn.out_proj.{{part}}",
        f"{_OUR_MASK}.self_attention.output.{{part}}",
    ),
    (f"{_MASK}.ffns.0.layers.0.0.{{part}}", f"{_OUR_MASK}.feed_forward.0.{{part}}"),
    (f"{_MASK}.ffns.0.layers.1.{{part}}", f"{_OUR_MASK}.feed_forward.2.{{part}}"),
    (f"{_MASK}.norms.0.{{part}}", f"{_OUR_MASK}.norm1.{{part}}"),
    (f"{_MASK}.norms.1.{{part}}", f"{_OUR_MASK}.norm2.{{part}}"),
    (f"{_MASK}.norms.2.{{part}}", f"{_OUR_MASK}.norm3.{{part}}"),
    ("decode_head.query_embed.weight", "mask_decoder.query_positions"),
    ("decode_head.text_proj.{index}.{part}", "mask_decoder.query_projection.{index}.{part}"),
)
SHARED = _SHARED + PIXEL_INPUTS + DECODER_HEAD

# Published tensors that our models do without, and why.
DROPPED = (
    ("reg_E0.{rest}", "frozen copy of the image encoder, which only its training needs"),
    ("backbone.rope.{rest}", "rotary table, computed from the size"),
    ("backbone.blocks.{layer}.attn.rope.{rest}", "rotary table, computed from the size"),
    ("text_encoder.attn_mask", "causal mask, computed from the length"),
)


def to_ours(name: str, rules: tuple[Rule, ...]) -> tuple[Rule, tuple[str, ...]] | None:
    """The rule for a published name and our names of it (three where it is split), or None."""
    for rule in rules:
        found = _fit(rule.published, name)
        if found is not None:
            parts = PROJECTIONS if rule.fold == SPLIT else ("",)
            return rule, tuple(rule.ours.format(**found, projection=part) for part in parts)
    return None


def to_published(name: str, rules: tuple[Rule, ...]) -> str | None:
    """The published name of one of our tensors, or None."""
    for rule in rules:
        found = _fit(rule.ours, name)
        if found is not None:
            return rule.published.format(**found)
    return None


def why_dropped(name: str, dropped: tuple[tuple[str, str], ...] = DROPPED) -> str | None:
    """Why a published tensor is left out; None where it is not."""
    for template, reason in dropped:
        if _fit(template, name) is not None:
            return reason
    return None


def _fit(template: str, name: str) -> dict[str, str] | None:
    """What the words in braces are in ``name``, or None if it does not fit."""
    match = _pattern(template).fullmatch(name)
    return None if match is None else match.groupdict()


@cache
def _pattern(template: str) -> re.Pattern[str]:
    pattern = re.escape(template)
    for word, meaning in PLACEHOLDERS.items():
        pattern = pattern.replace(re.escape(f"{{{word}}}"), f"(?P<{word}>{meaning})")
    return re.compile(pattern)
