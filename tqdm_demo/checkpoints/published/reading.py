"""Reads a published checkpoint file: tensors and plain values, no programs."""

from __future__ import annotations

import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tqdm_demo.checkpoints.drive_pages import begins_a_page
from tqdm_demo.checkpoints.tensor_file import refuse_pointer

# Checkpoints of mmcv hold NumPy numbers (scores, rates) beside the tensors. These are the functions
# and types that a NumPy number is pickled with; they build numbers and nothing else.
_NUMBER, _NUMBER_MODULES = np.float64(0).__reduce__()[0], ("numpy.core", "numpy._core")
_SAFE = [
    *((_NUMBER, f"{module}.multiarray.scalar") for module in _NUMBER_MODULES),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "u1", "?")),
]


@dataclass(frozen=True)
class Published:
    """What a checkpoint file holds.

    Attributes:
        tensors: by published name, without the wrapping; mapped from the file where it allows it.
        meta: plain values that lie beside them.
    """

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def read_published(path: Path) -> Published:
    """Reads a checkpoint, running nothing that it holds.

    Accepts a bare state dict and one below ``state_dict``, with or without ``module.`` before
    every name.

    Raises:
        ValueError: a file that is missing, damaged, no checkpoint, or that cannot be read safely.
    """
    loaded = _load(path)
    state, meta = loaded, {}
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        state, meta = loaded["state_dict"], loaded.get("meta")
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in (state.items() if isinstance(state, dict) else ())
        if isinstance(value, Tensor) and value.layout == torch.strided
    }
    if not isinstance(state, dict) or len(tensors) < len(state):
        raise ValueError(f"{path} holds no state dict: not all of its entries are tensors")
    return Published(tensors, meta if isinstance(meta, dict) else {})


def _load(path: Path) -> Any:
    with open(path, "rb") as file:
        start = file.read(64)
    if begins_a_page(start):
        raise ValueError(f"{path} is a web page, no checkpoint: download the file itself")
    refuse_pointer(path)
    is_zip = start.startswith(b"PK")
    if is_zip and not _is_whole_zip(path):
        raise ValueError(f"{path} is damaged or not complete; download it again")
    if is_zip and (inside := _checkpoints_inside(path)):
        raise ValueError(f"{path} is an archive that contains {inside[0]}: unpack it first")
    try:
        with torch.serialization.safe_globals(_SAFE):
            # Files of an older format (no zip archive) cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} {_why_unsafe(str(error))}") from error
    except OSError:
        raise
    except Exception as error:  # of any class: torch trusts the file's bytes
        if "TorchScript" in str(error):
            raise ValueError(
                f"{path} is a TorchScript program (OpenAI's CLIP files are), no tqdm checkpoint"
            ) from error
        raise ValueError(f"{path} is damaged, or no checkpoint of PyTorch") from error


def _is_whole_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # of what claims to be one part of several
        return False


def _checkpoints_inside(path: Path) -> list[str]:
    """Checkpoint files in an archive; torch's own archives hold ``data.pkl`` and no such file."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return [name for name in names if name.lower().endswith((".pth", ".pt", ".ckpt", ".bin"))]


def _why_unsafe(message: str) -> str:
    """A sentence's end from torch's message, which also says how to switch the check off."""
    wanted = re.search(r"GLOBAL ([\w.]+)", message)
    if wanted is None:
        return "is damaged, or no checkpoint of PyTorch"
    return (
        f"asks for {wanted[1]}, which no published checkpoint needs. It could run a program, so "
        "it is not read; nothing of it was executed"
    )
