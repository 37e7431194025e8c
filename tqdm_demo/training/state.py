"""The state of a training in one safetensors file, from which it continues bit for bit.

One file and ``os.replace``: a training that is killed at any moment leaves a whole state behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

_MODEL, _OPTIMIZER, _RANDOM = "model.", "optimizer.", "random."


def save_state(
    file: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    progress: dict[str, Any],
) -> None:
    """Writes weights, optimiser, the state of all chance, and ``progress`` (JSON values)."""
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{_OPTIMIZER}{key}.{name}"] = value
    tensors[_RANDOM + "cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[_RANDOM + "cuda"] = torch.cuda.get_rng_state()
    metadata = {
        "progress": json.dumps(progress),
        "numpy": json.dumps(rng.bit_generator.state),
    }
    tensors = plain_copies(tensors)
    partial = file.with_suffix(".partial")
    save_file(tensors, partial, metadata)
    os.replace(partial, file)


def read_progress(file: Path) -> dict[str, Any]:
    """The ``progress`` of a saved state, without its tensors.

    Raises:
        ValueError: no such file, or one that is no state of a training.
    """
    try:
        with safe_open(file, "pt") as state:
            return json.loads(state.metadata()["progress"])
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{file} holds no state of a training to resume: {error}") from error


def load_state(
    file: Path, model: nn.Module, optimizer: torch.optim.Optimizer, rng: np.random.Generator
) -> None:
    """Puts a saved state back, in place.

    Raises:
        ValueError: the state belongs to a model with other tensors.
    """
    with safe_open(file, "pt") as state:
        metadata = state.metadata()
        tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
    weights = _below(_MODEL, tensors)
    wanted = model.state_dict()
    odd = sorted(set(weights) ^ set(wanted)) or sorted(
        name for name in wanted if weights[name].shape != wanted[name].shape
    )
    if odd:
        raise ValueError(f"{file} is of another model; these tensors differ: {odd[:8]}")
    model.load_state_dict(weights)
    for key, value in _below(_OPTIMIZER, tensors).items():
        kind, _, name = key.partition(".")
        parameter = model.get_parameter(name)
        # AdamW counts its steps on the CPU, whatever the parameter is on.
        if kind != "step":
            value = torch.empty_like(parameter).copy_(value)
        optimizer.state[parameter][kind] = value
    torch.set_rng_state(tensors[_RANDOM + "cpu"])
    if torch.cuda.is_available() and _RANDOM + "cuda" in tensors:
        torch.cuda.set_rng_state(tensors[_RANDOM + "cuda"])
    rng.bit_generator.state = json.loads(metadata["numpy"])


def plain_copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies that safetensors takes: on the CPU, contiguous, sharing no memory."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
