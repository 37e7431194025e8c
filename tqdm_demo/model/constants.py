"""Tensors that depend on sizes alone: made once for a size and a device, and kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps

import torch
from torch import Tensor

# Tensors that are kept of each kind.
_KEPT = 16
_held: ContextVar[dict[Hashable, Tensor] | None] = ContextVar("held", default=None)


def constant(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Keeps what a function made last, by its arguments; nobody may write into it."""
    # Ordinary tensors, that a training can use, too.
    kept = lru_cache(_KEPT)(torch.inference_mode(False)(torch.no_grad()(make)))

    @wraps(make)
    def get(*arguments: Hashable) -> Tensor:
        held = _held.get()
        if held is None:
            return kept(*arguments)
        if (make, arguments) not in held:
            held[make, arguments] = kept(*arguments)
        return held[make, arguments]

    return get


@contextmanager
def hold_constants(held: dict[Hashable, Tensor]) -> Iterator[None]:
    """Takes constants from ``held``, and puts there what it lacks, in this thread.

    For a recording that reads them where they are: they must outlive what is kept here.
    """
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
