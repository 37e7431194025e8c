"""The precision that a model computes with: bfloat16 where it is fast and changes no labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tqdm_demo.devices import computes_bfloat16

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "float32", "bfloat16")
# The share of a picture's pixels whose label must stay.
SAME = 0.995
# Gives the context in which a model runs.
Autocast = Callable[[], AbstractContextManager]


def choose_precision(
    precision: str, device: torch.device, label: Callable[[Autocast], np.ndarray]
) -> Autocast:
    """The context for a model.

    Args:
        precision: of :data:`PRECISIONS`. ``auto`` takes bfloat16 on a GPU that has it, where it
            labels :func:`probe` as float32 does but for 1 - :data:`SAME` of the pixels.
        device: of the model.
        label: the label map of :func:`probe`, in a context.

    Raises:
        ValueError: another precision, or bfloat16 on a device that does not compute with it.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(PRECISIONS)}")
    if precision == "float32" or (precision == "auto" and device.type != "cuda"):
        return nullcontext
    if not computes_bfloat16(device):
        if precision == "auto":
            return nullcontext
        raise ValueError(f"precision bfloat16: this machine's {device.type} does not have it")
    import torch

    half = partial(torch.autocast, device.type, torch.bfloat16)
    if precision == "auto" and (label(half) == label(nullcontext)).mean() < SAME:
        return nullcontext
    return half


def set_matrix_precision(precision: str) -> None:
    """Lets GPUs multiply float32 matrices as TF32, unless float32 was asked for by name."""
    import torch

    torch.backends.cudnn.allow_tf32 = precision != "float32"
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")


def probe(size: tuple[int, int]) -> np.ndarray:
    """A picture uint8 (H, W, 3) of smooth colours: closer decisions than a photograph has.

    Args:
        size: (H, W).
    """
    colours = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    return np.asarray(Image.fromarray(colours).resize(size[::-1], Image.Resampling.BICUBIC))
