"""Files of tensors: a safetensors file that never lies in memory as a whole, and LFS pointers.

The file: eight bytes with the header's length (little-endian), the header (JSON: dtype, shape and
byte range of every tensor), then the values.

Source: github.com/huggingface/safetensors (README, "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_POINTER = b"version https://git-lfs"
_NAMES = {"torch.float32": "F32", "torch.float16": "F16", "torch.int64": "I64"}


@dataclass(frozen=True)
class TensorSpec:
    """What a tensor will be in the file.

    Attributes:
        dtype: float32, float16 or int64.
        shape: of the tensor.
    """

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.dtype.itemsize * math.prod(self.shape)


def write_tensors(
    path: Path, specs: Mapping[str, TensorSpec], tensors: Iterable[tuple[str, Tensor]]
) -> None:
    """Writes ``path``.

    Args:
        path: the new file.
        specs: of every tensor by name.
        tensors: every one of them once, in any order, each of the shape that ``specs`` says; it
            is converted to the dtype there.

    Raises:
        ValueError: a value that is not finite, or not in the new dtype, by its tensor's name.
    """
    # Wide types first: then every tensor is aligned, since the header's length is a multiple of 8.
    names = sorted(specs, key=lambda name: (-specs[name].dtype.itemsize, name))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    starts, end = {}, 0
    for name in names:
        spec, starts[name] = specs[name], end
        end += spec.size
        header[name] = {
            "dtype": _NAMES[str(spec.dtype)],
            "shape": list(spec.shape),
            "data_offsets": [starts[name], end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in tensors:
            file.seek(8 + len(text) + starts.pop(name))
            file.write(_values(name, tensor, specs[name]))
    assert not starts, f"not written: {sorted(starts)}"


def _values(name: str, tensor: Tensor, spec: TensorSpec) -> memoryview:
    assert tuple(tensor.shape) == spec.shape, name
    stored = tensor.detach().to(spec.dtype)
    # The sum of finite values may overflow, so every value is looked at.
    if spec.dtype.is_floating_point and not bool(stored.isfinite().all()):
        if bool(tensor.isfinite().all()):
            raise ValueError(f"{name} has values too large for float16; use float32")
        raise ValueError(f"{name} has values that are not finite: the file is damaged")
    return memoryview(stored.contiguous().reshape(-1).numpy()).cast("B")


def refuse_pointer(path: Path) -> None:
    """Looks whether Git LFS left a pointer in place of a file of tensors.

    Raises:
        ValueError: it did; the sentence says what to do.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise ValueError(
                f"{path} is a pointer of Git LFS, not the file itself: run “git lfs pull”, "
                "or download it"
            )
