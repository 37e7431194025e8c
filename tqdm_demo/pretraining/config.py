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

    steps: PositiveInt = 1700
    """Optimiser steps of the whole training."""
    batch_size: PositiveInt = 16
    """Views of each step."""
    photo_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of the views that come from real frames, where there are any."""
    scenes: PositiveInt = 900
    """Drawn pictures per domain."""
    softness: PositiveFloat = 8.0
    """A domain whose zero-shot mIoU is this many percent behind the best one is drawn e times as
    often."""
    regions: PositiveInt = 40
    """Boxes of tokens per view."""
    learning_rate: PositiveFloat = 1.5e-3
    """Peak rate of AdamW (vectors, embeddings); it falls to 0 along a cosine."""
    muon_learning_rate: PositiveFloat = 2e-3
    """Peak rate of Muon (hidden matrices); it falls to 0 along a cosine."""
    weight_decay: NonNegativeFloat = 0.05
    """Weight decay of both optimisers."""
    warmup_steps: NonNegativeInt = 100
    """Steps in which both rates rise linearly from 0."""
    zoom: Range = (0.7, 1.5)
    """Smallest and largest number of view pixels per picture pixel."""
    evaluate_every: PositiveInt = 350
    """Steps between evaluations."""
    save_every: PositiveInt = 250
    """Steps between saved states."""
    bfloat16: bool = True
    """The image tower computes in bfloat16 (autocast)."""
    seed: NonNegativeInt = 0
    """Seed of everything random."""
