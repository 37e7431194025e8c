"""Several processes that train or measure together: torchrun starts one per GPU or CPU share.

Without torchrun all of this does nothing: there is one process, rank 0 of 1.

Axes: B images of this process; C channels; h w a feature map.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

Result, Item = TypeVar("Result"), TypeVar("Item")


def join(device: torch.device, backend: str | None = None) -> torch.device:
    """Joins the processes that torchrun has started, if it has; the device of this one.

    Args:
        device: that was chosen for all: "cuda" becomes this process' own GPU.
        backend: "nccl" or "gloo" (for tensors on the CPU); None = as the device wants it.
    """
    if "RANK" not in os.environ:
        return device
    if device.type == "cuda":
        local_rank = int(os.environ["LOCAL_RANK"])
        device = torch.device("cuda", local_rank % torch.cuda.device_count())
        torch.cuda.set_device(device)
    dist.init_process_group(backend or ("nccl" if device.type == "cuda" else "gloo"))
    return device


def leave() -> None:
    """Ends what :func:`join` began."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Which process this is; 0 writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def process_count() -> int:
    """How many processes work together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share_of(count: int) -> range:
    """Which of ``count`` pictures are this process's: every ``process_count()``-th one."""
    return range(rank(), count, process_count())


def wait_for_all() -> None:
    """Returns when every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def sum_over_processes(values: Tensor) -> Tensor:
    """The sum of everybody's ``values``, without a gradient."""
    total = values.detach().clone()
    if dist.is_initialized():
        dist.all_reduce(total)
    return total


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of everybody's ``values``, without a gradient."""
    return sum_over_processes(values) / process_count()


def gather_items(items: Sequence[Item]) -> list[Item]:
    """Everybody's items, rank by rank; they must be picklable."""
    if not dist.is_initialized():
        return list(items)
    everybody: list[Any] = [None] * process_count()
    dist.all_gather_object(everybody, list(items))
    return [item for part in everybody for item in part]


class ForwardWrapper(nn.Module):
    """Runs functions of a model inside a forward pass, where DDP and FSDP do their work.

    Args:
        model: whose parameters the functions use.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(*arguments)``; for training it returns tensors in a dictionary."""
        return function(*arguments)


def wrap_model(model: nn.Module, blocks: Sequence[nn.Module], shard: bool) -> nn.Module:
    """A :class:`ForwardWrapper` in DDP (gradients are synchronised) or FSDP2 (all is sharded).

    Args:
        model: on its device; batch norms are replaced by synchronised ones in place.
        blocks: parts that FSDP gathers and frees one by one.
        shard: FSDP2 in place of DDP.
    """
    wrapped = ForwardWrapper(model)
    if not dist.is_initialized():
        return wrapped
    device = next(model.parameters()).device.type
    synchronise_batch_norms(model, device)
    if not shard:
        return DistributedDataParallel(wrapped)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device, (process_count(),))
    for parameter in model.parameters():  # FSDP takes no channels-last ones
        parameter.data = parameter.data.contiguous()
    for block in blocks:
        fully_shard(block, mesh=mesh)
    return fully_shard(wrapped, mesh=mesh)


@contextmanager
def gradient_sync(wrapped: nn.Module, sync: bool) -> Iterator[None]:
    """Within it the backward pass synchronises gradients, or accumulates them (``sync`` False)."""
    if isinstance(wrapped, DistributedDataParallel):
        with nullcontext() if sync else wrapped.no_sync():
            yield
        return
    if hasattr(wrapped, "set_requires_gradient_sync"):  # FSDP
        wrapped.set_requires_gradient_sync(sync)
    yield


def synchronise_batch_norms(model: nn.Module, device: str) -> None:
    """Replaces every BatchNorm2d below ``model`` by a synchronised one with the same tensors.

    Args:
        model: is changed in place.
        device: type of its device: for "cuda" torch's own norm, which refuses tensors on the CPU.
    """
    if device == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, SynchronisedBatchNorm.of(child))


class SynchronisedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the images of all processes on CPUs (gloo)."""

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> SynchronisedBatchNorm:
        """One with the tensors of ``norm``."""
        own = cls(norm.num_features, norm.eps, norm.momentum)
        own.weight, own.bias = norm.weight, norm.bias
        own.running_mean, own.running_var = norm.running_mean, norm.running_var
        own.num_batches_tracked = norm.num_batches_tracked
        return own.train(norm.training)

    def forward(self, maps: Tensor) -> Tensor:
        """Normalises (B, C, h, w); every process has as many values."""
        if not self.training:
            return super().forward(maps)
        count = process_count()
        # float32 also in mixed precision, as batch norm always is.
        values = maps.float()
        mean = _SumOverProcesses.apply(values.mean((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _SumOverProcesses.apply(centred.square().mean((0, 2, 3))) / count
        self._track(mean.detach(), variance.detach(), maps.numel() // maps.shape[1] * count)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(maps.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / (count - 1), self.momentum)


class _SumOverProcesses(torch.autograd.Function):
    """A sum over all processes whose gradient is the sum of theirs."""

    @staticmethod
    def forward(context: object, values: Tensor) -> Tensor:
        return sum_over_processes(values)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return sum_over_processes(gradient)
