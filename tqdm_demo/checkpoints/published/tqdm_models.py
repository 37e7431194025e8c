"""The published tqdm models: their architectures, how a checkpoint of one is recognised.

Three checkpoints were published, of two architectures: CLIP ViT-B/16 trained on GTA5, and
EVA02-CLIP-L/14-336 trained on GTA5 and on Cityscapes. What the published code computes
differently is folded into the weights (see :mod:`tqdm_demo.checkpoints.published.key_map`), so
that the model stays clean:

* Its CLIP tower adds the class embedding twice; ours is stored doubled.
* It resizes CLIP's position table in two steps, once when CLIP is loaded (to the grid of the
  training size, which is what a checkpoint holds) and once in every forward pass. Our models
  have that grid, so the second step is the tower's ordinary resizing.
* Fused query-key-value projections are split into three.

Source: github.com/ByeongHyunPak/tqdm.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from tqdm_demo.checkpoints.published import key_map
from tqdm_demo.checkpoints.published.plan import Plan, PublishedModel, Shape, make_plan
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import TQDM_CLIP_VIT_B, TQDM_EVA02_L
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

LONGEST_TEXT = 77  # tokens; what CLIPs are trained with
SOURCE = "https://github.com/ByeongHyunPak/tqdm"


MODELS = (
    PublishedModel(
        title="tqdm with CLIP ViT-B/16",
        system="tqdm",
        marker="backbone.class_embedding",
        rules=key_map.CLIP_TOWER + key_map.SHARED,
        config=TQDM_CLIP_VIT_B,
        build=Segmenter,
        dropped=key_map.DROPPED,
        source=SOURCE,
    ),
    PublishedModel(
        title="tqdm with EVA02-CLIP-L/14-336",
        system="tqdm",
        marker="backbone.cls_token",
        rules=key_map.EVA_TOWER + key_map.SHARED,
        config=TQDM_EVA02_L,
        build=Segmenter,
        dropped=key_map.DROPPED,
        source=SOURCE,
    ),
)
# Tensors below this are in all published models.
COMMON = "decode_head.pixel_decoder."

# What the names in other people's files tell of them.
_FOREIGN = (
    (re.compile(r"image_encoder\.tower\."), "a model of this project, which needs no converting"),
    (re.compile(r"decode_head\."), "another model of MMSegmentation"),
    (re.compile(r"(visual|transformer\.resblocks)\."), "a CLIP"),
    (re.compile(r"backbone\."), "another model with a backbone"),
    (re.compile(r"layer\d\.\d+\.|fc\.weight"), "an image classifier"),
)


def plan_conversion(shapes: Mapping[str, Shape], class_names: Sequence[str] | None = None) -> Plan:
    """Recognises a checkpoint by its tensors and plans its conversion.

    Args:
        shapes: published name -> shape.
        class_names: the trained names; None = the 19 of Cityscapes.

    Raises:
        ValueError: another model's checkpoint; or tensors that are missing, unknown or of another
            shape, by their published names.
    """
    model = recognise(shapes)
    config = dataclasses.replace(
        model.config,
        class_names=tuple(class_names or CITYSCAPES_NAMES),
        prompt_length=_length(shapes, "contexts", 1, model.config.prompt_length),
        text_positions=_length(
            shapes, "text_encoder.positional_embedding", 0, model.config.text_positions
        ),
    )
    return make_plan(model, config, shapes)


def recognise(names: Mapping[str, Shape]) -> PublishedModel:
    """The published model that has tensors of these names.

    Raises:
        ValueError: none has; the message says what it looks like.
    """
    if any(name.startswith(COMMON) for name in names):
        for model in MODELS:
            if model.marker in names:
                return model
    likely = next((what for start, what in _FOREIGN if any(map(start.match, names))), None)
    shown = ", ".join(sorted(names)[:3]) or "no tensors"
    raise ValueError(
        "this is no published tqdm checkpoint"
        + (f"; it looks like {likely}" if likely else "")
        + f" ({len(names)} tensors: {shown} ...)"
    )


def _length(shapes: Mapping[str, Shape], name: str, axis: int, default: int) -> int:
    """A length that may differ from the published one; the default where it makes no sense."""
    length = shapes.get(name, ())[axis : axis + 1]
    return length[0] if length and 0 < length[0] <= LONGEST_TEXT else default
