"""Published tqdm checkpoints to ours: the map of tensor names and what is folded into the values.

What the published code computes differently is folded into the weights, so that the model stays
clean:

* Its image tower adds the class embedding twice; ours is stored doubled.
* It resizes CLIP's position table in two steps, once when CLIP is loaded (to the grid of the
  training size, which is what a checkpoint holds) and once in every forward pass. A model
  made from ``CLIP_VIT_B`` has that grid, so the second step is its ordinary resizing.
* Fused query-key-value projections are split into three.

Source: github.com/ByeongHyunPak/tqdm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from tqdm_demo.config import ModelConfig

# CLIP ViT-B/16 as the published code runs it.
CLIP_VIT_B = {
    "embed_dim": 512,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 512, "layers": 12, "width": 768, "patch_size": 16},
    "text_cfg": {
        "context_length": 10,
        "vocab_size": 49408,
        "width": 512,
        "heads": 8,
        "layers": 12,
    },
}

# Rules (pattern in a published name, our text for it). Of the first two groups the first rule that
# matches the start of a name is applied, of the third every rule that matches.
_IMAGE_ENCODER = (
    (r"fpn1\.", "pyramid.finest."),
    (r"fpn2\.0\.", "pyramid.fine."),
    (r"", "tower."),
)
_MODULES = (
    (r"contexts$", "text_encoder.prompt"),
    (r"gamma$", "context_decoder.gamma"),
    (r"text_encoder\.", "text_encoder.tower."),
    (r"context_decoder\.memory_proj\.", "context_decoder.memory_projection."),
    (r"context_decoder\.text_proj\.", "context_decoder.text_projection."),
    (r"context_decoder\.decoder\.", "context_decoder.layers."),
    (r"context_decoder\.out_proj\.", "context_decoder.output."),
    (r"decode_head\.pixel_decoder\.encoder\.", "pixel_decoder."),
    (r"decode_head\.pixel_decoder\.input_convs\.", "pixel_decoder.inputs."),
    (r"decode_head\.pixel_decoder\.lateral_convs\.0\.", "pixel_decoder.lateral."),
    (r"decode_head\.pixel_decoder\.output_convs\.0\.", "pixel_decoder.smooth."),
    (r"decode_head\.pixel_decoder\.level_encoding\.weight", "pixel_decoder.level_positions"),
    (r"decode_head\.pixel_decoder\.mask_feature\.", "pixel_decoder.mask_features."),
    (r"decode_head\.pixel_decoder\.text_proj\.", "pixel_decoder.text_projection."),
    (r"decode_head\.pixel_decoder\.text_pos_embed\.weight", "pixel_decoder.text_positions"),
    (r"decode_head\.transformer_decoder\.", "mask_decoder."),
    (r"decode_head\.query_embed\.weight", "mask_decoder.query_positions"),
    (r"decode_head\.text_proj\.", "mask_decoder.query_projection."),
    (r"decode_head\.level_embed\.weight", "mask_decoder.level_embeddings"),
    (r"decode_head\.cls_embed\.", "mask_decoder.class_head."),
    (r"decode_head\.mask_embed\.", "mask_decoder.mask_head."),
)
_LAYERS = (
    # Context decoder.
    (r"(context_decoder.*\.(?:self|cross)_attn)\.q_proj\.", r"\1.query."),
    (r"(context_decoder.*\.(?:self|cross)_attn)\.k_proj\.", r"\1.key."),
    (r"(context_decoder.*\.(?:self|cross)_attn)\.v_proj\.", r"\1.value."),
    (r"(context_decoder.*\.(?:self|cross)_attn)\.proj\.", r"\1.output."),
    (r"(context_decoder.*\.(?:self|cross))_attn\.", r"\1_attention."),
    (r"(context_decoder.*)\.mlp\.", r"\1.feed_forward."),
    # Deformable attention is the first attention of a pixel layer, text-to-pixel the second;
    # in a mask layer cross-attention comes before self-attention.
    (r"(pixel_decoder.*)\.attentions\.0\.sampling_offsets", r"\1.self_attention.offsets"),
    (r"(pixel_decoder.*)\.attentions\.0\.attention_weights", r"\1.self_attention.weights"),
    (r"(pixel_decoder.*)\.attentions\.0\.value_proj", r"\1.self_attention.value"),
    (r"(pixel_decoder.*)\.attentions\.0\.output_proj", r"\1.self_attention.output"),
    (r"(pixel_decoder.*)\.attentions\.1\.attn", r"\1.text_attention"),
    (r"(mask_decoder.*)\.attentions\.0\.attn", r"\1.cross_attention"),
    (r"(mask_decoder.*)\.attentions\.1\.attn", r"\1.self_attention"),
    (r"((?:pixel|mask)_decoder.*_attention)\.out_proj", r"\1.output"),
    (r"((?:pixel|mask)_decoder.*)\.ffns\.0\.layers\.0\.0", r"\1.feed_forward.0"),
    (r"((?:pixel|mask)_decoder.*)\.ffns\.0\.layers\.1", r"\1.feed_forward.2"),
    (r"((?:pixel|mask)_decoder.*)\.norms\.0", r"\1.norm1"),
    (r"((?:pixel|mask)_decoder.*)\.norms\.1", r"\1.norm2"),
    (r"((?:pixel|mask)_decoder.*)\.norms\.2", r"\1.norm3"),
    (r"(pixel_decoder\.(?:inputs\.\d|lateral|smooth))\.conv", r"\1.0"),
    (r"(pixel_decoder\.(?:inputs\.\d|lateral|smooth))\.gn", r"\1.1"),
)


def convert_state_dict(published: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """The state dict of a ``Segmenter(config)`` from a published CLIP ViT-B/16 checkpoint.

    Args:
        published: state dict of the published model; the frozen encoder copy ``reg_E0.*``, which
            only its training needs, is left out.
        config: architecture of the model that the tensors are for.

    Raises:
        ValueError: a name that no rule covers, or a table that does not fit ``config``.
    """
    converted = {
        f"image_encoder.{name}": tensor
        for name, tensor in convert_image_encoder(published, "backbone.").items()
    }
    for name, tensor in published.items():
        if not name.startswith(("backbone.", "reg_E0.")):
            converted.update(_split_fused(our_name(name), tensor))
    converted["text_encoder.prompt"] = converted["text_encoder.prompt"][0]
    rows = len(converted["text_encoder.tower.positional_embedding"])
    if rows != config.text_positions:
        raise ValueError(f"text_positions is {config.text_positions}; the checkpoint has {rows}")
    classes = len(converted["mask_decoder.query_positions"])
    if classes != len(config.class_names):
        raise ValueError(f"{len(config.class_names)} class names; the checkpoint has {classes}")
    return converted


def convert_image_encoder(published: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The state dict of an ``ImageEncoder`` from the tensors below ``prefix``.

    Args:
        published: state dict of the published model.
        prefix: "backbone.", or "reg_E0." for the frozen copy of the start of its training.
    """
    converted = {}
    for name, tensor in published.items():
        if name.startswith(prefix):
            converted[_apply_first(_IMAGE_ENCODER, name.removeprefix(prefix))] = tensor
    converted["tower.class_embedding"] = 2 * converted["tower.class_embedding"]
    return converted


def our_name(published_name: str) -> str:
    """Our name of a published tensor outside the image encoder.

    Raises:
        ValueError: no rule covers it.
    """
    name = _apply_first(_MODULES, published_name)
    for pattern, replacement in _LAYERS:
        name = re.sub(pattern, replacement, name)
    return name


def _apply_first(rules: tuple[tuple[str, str], ...], name: str) -> str:
    for pattern, replacement in rules:
        if re.match(pattern, name):
            return re.sub(pattern, replacement, name, count=1)
    raise ValueError(f"the checkpoint holds {name!r}, which no published tqdm model has")


def _split_fused(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """Splits a fused projection of our own attention layers; the text tower keeps its own."""
    match = re.fullmatch(r"((?:pixel|mask)_decoder\..*)\.in_proj_(weight|bias)", name)
    if match is None:
        return {name: tensor}
    stem, kind = match.groups()
    parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
    return {f"{stem}.{part}.{kind}": values for part, values in parts}
