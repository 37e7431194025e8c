"""The state of a training in one safetensors file, from which it continues bit for bit.

One file, replaced as a whole: a training that is killed at any moment, or finds the disk full,
leaves a whole state behind. All chance is a function of the step, so that none of it is kept.
Weights that are spread over several processes (FSDP) are gathered: the file does not tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from tqdm_demo.atomic_files import replacing
from tqdm_demo.training.distributed import rank

_MODEL, _OPTIMIZER = "model.", "optimizer."


def save_state(
    file: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: dict[str, Any]
) -> None:
    """Writes weights, optimiser and ``progress`` (JSON values); called by all processes.

    Raises:
        OSError: as :func:`save_tensors`.
    """
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{_OPTIMIZER}{key}.{name}"] = value
    save_tensors(file, tensors, {"progress": json.dumps(progress)})


def save_tensors(
    file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Writes a safetensors file as a whole or not at all; called by all processes.

    Raises:
        OSError: it cannot be written, for example on a full disk; what was there before stays.
    """
    if rank():  # gathering takes all processes, writing one
        plain_copies({name: t for name, t in tensors.items() if isinstance(t, DTensor)})
        return
    copies = plain_copies(tensors)
    try:
        with replacing(file) as partial:
            save_file(copies, partial, metadata)
    except (OSError, SafetensorError) as error:
        raise OSError(f"cannot write {file}: {error}") from error


def read_progress(file: Path) -> dict[str, Any]:
    """The ``progress`` of a saved state, without its tensors.

    Raises:
        ValueError: no such file, or one that is no state of a training.
    """
    try:
        with safe_open(file, "pt") as state:
            return json.loads(state.metadata()["progress"])
    except (OSError, KeyError, TypeError, SafetensorError) as error:
        raise ValueError(f"{file} holds no state of a training to resume: {error}") from error


def load_state(file: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Puts a saved state back, in place.

    Raises:
        ValueError: the state belongs to a model with other tensors.
    """
    with safe_open(file, "pt") as state:
        tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
    load_weights(model, _below(_MODEL, tensors), file)
    for key, value in _below(_OPTIMIZER, tensors).items():
        kind, _, name = key.partition(".")
        parameter = model.get_parameter(name)
        # AdamW counts its steps on the CPU, whatever the parameter is on.
        if kind != "step":
            value = torch.empty_like(parameter).copy_(_spread(value, parameter))
        optimizer.state[parameter][kind] = value


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], file: Path) -> None:
    """Puts saved weights back, in place.

    Raises:
        ValueError: ``file``, where they come from, belongs to a model with other tensors.
    """
    wanted = model.state_dict()
    odd = sorted(set(weights) ^ set(wanted)) or sorted(
        name for name in wanted if weights[name].shape != wanted[name].shape
    )
    if odd:
        raise ValueError(f"{file} is of another model; these tensors differ: {odd[:8]}")
    model.load_state_dict({name: _spread(weights[name], wanted[name]) for name in wanted})


def plain_copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that safetensors takes: whole, on the CPU, contiguous, sharing no memory."""
    copies = {}
    for name, value in tensors.items():
        whole = value.full_tensor() if isinstance(value, DTensor) else value
        copies[name] = whole.detach().cpu().clone(memory_format=torch.contiguous_format)
    return copies


def _spread(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor as ``like`` is: whole too, or this process' shard."""
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
