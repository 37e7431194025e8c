"""A stand-in for the package ``spaces`` that does to a program what ZeroGPU does.

A decorated function runs in a forked process, what goes in and comes out is pickled, what the
process keeps is lost, and modules that were moved to "cuda" cannot be used in the parent.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

from torch import nn

PARENT = os.getpid()


class Spaces:
    """The package.

    Attributes:
        decorated: how many functions there are.
        durations: seconds that each call asked for.
        moved: modules that went to "cuda", by name of their class.
        refusal: what the next call raises.
    """

    def __init__(self) -> None:
        self.decorated, self.durations, self.moved = 0, [], []
        self.refusal: Exception | None = None
        self.launched = False

    def GPU(self, duration: Callable[..., int]) -> Callable:  # noqa: N802
        def decorate(function: Callable) -> Callable:
            self.decorated += 1

            def run(*arguments: Any) -> Any:
                self.durations.append(duration(*arguments))
                if self.refusal is not None:
                    raise self.refusal
                return in_fork(function, arguments)

            return run

        return decorate

    def to_cuda(self, module: nn.Module) -> None:
        """Takes the place of moving a module to "cuda"."""
        assert threading.current_thread() is threading.main_thread() and not self.launched
        self.moved.append(type(module).__name__)
        for part in module.modules():
            part.register_forward_pre_hook(refuse_in_parent)


def refuse_in_parent(module: nn.Module, inputs: Any) -> None:
    if os.getpid() == PARENT:
        raise RuntimeError("disk-offloaded Tensor: used in the parent")


def in_fork(function: Callable, arguments: tuple) -> Any:
    """Runs a function in a forked process; its last word is its result, or its error."""
    sent = pickle.dumps(arguments)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = pickle.dumps(function(*pickle.loads(sent)))
        except BaseException as error:
            answer = pickle.dumps(RuntimeError(f"ZeroGPU worker error: {error!r}"))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    result = pickle.loads(answer)
    if isinstance(result, Exception):
        raise result
    return result
