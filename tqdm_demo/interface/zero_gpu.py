"""Models on ZeroGPU, where Hugging Face lends a GPU for seconds at a time.

The package ``spaces`` runs a decorated function in a process that is forked for it. So:

* Models are moved to "cuda" at start, on the main thread, from a fixed list; after the launch this
  process may not touch them. The bundled models stay on the CPU and use nobody's quota.
* What goes in and comes out is NumPy. What the worker keeps is lost: answers are kept here.
* Nothing that the worker needs is locked, or used at all, by another thread when it forks.

Import this module before anything uses CUDA. Written from the platform's documentation and the
package's source, tested with a stand-in for the package, never on a Space.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from tqdm_demo.checkpoints.sources import BUNDLED
from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.encoded import Picture
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.inference.segmentation import Segmentation
from tqdm_demo.inference.stages import Stages
from tqdm_demo.interface.model_manager import load_predictor

if TYPE_CHECKING:
    import torch

    from tqdm_demo.inference.predictor import Predictor

# The platform's package where it is the platform, else None.
spaces = importlib.import_module("spaces") if os.environ.get("SPACES_ZERO_GPU") else None
DEVICE = "cuda"
# What is asked for is taken from the visitor's quota, half as much again; seconds.
SHORTEST, LONGEST = 5, 60
WINDOWS_A_SECOND = 8  # a careful guess
_WINDOW_STEP = 341  # pixels


class ZeroGpuLoader:
    """Loads predictors as ``Predictor.load`` does: bundled ones on the CPU, placed ones by fork.

    Args:
        sources: models to place on the GPU, now; bundled ones among them stay on the CPU.
        precision: ``bfloat16``, or anything else for float32: nothing can be measured at start.
        window_batch: windows at once.

    Raises:
        ValueError: a model cannot be had.
    """

    def __init__(self, sources: Sequence[str], precision: str, window_batch: int) -> None:
        import torch

        from tqdm_demo.checkpoints.loading import load_model
        from tqdm_demo.inference.predictor import Predictor

        autocast = nullcontext
        if precision == "bfloat16":
            autocast = partial(torch.autocast, DEVICE, torch.bfloat16)
        self._window_batch = window_batch
        self._placed: dict[str, Predictor] = {}
        for source in dict.fromkeys(sources):
            if source not in BUNDLED:
                model = load_model(source, torch.device("cpu"))
                move(model, torch.device(DEVICE))
                self._placed[source] = Predictor(model, window_batch, autocast=autocast)
        # Made in any case: a Space without such a function is stopped.
        self._run = spaces.GPU(duration=estimate)(self._in_worker)

    def __call__(self, source: str, device: str, cache: Any, turn: Any) -> Predictor | GpuPredictor:
        """See the class; ``device`` is not asked.

        Raises:
            ValueError: a model that is neither bundled nor placed.
        """
        if source in BUNDLED:
            more = {"window_batch": self._window_batch, "cache": cache, "turn": turn}
            return load_predictor(source, "cpu", **more)
        if source not in self._placed:
            raise ValueError("This Space runs a fixed list of models; its owner may add this one.")
        return GpuPredictor(source, self._placed[source], self._run, cache)

    def _in_worker(
        self, kind: str, source: str, image: np.ndarray, classes: ClassList, mode: str | None
    ) -> Segmentation | Stages | str:
        """Runs in the forked process. A mistake comes back as its sentence, not as an error."""
        predictor = self._placed[source]
        try:
            if kind == "segment":
                return predictor.segment(image, classes, mode)
            return predictor.stages(image, classes)
        except ValueError as error:
            return str(error)


class GpuPredictor:
    """What the page asks of a predictor, answered by a worker with a GPU; answers are kept here.

    Args:
        source: of the model.
        placed: the model, which this process only asks for what needs no computing.
        run: the decorated function.
        cache: where answers are kept.
    """

    def __init__(self, source: str, placed: Predictor, run: Callable[..., Any], cache: Any) -> None:
        self.kind, self.default_names = placed.kind, placed.default_names
        self.check = placed.check
        self._source, self._run, self._cache = source, run, cache.section()

    def segment(
        self,
        image: Image.Image | np.ndarray,
        names: Sequence[str] | ClassList | None = None,
        mode: str | None = None,
    ) -> Segmentation:
        """As :meth:`.Predictor.segment`.

        Raises:
            ValueError: as there, or the platform gives no GPU now; a sentence for the user.
        """
        return self._ask("segment", image, names, mode)

    def stages(self, image: np.ndarray, names: Sequence[str] | ClassList | None = None) -> Stages:
        """As :meth:`.Predictor.stages`.

        Raises:
            ValueError: as :meth:`segment`.
        """
        return self._ask("stages", image, names, None)

    def forget(self) -> None:
        """Drops all answers."""
        self._cache.clear()

    def _ask(self, kind: str, image: Any, names: Any, mode: str | None) -> Any:
        pixels = read_image(image) if isinstance(image, Image.Image) else image
        if not isinstance(names, ClassList):
            names = ClassList.from_names(self.default_names if names is None else names)
        self.check(names)

        def make() -> Any:
            try:
                answer = self._run(kind, self._source, pixels, names, mode)
            except gr.Error as error:  # the platform's
                raise ValueError(in_words(str(error.message))) from error
            if isinstance(answer, str):
                raise ValueError(answer)
            return answer

        return self._cache.get((kind, Picture(pixels).key, names, mode), make)[0]


def estimate(
    kind: str, source: str, image: np.ndarray, classes: ClassList, mode: str | None
) -> int:
    """Seconds that a request may take; what ``spaces.GPU`` takes as ``duration``."""
    windows = np.prod([-(-side // _WINDOW_STEP) for side in image.shape[:2]])
    return int(min(LONGEST, SHORTEST + windows // WINDOWS_A_SECOND))


def in_words(message: str) -> str:
    """What the platform says when it gives no GPU, without its markup, and what to do."""
    told = " ".join(re.sub(r"<[^>]*>", " ", message).split()).rstrip(".")
    lower = told.lower()
    if "quota" in lower:
        advice = "Log in to Hugging Face for more, or choose a bundled model: they need no GPU."
    elif "abort" in lower or "timeout" in lower:
        advice = "Try a smaller picture, or once more."
    else:
        advice = "Try again in a minute, or choose a bundled model: they need no GPU."
    return f"The GPU of this Space: {told}. {advice}"


def move(system: object, device: torch.device) -> None:
    """Moves all that a system is made of, and computes nothing: that is not allowed at start.

    Args:
        system: an object of this package; what it holds may hold more.
        device: where to.
    """
    for name, value in vars(system).items():
        moved = _moved(value, device)
        if moved is not value:
            setattr(system, name, moved)


def _moved(value: Any, device: torch.device) -> Any:
    import torch

    if isinstance(value, torch.nn.Module | torch.Tensor):
        return value.to(device)
    if isinstance(value, torch.device):
        return device
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_moved(part, device) for part in value)
    own = type(value).__module__.startswith("tqdm_demo")
    if own and hasattr(value, "__dict__") and not is_dataclass(value):
        move(value, device)
    return value
