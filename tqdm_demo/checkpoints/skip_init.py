"""Models without random initialisation, for a checkpoint to fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# What random starts are made of, in place.
_DRAWING = frozenset(
    {Tensor.normal_, Tensor.uniform_, Tensor.erfinv_, Tensor.mul_, Tensor.add_, Tensor.clamp_}
)


@contextmanager
def skip_init() -> Iterator[None]:
    """Models built inside get no random initialisation, which takes a large one half a minute.

    Their parameters hold nothing of use until a checkpoint is loaded.
    """
    with _SkipInit():
        yield


class _SkipInit(TorchFunctionMode):
    """Runs everything but what draws random numbers into parameters."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(function, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        if function in _DRAWING:
            if function is not Tensor.normal_ and isinstance(args[0], nn.Parameter):
                return args[0]
            if function in (Tensor.normal_, Tensor.uniform_):
                # Zeros and not nothing: truncated distributions draw again until all values fit.
                return args[0].zero_()
        return function(*args, **kwargs)
