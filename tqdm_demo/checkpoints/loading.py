"""Loads the model of a source, see :mod:`tqdm_demo.checkpoints.sources`.

Kept apart from what is known of models without loading them, which needs no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tqdm_demo.checkpoints.folder import load_clip, load_segmenter
from tqdm_demo.checkpoints.folder_files import (
    CONFIG_FILE,
    read_clip_config,
    read_config,
    read_model_config,
    system_of,
)
from tqdm_demo.checkpoints.open_clip_models import cached_positions, load_open_clip
from tqdm_demo.checkpoints.rival_folder import RIVALS, load_rival, read_rival_config
from tqdm_demo.checkpoints.sources import OPEN_CLIP, ZERO_SHOT, locate, split_source, words_of
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.systems.system import System
from tqdm_demo.systems.trained import TrainedModel
from tqdm_demo.systems.zero_shot import ZeroShotModel


def load_model(source: str, device: torch.device) -> System:
    """Loads a model.

    Raises:
        ValueError: as :func:`.sources.locate`, or files that do not fit together.
    """
    prefix, name, method = split_source(source)
    if prefix == OPEN_CLIP:
        clip, config = load_open_clip(name)
    elif prefix == ZERO_SHOT:
        folder = locate(source)
        _refuse_fetching(folder, read_clip_config(folder).clip)
        clip, config = load_clip(folder)
    else:
        if method is not None:
            raise ValueError(f"{source!r}: only zero-shot models take a similarity (#{method})")
        folder = locate(source)
        if system_of(read_config(folder)) in RIVALS:
            return _load_rival(folder, device)
        _refuse_fetching(folder, read_model_config(folder).clip)
        segmenter = load_segmenter(folder)
        _lengthen(segmenter)
        return TrainedModel(segmenter.to(device), words_of(folder, segmenter.config.text_tower))
    return ZeroShotModel(clip.to(device), config, method)


def _load_rival(folder: Path, device: torch.device) -> System:
    rival, config = read_rival_config(folder)
    _refuse_fetching(folder, getattr(config, "clip", {}))
    return rival.system(load_rival(folder).to(device))


def _refuse_fetching(folder: Path, clip: dict[str, Any]) -> None:
    """Raises where towers would load files by themselves.

    A config decides what open_clip builds, and it may come from anybody.
    """
    text, vision = clip.get("text_cfg", {}), clip.get("vision_cfg", {})
    fetching = [k for k in text if k.startswith("hf_")]
    fetching += [k for k in ("timm_model_pretrained",) if vision.get(k)]
    fetching += [k for k in ("timm_model_name",) if ":" in str(vision.get(k, ""))]
    if fetching:
        raise ValueError(f"{folder / CONFIG_FILE} asks for files of others ({', '.join(fetching)})")


def _lengthen(segmenter: Segmenter) -> None:
    """Gives a text tower its whole position table where the CLIP it comes from is cached."""
    weights = segmenter.config.clip_weights
    positions = None if weights is None else cached_positions(weights)
    if positions is not None:
        segmenter.text_encoder.lengthen(positions)
