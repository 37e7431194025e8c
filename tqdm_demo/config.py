"""Configuration of models and trainings: frozen dataclasses that read and write ``config.json``.

A checkpoint folder holds ``config.json`` with the sections ``model`` (:class:`ModelConfig`),
``training`` (:class:`TrainConfig`, where we trained it), ``provenance`` and ``results``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, TypeVar

Config = TypeVar("Config", "ModelConfig", "TrainConfig")

# OpenAI CLIP's normalisation, RGB in [0, 1].
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# The usual normalisation of networks that were trained on ImageNet.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of one segmenter. The defaults are those of the published CLIP ViT-B/16 model.

    Attributes:
        clip: open_clip's model config (``embed_dim``, ``vision_cfg``, ``text_cfg``, ...).
        class_names: the trained names, in the order of the rows that the checkpoint holds (M).
        queries: "textual" (tqdm) or "learned" (baseline: no text in the decoder).
        text_to_pixel: text-to-pixel attention in the pixel decoder (textual queries only).
        context_decoder: make the class embeddings depend on the image (textual queries only).
        prompt_length: learnable prompt tokens before every name; 0 = none.
        text_positions: rows of the text tower's position table that the checkpoint holds.
        pyramid_blocks: transformer blocks whose patch tokens feed the four pyramid levels.
        width: decoder width C. ``heads``, ``points``, ``feed_forward``: of its attention layers.
        pixel_layers, mask_layers: number of layers of the pixel decoder and the mask decoder.
        context_width, context_heads, context_layers: of the context decoder.
        drop_path: stochastic depth of open_clip's own image towers in training, of the last block.
        image_mean, image_std: normalisation, RGB in [0, 1].
        input_size: (height, width) in pixels that the model was trained for.
        size_multiple: input sides are resized to a multiple of this.
        fixed_size: the image tower takes exactly ``input_size``; it is built for ``clip``'s
            ``image_size``, the whole patches of it.
        window_stride: the model is evaluated on windows of ``input_size`` that start this many
            pixels apart (published: 341); None = in one pass over the resized picture.
        clip_weights: "MODEL/WEIGHTS" of open_clip whose frozen text tower this is; where these
            are in the local cache, their whole position table is used. None = not known.
        text_tower, image_tower: name of the CLIP folder beside this checkpoint (or the bundled
            one) that holds this frozen tower's tensors; None = in this checkpoint.
    """

    clip: dict[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    queries: str = "textual"
    text_to_pixel: bool = True
    context_decoder: bool = True
    prompt_length: int = 5
    text_positions: int = 10
    pyramid_blocks: tuple[int, ...] = (3, 5, 7, 11)
    width: int = 256
    heads: int = 8
    points: int = 4
    feed_forward: int = 2048
    pixel_layers: int = 6
    mask_layers: int = 9
    context_width: int = 256
    context_heads: int = 4
    context_layers: int = 3
    drop_path: float = 0.1
    image_mean: tuple[float, ...] = CLIP_MEAN
    image_std: tuple[float, ...] = CLIP_STD
    input_size: tuple[int, int] = (512, 512)
    size_multiple: int = 32
    fixed_size: bool = False
    window_stride: int | None = None
    clip_weights: str | None = None
    text_tower: str | None = None
    image_tower: str | None = None

    def __post_init__(self) -> None:
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
class DinoConfig:
    """Architecture of Rein and SoMA: DINOv2, a pixel decoder without text, free queries.

    Attributes:
        class_names: the trained names, in the order of the class logits (M).
        vit: timm's name of the backbone.
        vit_options: further arguments for timm.
        patch_size: side of a patch in pixels.
        pyramid_blocks: transformer blocks whose patch tokens feed the four pyramid levels.
        reins_rank: rank of the reins' tokens; 0 = no reins, then the queries are learned (SoMA).
        queries: number of object queries, and of the reins' tokens of a block.
        width: decoder width C. ``heads``, ``points``: of its attention layers.
        pixel_feed_forward, mask_feed_forward: hidden widths of the two decoders.
        pixel_layers, mask_layers: number of layers of the two decoders.
        image_mean, image_std: normalisation, RGB in [0, 1].
        input_size: (height, width) in pixels of a window, a square.
        window_stride: windows start this many pixels apart.
    """

    class_names: tuple[str, ...] = ()
    vit: str = "vit_large_patch14_dinov2"
    vit_options: dict[str, Any] = field(default_factory=dict)
    patch_size: int = 16
    pyramid_blocks: tuple[int, ...] = (7, 11, 15, 23)
    reins_rank: int = 16
    queries: int = 100
    width: int = 256
    heads: int = 8
    points: int = 4
    pixel_feed_forward: int = 1024
    mask_feed_forward: int = 2048
    pixel_layers: int = 6
    mask_layers: int = 9
    image_mean: tuple[float, ...] = IMAGENET_MEAN
    image_std: tuple[float, ...] = IMAGENET_STD
    input_size: tuple[int, int] = (512, 512)
    window_stride: int = 341


@dataclass(frozen=True)
class DeepLabConfig:
    """Architecture of TLDR: DeepLabV3+ on a dilated ResNet.

    Attributes:
        class_names: the trained names, in the order of the class logits (M).
        backbone: timm's name of the ResNet.
        output_stride: stride of its coarsest level.
        levels: timm's indices of the levels, fine to coarse.
        width, skip_width: channels of the head and of its skip connection.
        dilations: of the pooling pyramid's 3 x 3 branches.
        dropout: share of the channels that are dropped in training.
        image_mean, image_std: normalisation, RGB in [0, 1].
    """

    class_names: tuple[str, ...] = ()
    backbone: str = "resnet50c"
    output_stride: int = 8
    levels: tuple[int, ...] = (1, 2, 3, 4)
    width: int = 512
    skip_width: int = 48
    dilations: tuple[int, ...] = (12, 24, 36)
    dropout: float = 0.1
    image_mean: tuple[float, ...] = IMAGENET_MEAN
    image_std: tuple[float, ...] = IMAGENET_STD


@dataclass(frozen=True)
class TrainConfig:
    """One training. The defaults are the published recipe (GTA5 source), per GPU.

    Attributes:
        steps, batch_size, crop: iterations; pictures at a time in each process; side of the square
            crop in pixels.
        accumulate: batches of each process whose gradients make one step.
        learning_rate, minimum_learning_rate, warmup_steps, weight_decay: AdamW with poly decay
            (0.9).
        backbone_factor, pyramid_factor: learning-rate factors of the image tower and its pyramid;
            0 freezes the tower.
        embedding_decay: whether the mask decoder's level and query embeddings decay too.
        weight_textual, weight_visual, weight_pixel_text: of the three regularisers.
        points_per_mask: sampled points of the mask losses.
        fix_upstream_quirks: do not follow the published code where it looks like an accident: the
            frozen copy of the image tower is in evaluation mode, ignored pixels have no part in any
            loss, and CLIP's class embedding is added to the class token once instead of twice.
        source: data specification of the training pictures; ``scenes``: how many of them.
        rare_classes: draw a class, then a picture that shows it; otherwise pictures uniformly.
        rare_temperature: T of the class odds softmax((1 - share) / T); 0.01 is DAFormer's.
        resize_range: scale augmentation; ``photometric``: photometric distortion on or off.
        evaluate_every, save_every, log_every: steps between evaluations, states and log records.
        validation: data specification of the pictures on which the best weights are chosen; empty:
            the source's own validation part. ``validation_scenes``: how many of them.
        watch: data specification of other sets to evaluate on, for information only.
        watch_scenes: pictures of each of these.
        bfloat16: mixed precision (a GPU, or a CPU that has the instructions).
        checkpointing: keep no activations inside of blocks: less memory, a third more time.
        compile: torch.compile the model's parts.
        shard: with several processes, spread weights and optimiser over them (FSDP2).
        seed: of everything random.
    """

    steps: int = 20_000
    batch_size: int = 8
    accumulate: int = 1
    crop: int = 512
    learning_rate: float = 1e-5
    minimum_learning_rate: float = 1e-6
    warmup_steps: int = 1500
    weight_decay: float = 1e-4
    backbone_factor: float = 0.1
    pyramid_factor: float = 0.1
    embedding_decay: bool = True
    weight_textual: float = 1.0
    weight_visual: float = 1.0
    weight_pixel_text: float = 1.0
    points_per_mask: int = 12_544
    fix_upstream_quirks: bool = False
    source: str = "streets:game"
    scenes: int = 2000
    rare_classes: bool = True
    rare_temperature: float = 100.0
    resize_range: tuple[float, float] = (0.5, 2.0)
    photometric: bool = True
    evaluate_every: int = 2000
    save_every: int = 500
    log_every: int = 10
    validation: str = ""
    validation_scenes: int = 100
    watch: str = ""
    watch_scenes: int = 20
    bfloat16: bool = False
    checkpointing: bool = False
    compile: bool = False
    shard: bool = False
    seed: int = 2023


@dataclass(frozen=True)
class PretrainConfig:
    """One pre-training.

    Attributes:
        steps, batch_size: optimiser steps; views per step.
        photo_share: share of the views that come from real frames, where there are any.
        scenes: drawn pictures per domain.
        softness: a domain whose zero-shot mIoU is this many percent behind the best one is drawn
            e times as often.
        regions: boxes of tokens per view.
        learning_rate, muon_learning_rate: AdamW (vectors, embeddings) and Muon (hidden matrices).
        weight_decay, warmup_steps: of both; the rates fall to zero along a cosine.
        zoom: range of view pixels per picture pixel.
        evaluate_every, save_every: in steps.
        bfloat16: the image tower computes in bfloat16 (autocast).
        seed: of everything random.
    """

    steps: int = 1700
    batch_size: int = 16
    photo_share: float = 0.2
    scenes: int = 900
    softness: float = 8.0
    regions: int = 40
    learning_rate: float = 1.5e-3
    muon_learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    zoom: tuple[float, float] = (0.7, 1.5)
    evaluate_every: int = 350
    save_every: int = 250
    bfloat16: bool = True
    seed: int = 0


def to_json(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """The plain dictionary that ``json.dumps`` takes."""
    return dataclasses.asdict(config)


def from_json(kind: type[Config], values: dict[str, Any]) -> Config:
    """Builds ``kind`` from a dictionary read from JSON (lists become tuples).

    Raises:
        ValueError: an unknown key, by name.
    """
    known = {f.name for f in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown {kind.__name__} keys {unknown}; known are {sorted(known)}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
