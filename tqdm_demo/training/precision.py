"""Mixed precision where the device has the instructions for it, float32 everywhere else.

A CPU without them emulates bfloat16: on one with AVX2 alone a training step of the tiny segmenter
took 15 times as long as in float32.
"""

from __future__ import annotations

import warnings

import torch


def computes_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` multiplies bfloat16 matrices by itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


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
