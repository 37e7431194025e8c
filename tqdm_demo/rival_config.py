"""Configuration of the systems that tqdm is compared with: Rein, SoMA and TLDR.

The section ``model`` of their checkpoint folders, as :mod:`tqdm_demo.config` has it for tqdm. None
of them reads text: they know the classes that they were trained on and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from tqdm_demo.config import IMAGENET_MEAN, IMAGENET_STD, RULES, Size, check_clip


@dataclass(frozen=True)
class ReinConfig:
    """Architecture of Rein and SoMA; the defaults are the published Rein's on DINOv2 ViT-L."""

    __pydantic_config__ = RULES

    class_names: tuple[str, ...] = ()
    """The trained names, in the order of the class logits (M)."""
    vit: str = "vit_large_patch14_dinov2"
    """timm's name of the backbone; not read where ``clip`` is given."""
    vit_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments for timm."""
    patch_size: PositiveInt = 16
    """Side of a patch in pixels, of timm's backbone."""
    clip: dict[str, Any] = field(default_factory=dict)
    """open_clip's model config of the CLIP whose image tower is the backbone, in place of timm's;
    empty = none."""
    image_tower: str | None = None
    """Name of the CLIP folder beside this checkpoint (or the bundled one) that holds the frozen
    image tower's tensors; None = in this checkpoint."""
    pyramid_blocks: tuple[NonNegativeInt, ...] = (7, 11, 15, 23)
    """Transformer blocks, from 0, whose patch tokens feed the four pyramid levels, finest first."""
    reins_rank: NonNegativeInt = 16
    """Rank of the reins' tokens; 0 = no reins, then the queries are learned (SoMA)."""
    object_queries: PositiveInt = 100
    """Object queries, and tokens of the reins in every block."""
    width: PositiveInt = 256
    """Channels of the pixel decoder and the mask decoder (C)."""
    heads: PositiveInt = 8
    """Attention heads of both decoders."""
    points: PositiveInt = 4
    """Sampling points of the pixel decoder: per position, head and level."""
    pixel_feed_forward: PositiveInt = 1024
    """Hidden channels of the pixel decoder's feed-forward layers."""
    mask_feed_forward: PositiveInt = 2048
    """Hidden channels of the mask decoder's feed-forward layers."""
    pixel_layers: PositiveInt = 6
    """Layers of the pixel decoder."""
    mask_layers: PositiveInt = 9
    """Layers of the mask decoder."""
    image_mean: tuple[float, float, float] = IMAGENET_MEAN
    """Normalisation: mean of the RGB channels in [0, 1]."""
    image_std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = IMAGENET_STD
    """Normalisation: standard deviation of the RGB channels in [0, 1]."""
    input_size: Size = (512, 512)
    """(height, width) in pixels that the model was trained for; of timm's backbone a square."""
    size_multiple: PositiveInt = 32
    """Input sides are resized to a multiple of this many pixels."""
    window_stride: PositiveInt | None = 341
    """The model is evaluated on windows of ``input_size`` that start this many pixels apart; None =
    in one pass over the resized picture."""

    def __post_init__(self) -> None:
        check_clip(self.clip)
        if len(self.pyramid_blocks) != 4:
            raise ValueError(f"pyramid_blocks has {len(self.pyramid_blocks)} entries; it takes 4")
        if self.window_stride is not None and self.window_stride > min(self.input_size):
            raise ValueError(
                f"window_stride is {self.window_stride}; windows of {self.input_size} take 1 to "
                f"{min(self.input_size)}"
            )


@dataclass(frozen=True)
class DeepLabConfig:
    """Architecture of TLDR: DeepLabV3+; the defaults are the published one on ResNet-50."""

    __pydantic_config__ = RULES

    class_names: tuple[str, ...] = ()
    """The trained names, in the order of the class logits (M)."""
    backbone: str = "resnet50c"
    """timm's name of the ResNet; "lite0" = EfficientNet-Lite0 at output stride 16."""
    output_stride: PositiveInt = 8
    """Stride of the backbone's coarsest level."""
    levels: tuple[NonNegativeInt, ...] = (1, 2, 3, 4)
    """timm's indices of the levels, fine to coarse."""
    width: PositiveInt = 512
    """Channels of the head."""
    skip_width: PositiveInt = 48
    """Channels of the head's connection from the finest level."""
    dilations: tuple[PositiveInt, ...] = (12, 24, 36)
    """Of the pooling pyramid's 3 x 3 branches."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the head's channels that are dropped in training."""
    image_mean: tuple[float, float, float] = IMAGENET_MEAN
    """Normalisation: mean of the RGB channels in [0, 1]."""
    image_std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = IMAGENET_STD
    """Normalisation: standard deviation of the RGB channels in [0, 1]."""
    input_size: Size = (1024, 2048)
    """(height, width) in pixels: pictures are brought to as many pixels."""
    keeps_size: bool = True
    """Pictures are read at their own size, unless they have more pixels than ``input_size``."""
    size_multiple: PositiveInt = 8
    """Input sides are resized to a multiple of this many pixels."""


RivalConfig = ReinConfig | DeepLabConfig
