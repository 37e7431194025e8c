"""Configuration of models and trainings: frozen dataclasses.

A checkpoint folder holds ``config.json`` with the sections ``model`` (:class:`ModelConfig`),
``training`` (:class:`TrainConfig`, where we trained it), ``provenance`` and ``results``. The text
below a field and the range in its type are what ``--help`` prints; ``tqdm_demo.config_json`` checks
types and ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

Size = tuple[PositiveInt, PositiveInt]
Range = tuple[PositiveFloat, PositiveFloat]

# OpenAI CLIP's normalisation, RGB in [0, 1].
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# The usual normalisation of networks that were trained on ImageNet.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# pydantic reads the texts below the fields and refuses unknown keys.
RULES = ConfigDict(use_attribute_docstrings=True, extra="forbid")


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of one segmenter; the defaults are the published CLIP ViT-B/16 model's."""

    __pydantic_config__ = RULES

    clip: dict[str, Any] = field(default_factory=dict)
    """open_clip's model config (``embed_dim``, ``vision_cfg``, ``text_cfg``, ...)."""
    class_names: tuple[str, ...] = ()
    """The trained names, in the order of the rows that the checkpoint holds (M)."""
    queries: Literal["textual", "learned"] = "textual"
    """Queries of the mask decoder: "textual" (tqdm) or "learned" (no text in the decoders)."""
    text_to_pixel: bool = True
    """Text-to-pixel attention in the pixel decoder (textual queries only)."""
    context_decoder: bool = True
    """Make the class embeddings depend on the image (textual queries only)."""
    prompt_length: NonNegativeInt = 5
    """Learnable prompt tokens before every name; 0 = none."""
    text_positions: PositiveInt = 10
    """Rows of the text tower's position table that the checkpoint holds."""
    pyramid_blocks: tuple[NonNegativeInt, ...] = (3, 5, 7, 11)
    """Transformer blocks, from 0, whose patch tokens feed the four pyramid levels, finest first."""
    width: PositiveInt = 256
    """Channels of the pixel decoder and the mask decoder (C)."""
    heads: PositiveInt = 8
    """Attention heads of both decoders."""
    points: PositiveInt = 4
    """Sampling points of the pixel decoder: per position, head and level."""
    feed_forward: PositiveInt = 2048
    """Hidden channels of the feed-forward layers of both decoders."""
    pixel_layers: PositiveInt = 6
    """Layers of the pixel decoder."""
    mask_layers: PositiveInt = 9
    """Layers of the mask decoder."""
    context_width: PositiveInt = 256
    """Channels of the context decoder."""
    context_heads: PositiveInt = 4
    """Attention heads of the context decoder."""
    context_layers: PositiveInt = 3
    """Layers of the context decoder."""
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Stochastic depth in training: share of dropped residuals of the image tower's last block,
    rising linearly from 0; for open_clip's own towers."""
    image_mean: tuple[float, float, float] = CLIP_MEAN
    """Normalisation: mean of the RGB channels in [0, 1]."""
    image_std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = CLIP_STD
    """Normalisation: standard deviation of the RGB channels in [0, 1]."""
    input_size: Size = (512, 512)
    """(height, width) in pixels that the model was trained for."""
    size_multiple: PositiveInt = 32
    """Input sides are resized to a multiple of this many pixels."""
    fixed_size: bool = False
    """The image tower takes exactly ``input_size``; it is built for ``clip``'s ``image_size``, the
    whole patches of it."""
    window_stride: int | None = None
    """The model is evaluated on windows of ``input_size`` that start this many pixels apart
    (published: 341); None = in one pass over the resized picture."""
    clip_weights: str | None = None
    """The frozen text tower is that of "MODEL/WEIGHTS" of open_clip; where these are in the local
    cache, their whole position table is used. None = not known."""
    text_tower: str | None = None
    """Name of the CLIP folder beside this checkpoint (or the bundled one) that holds the frozen
    text tower's tensors; None = in this checkpoint."""
    image_tower: str | None = None
    """The same of the frozen image tower."""

    def __post_init__(self) -> None:
        check_clip(self.clip)
        if self.queries not in ("textual", "learned"):
            raise ValueError(f"queries is {self.queries!r}; it must be 'textual' or 'learned'")
        if self.queries == "learned" and (self.text_to_pixel or self.context_decoder):
            raise ValueError("learned queries go with text_to_pixel=false, context_decoder=false")
        if self.queries == "learned" and self.prompt_length:
            raise ValueError("learned queries train no prompt; prompt_length must be 0")
        if len(self.pyramid_blocks) != 4:
            raise ValueError(f"pyramid_blocks has {len(self.pyramid_blocks)} entries; it takes 4")
        if self.window_stride is not None and not 0 < self.window_stride <= min(self.input_size):
            raise ValueError(
                f"window_stride is {self.window_stride}; windows of {self.input_size} take 1 to "
                f"{min(self.input_size)}"
            )


@dataclass(frozen=True)
class ClipConfig:
    """What a CLIP's folder says of its model."""

    __pydantic_config__ = RULES

    clip: dict[str, Any]
    """open_clip's model config (``embed_dim``, ``vision_cfg``, ``text_cfg``, ...)."""
    image_mean: tuple[float, float, float]
    """Normalisation: mean of the RGB channels in [0, 1]."""
    image_std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    """Normalisation: standard deviation of the RGB channels in [0, 1]."""
    input_size: Size
    """(height, width) in pixels that the model was trained for."""
    words: tuple[str, ...] = ()
    """The words that the text tower saw; empty = not recorded."""

    def __post_init__(self) -> None:
        check_clip(self.clip)


