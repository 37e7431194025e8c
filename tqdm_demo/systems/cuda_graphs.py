"""Networks as CUDA graphs: one launch in place of a thousand, which small inputs wait for.

A graph is a recording of all kernels that a function of tensors starts, for one shape of each of
them. What is met for the first time runs as it is, what comes again is recorded and replayed.
Where something cannot be recorded, that and all that comes after it runs as it is.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from tqdm_demo.model.constants import hold_constants

Function = Callable[..., tuple[Tensor, ...]]
# Runs a function of tensors; the key says what it does beyond their shapes.
Run = Callable[[Hashable, Function, Sequence[Tensor]], tuple[Tensor, ...]]
# Recordings of one model: of a kind of input the inputs, and all that lies between.
MOST = 16
_log = logging.getLogger(__name__)
# torch records one graph at a time, whatever model it is of.
_RECORDING = threading.Lock()


def run_plainly(key: Hashable, function: Function, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Runs a function as it is."""
    return function(*tensors)


def use_cuda_graphs(model: object, device: torch.device) -> None:
    """Lets a system record its networks, on a GPU, where it is one that can."""
    if device.type == "cuda" and hasattr(model, "run"):
        model.run = GraphRunner()


class GraphRunner:
    """A :data:`Run` that records. Safe to use from several threads.

    Args:
        record: makes a replay of a function and tensors like those that it will get.
        most: recordings that are kept, those that were used last.
    """

    def __init__(
        self,
        record: Callable[[Function, Sequence[Tensor]], Function] | None = None,
        most: int = MOST,
    ) -> None:
        self._record = record or _Recorder()
        self._most = most
        # None: met once.
        self._replays: OrderedDict[Hashable, Function | None] = OrderedDict()
        self._lock = threading.Lock()
        self._failed = False

    def __call__(
        self, key: Hashable, function: Function, tensors: Sequence[Tensor]
    ) -> tuple[Tensor, ...]:
        """Runs a function, or replays it."""
        kinds = tuple((tensor.shape, tensor.dtype) for tensor in tensors)
        place = (key, _precision(), kinds)
        with self._lock:  # inputs and outputs of a recording have one place
            if self._failed and self._replays.get(place) is None:
                return function(*tensors)
            if place not in self._replays:
                self._replays[place] = None
                while len(self._replays) > self._most:
                    self._replays.popitem(last=False)
                return function(*tensors)
            self._replays.move_to_end(place)
            if self._replays[place] is None:
                self._replays[place] = self._recorded(function, tensors)
            return self._replays[place](*tensors)

    def _recorded(self, function: Function, tensors: Sequence[Tensor]) -> Function:
        try:
            with _RECORDING:
                return self._record(function, tensors)
        except RuntimeError as error:
            # A device may be in no state to record anything else.
            self._failed = True
            _log.warning("no CUDA graph, nothing more is recorded: %s", str(error)[:500])
            return function


class _Recorder:
    """Records CUDA graphs that share one pool of memory: none runs while another does."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Function, tensors: Sequence[Tensor]) -> Function:
        inputs = [tensor.clone() for tensor in tensors]
        constants: dict[Hashable, Tensor] = {}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), _casting_inside(), hold_constants(constants):
            # What is made once (constants of a size, workspaces) must not be made in a recording.
            function(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile.
        with (
            _casting_inside(),
            hold_constants(constants),
            torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"),
        ):
            outputs = function(*inputs)

        return _Replay(graph, inputs, outputs, constants)


@dataclass(frozen=True)
class _Replay:
    """A recording.

    Attributes:
        graph: reads the inputs and constants where they are, and writes to the outputs.
        inputs, outputs: of the function that was recorded.
        constants: of :mod:`tqdm_demo.model.constants`.
    """

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: tuple[Tensor, ...]
    constants: dict[Hashable, Tensor]

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        torch._foreach_copy_(self.inputs, list(tensors))
        self.graph.replay()
        # The next replay writes to the same places.
        return tuple(output.clone() for output in self.outputs)


@contextmanager
def _casting_inside() -> Iterator[None]:
    """Autocast forgets its copies of weights at its end: a recording must make its own."""
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)


def _precision() -> Hashable:
    if not torch.is_autocast_enabled("cuda"):
        return None
    return torch.get_autocast_dtype("cuda")
