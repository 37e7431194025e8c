"""Where models compute. torch is imported where it is used: the page is shown before that."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def choose_device(device: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: another word, or a device that this machine does not have.
    """
    import torch

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


def computes_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` multiplies bfloat16 matrices by itself."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def release_memory() -> None:
    """Gives back what a model held that nobody refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def trim_heap() -> None:
    """Gives back what the C library keeps of freed memory; where it is not glibc, nothing.

    Requests that compute side by side leave holes in its heaps, a gigabyte under load.
    """
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that there is not enough memory, on whichever device."""
    import torch

    # On CPUs torch raises a plain RuntimeError.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(
        error
    )


def cpu_limit(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs that this process may use: a container often sees more than it is given.

    The least of ``CPU_CORES`` (which Hugging Face sets), the cgroup's quota (version 2 or 1) and
    what the scheduler allows; at least 1.
    """
    schedulable = getattr(os, "sched_getaffinity", lambda process: range(os.cpu_count() or 1))(0)
    limits = [float(len(schedulable))]
    if (cores := os.environ.get("CPU_CORES", "")).replace(".", "", 1).isdigit():
        limits.append(float(cores))
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((groups / file).read_text() for file in files).split()
            limits.append(float(quota) / float(period))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return max(1, int(min(limit for limit in limits if limit > 0)))


def limit_cache(megabytes: int, device: torch.device) -> int:
    """What may be kept, in megabytes: on a GPU, where it lies, a quarter of its memory at most."""
    import torch

    if device.type != "cuda":
        return megabytes
    return min(megabytes, torch.cuda.get_device_properties(device).total_memory // 2**22)
