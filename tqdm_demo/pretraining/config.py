"""Settings of the CLIP pre-training; the texts are what ``--help`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from tqdm_demo.config import RULES, Range


@dataclass(frozen=True)
class PretrainConfig:
    """One pre-training."""

    __pydantic_config__ = RULES

    steps: PositiveInt = 500
    """Optimiser steps of the whole training."""
    batch_size: PositiveInt = 12
    """Views of each step."""
    photo_share: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Share of the views that come from photographs, where there are any."""
    plain: PositiveFloat = 4.0
    """A photograph as it is is drawn this many times as often as each of its filtered copies."""
    filtered: Annotated[int, Field(ge=0, le=13)] = 13
    """Filtered copies of each photograph; a third of them where the classes are Cityscapes'."""
    scenes: PositiveInt = 60
    """Drawn pictures per domain."""
    softness: PositiveFloat = 8.0
    """A domain whose zero-shot mIoU is this many percent behind the best one is drawn e times as
    often."""
    regions: PositiveInt = 8
    """Boxes of tokens per view."""
    weight_tokens: NonNegativeFloat = 1.0
    """Weight of the token-text loss; the region-text loss has 1."""
    captions: PositiveInt = 2
    """Captions of every concept in each step, for the token-text loss."""
    learning_rate: PositiveFloat = 2e-3
    """Peak rate of AdamW (vectors, embeddings); it falls to 0 along a cosine."""
    muon_learning_rate: PositiveFloat = 2e-3
    """Peak rate of Muon (hidden matrices); it falls to 0 along a cosine."""
    trunk_factor: NonNegativeFloat = 0.0
    """Factor on the learning rate of the ImageNet trunk; 0 freezes it."""
    weight_decay: NonNegativeFloat = 0.05
    """Weight decay of both optimisers."""
    warmup_steps: NonNegativeInt = 25
    """Steps in which both rates rise linearly from 0."""
    zoom: Range = (0.75, 1.6)
    """Smallest and largest number of view pixels per pixel of the picture as the model takes it."""
    evaluate_every: PositiveInt = 250
    """Steps between evaluations."""
    save_every: PositiveInt = 20
    """Steps between saved states."""
    bfloat16: bool = False
    """The image tower computes in bfloat16 (autocast)."""
    seed: NonNegativeInt = 0
    """Seed of everything random."""
