"""How a training of Rein or TLDR begins: the network on a CLIP's tower, its objective, its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.datasets import parse_data
from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.model.imagenet_trunk import ImagenetTrunk
from tqdm_demo.model.mask2former import ReinSegmenter
from tqdm_demo.model.rein_tower import ReinTower
from tqdm_demo.rival_config import ReinConfig, RivalConfig
from tqdm_demo.training.rival_objectives import (
    ReinObjective,
    TldrObjective,
    rein_rule,
    tldr_rule,
)
from tqdm_demo.training.style_transfer import StyleTransfer
from tqdm_demo.training.validation import read_pictures

RULES = {"rein": rein_rule, "tldr": tldr_rule}


def rival_on_clip(model: RivalConfig, about: Mapping[str, Any], shared: str | None) -> RivalConfig:
    """The architecture on a CLIP's tower.

    Args:
        model: of the preset.
        about: what the CLIP's folder says of it.
        shared: name of that folder, if the trained checkpoint will find the tower by it.

    Raises:
        ValueError: the CLIP does not say what it is made of.
    """
    if not about:
        raise ValueError("Rein and TLDR start from a CLIP folder of this project")
    colours = {"image_mean": tuple(about["image_mean"]), "image_std": tuple(about["image_std"])}
    size = {"input_size": tuple(about["input_size"])}
    if isinstance(model, ReinConfig):
        return dataclasses.replace(
            model, clip=about["clip"], image_tower=shared, window_stride=None, **colours, **size
        )
    return dataclasses.replace(model, **colours, **size)


def build_rival(model: RivalConfig, clip: nn.Module, training: TrainConfig) -> nn.Module:
    """The network at the start of a training: the tower, or its trunk, of the CLIP; the rest new.

    Raises:
        ValueError: TLDR from a CLIP whose tower has no ImageNet trunk; fewer queries than classes.
    """
    torch.manual_seed(training.seed)
    if isinstance(model, ReinConfig):
        if model.object_queries < len(model.class_names):
            raise ValueError(
                f"object_queries is {model.object_queries} for {len(model.class_names)} classes"
            )
        segmenter = ReinSegmenter(model)
        assert isinstance(segmenter.backbone, ReinTower)
        segmenter.backbone.encoder.tower.load_state_dict(clip.visual.state_dict())
        _start_decoders(segmenter)
        return segmenter
    trunk = _trunk(clip)
    network = DeepLabV3Plus(model)
    network.backbone.load_state_dict(trunk.state_dict())
    return network


def make_objective(
    network: nn.Module, clip: nn.Module, config: TrainConfig, cache: Path, workers: int
) -> ReinObjective | TldrObjective:
    """The objective of a network that :func:`build_rival` made.

    Raises:
        ValueError: style pictures that are not there.
    """
    if isinstance(network, ReinSegmenter):
        return ReinObjective(network, config)
    sources = parse_data(config.styles or config.source, split="train")
    styles = read_pictures(
        sources, config.style_pictures, config.painted, cache, workers, shared=False
    )
    return TldrObjective(network, config, styles, StyleTransfer(_trunk(clip).stem.weight))


def rival_blocks(network: nn.Module) -> list[nn.Module]:
    """The repeated blocks, for recomputed activations and sharding."""
    if not isinstance(network, ReinSegmenter):
        return []
    decoders: Sequence[nn.Module] = (
        *network.pixel_decoder.layers,
        *network.mask_decoder.layers,
    )
    return [*network.backbone.blocks(), *decoders]


def _trunk(clip: nn.Module) -> ImagenetTrunk:
    trunk = getattr(getattr(clip.visual, "trunk", None), "trunk", None)
    if not isinstance(trunk, ImagenetTrunk):
        raise ValueError("TLDR starts from a CLIP on an ImageNet trunk, such as mini-clip")
    return trunk


def _start_decoders(segmenter: ReinSegmenter) -> None:
    """The published random start of Rein's head: Xavier normal for the matrices of the layers."""
    for layers in (segmenter.pixel_decoder.layers, segmenter.mask_decoder.layers):
        for name, parameter in layers.named_parameters():
            deformable = ".self_attention." in name and layers is segmenter.pixel_decoder.layers
            if parameter.dim() > 1 and not deformable:
                nn.init.xavier_normal_(parameter)
