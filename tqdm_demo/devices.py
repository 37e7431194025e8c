"""Where models compute."""

from __future__ import annotations

import gc

import torch


def choose_device(device: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: another word, or a device that this machine does not have.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, there in present.items() if there)
    if device not in present:
        raise ValueError(f"device is {device!r}; it must be auto, {', '.join(present)}")
    if not present[device]:
        raise ValueError(f"device {device!r} is not available on this machine")
    return torch.device(device)


def release_memory() -> None:
    """Gives back what a model held that nobody refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that there is not enough memory, on whichever device."""
    # On CPUs torch raises a plain RuntimeError.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(
        error
    )