@dataclass(frozen=True)
class TrainConfig:
    """One training. The defaults are the published recipe (GTA5 source), per GPU."""

    __pydantic_config__ = RULES
    # First field of every group of options in --help.
    GROUPS: ClassVar[dict[str, str]] = {
        "steps": "length and learning rate",
        "weight_textual": "losses",
        "source": "pictures",
        "evaluate_every": "evaluation and records",
        "bfloat16": "memory, speed and seed",
    }

    steps: PositiveInt = 20_000
    """Optimiser steps of the whole training."""
    batch_size: PositiveInt = 8
    """Pictures at a time in each process."""
    accumulate: PositiveInt = 1
    """Batches of each process whose gradients make one step."""
    crop: PositiveInt = 512
    """Side of the square crops, in pixels."""
    learning_rate: PositiveFloat = 1e-5
    """Rate of AdamW, which decays polynomially to ``minimum_learning_rate``."""
    minimum_learning_rate: NonNegativeFloat = 1e-6
    """Rate at the end of the decay."""
    power: PositiveFloat = 0.9
    """Power of the decay; 1 = in a straight line."""
    warmup_steps: NonNegativeInt = 1500
    """Steps in which the rate rises linearly from nearly 0."""
    weight_decay: NonNegativeFloat = 1e-4
    """Weight decay of AdamW."""
    backbone_factor: NonNegativeFloat = 0.1
    """Factor on the learning rate of the image tower; 0 freezes it."""
    pyramid_factor: NonNegativeFloat = 0.1
    """Factor on the learning rate of the feature pyramid on top of the image tower."""
    embedding_decay: bool = True
    """Whether the mask decoder's level and query embeddings decay too."""
    weight_textual: NonNegativeFloat = 1.0
    """Weight of the regulariser by which text queries keep the meaning of their names."""
    weight_visual: NonNegativeFloat = 1.0
    """Weight of the regulariser by which the global embedding stays near the frozen tower's."""
    weight_pixel_text: NonNegativeFloat = 1.0
    """Weight of the regulariser by which patch embeddings approach their class' text query."""
    weight_regularisation: NonNegativeFloat = 1.0
    """Weight of TLDR's texture regularisation, times the published ones of its levels."""
    weight_generalisation: NonNegativeFloat = 1.0
    """The same of its texture generalisation."""
    points_per_mask: PositiveInt = 12_544
    """Points at which the mask losses are taken, per mask."""
    fix_upstream_quirks: bool = False
    """Do not follow the published code where it looks like an accident: the frozen copy of the
    image tower is in evaluation mode, ignored pixels have no part in any loss, and CLIP's class
    embedding is added to the class token once instead of twice."""
    source: str = "streets:game"
    """Data specification of the training pictures."""
    scenes: PositiveInt = 2000
    """Pictures to draw where the source is drawn streets."""
    painted: Size = (256, 128)
    """Width and height of these, and of drawn pictures to evaluate on."""
    styles: str = ""
    """Data specification of the pictures whose style TLDR's content is given; empty = the
    source's own."""
    style_pictures: PositiveInt = 100
    """How many of these, of each set."""
    rare_classes: bool = True
    """Draw a class, then a picture that shows it; otherwise pictures uniformly."""
    rare_temperature: PositiveFloat = 100.0
    """T of the class odds softmax((1 - share) / T); 0.01 is DAFormer's."""
    resize_range: Range = (0.5, 2.0)
    """Smallest and largest factor of the scale augmentation."""
    photometric: bool = True
    """Photometric distortion: brightness, contrast, saturation and hue at random."""
    evaluate_every: PositiveInt = 2000
    """Steps between evaluations."""
    save_every: PositiveInt = 500
    """Steps between saved states."""
    log_every: PositiveInt = 10
    """Steps between records in ``metrics.jsonl``."""
    validation: str = ""
    """Data specification of the pictures on which the best weights are chosen; empty = the source's
    own validation part."""
    validation_scenes: PositiveInt = 100
    """Pictures to validate on."""
    watch: str = ""
    """Data specification of other sets to evaluate on, for information only; empty = none."""
    watch_scenes: PositiveInt = 20
    """Pictures of each of these sets."""
    bfloat16: bool = False
    """Mixed precision (a GPU, or a CPU that has the instructions)."""
    checkpointing: bool = False
    """Keep no activations inside of blocks: less memory, a third more time."""
    compile: bool = False
    """Run torch.compile on the model's parts; the first steps take minutes."""
    shard: bool = False
    """With several processes, spread weights and optimiser over them (FSDP2)."""
    seed: NonNegativeInt = 2023
    """Seed of everything random."""


def check_clip(clip: dict[str, Any]) -> None:
    """Raises where the parts of open_clip's model config are no parts."""
    for key in ("vision_cfg", "text_cfg"):
        if not isinstance(clip.get(key, {}), dict):
            raise ValueError(f"clip.{key} is {clip[key]!r}; it takes an object")
