"""Mixed precision where the device has the instructions for it, float32 everywhere else.

A CPU without them emulates bfloat16: on one with AVX2 alone a training step of the tiny segmenter
took 15 times as long as in float32.
"""

from __future__ import annotations

import warnings

import torch

from tqdm_demo.devices import computes_bfloat16


def mixed_precision(device: torch.device, bfloat16: bool) -> torch.autocast:
    """The context in which a forward pass runs.

    Args:
        device: of the model.
        bfloat16: what the configuration asks for; where the device cannot, a warning says so and
            the pass stays in float32.
    """
    enabled = bfloat16 and computes_bfloat16(device)
    if bfloat16 and not enabled:
        warnings.warn(f"{device.type} has no bfloat16 here; training in float32", stacklevel=2)
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
