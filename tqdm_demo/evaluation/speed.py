"""What the speed of this program is measured on: scenarios, and a worker that runs them.

A scenario is a few steps one after another, as a user takes them, each of which is timed; what a
step answers is kept, so that two checkouts can be compared by it. The file also runs by itself, in
a process of its own and on the package of *another* checkout (``python -P speed.py`` with that
checkout on ``PYTHONPATH``), so it asks for nothing that an older checkout lacks; see
:mod:`.speed_ratio`.

Axes: H W the picture.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

# Names that are edited in, one a repeat: short, in no list of trained names.
NEW_NAMES = ("boat", "tower", "bench", "river", "bridge", "lamp", "horse", "tent", "dog", "door")
# The stand-in for a source: a model of the published size, see speed_ratio.make_stand_in.
PUBLISHED = "published"
BUNDLED = "streets-tqdm"
_LETTERS = "abcdefghijk"
MANY_NAMES = tuple(a + b for a in _LETTERS for b in _LETTERS if a != b)[:100]


@dataclass(frozen=True)
class Step:
    """What one timed step took.

    Attributes:
        cpu_s: seconds of computing, all threads.
        wall_s: seconds that passed.
        peak_mb: largest resident memory of the process so far, MiB.
        answer: what it answered: labels, or numbers.
    """

    cpu_s: float
    wall_s: float
    peak_mb: int
    answer: np.ndarray


Timed = Callable[[], np.ndarray]
# The steps of one repeat: a name, and what is timed. What lies between two of them is not.
Steps = Iterator[tuple[str, Timed]]


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Attributes:
        about: what it is.
        source: of its model; None = it has none.
        repeats: how often it is run where nothing else is said.
        steps: the steps of a repeat: of the model's source, a state that repeats share, and the
            number of the repeat.
    """

    about: str
    source: str | None
    repeats: int
    steps: Callable[[str, dict[str, Any], int], Steps]


def made_up_picture(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3): 24 x 16 random colours, smoothly enlarged to ``size`` = (W, H)."""
    colours = np.random.default_rng(seed).integers(0, 256, (16, 24, 3), np.uint8)
    return np.asarray(Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC))


def time_steps(steps: Steps) -> dict[str, Step]:
    """Runs the steps of one repeat: name -> what it took."""
    found = {}
    for name, run in steps:
        children = _children_seconds()
        wall, cpu = time.perf_counter(), time.process_time()
        answer = run()
        cpu = time.process_time() - cpu + _children_seconds() - children
        wall = time.perf_counter() - wall
        found[name] = Step(cpu, wall, peak_memory(), answer)
    return found


def peak_memory() -> int:
    """Largest resident memory of this process so far, MiB; of its children where that is more."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(kind).ru_maxrss // unit
        for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    status = Path("/proc/self/status")
    if status.exists():  # Linux: the figure above begins with that of the process that started it
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        own = int(line.split()[1]) // 1024
    return max(own, children)


def _predictor(source: str, state: dict[str, Any]) -> Any:
    """The model, loaded and warm: it has answered for a picture that no step shows."""
    if "predictor" not in state:
        from tqdm_demo.inference.predictor import Predictor

        state["predictor"] = Predictor.load(source, "cpu")
        state["predictor"].segment(made_up_picture((96, 64), seed=999), mode="single")
    return state["predictor"]


def _picture_steps(
    source: str, state: dict[str, Any], repeat: int, size: tuple[int, int], mode: str
) -> Steps:
    """A new picture, one edited name on it, then the heat maps of another name."""
    predictor = _predictor(source, state)
    picture, names = made_up_picture(size, repeat), predictor.default_names
    name, other = (NEW_NAMES[(repeat + n) % len(NEW_NAMES)] for n in (0, 5))
    yield "picture", lambda: predictor.segment(picture, names, mode).label_map
    yield "edit", lambda: predictor.segment(picture, [*names[:-1], name], mode).label_map
    yield "heat maps", lambda: predictor.stages(picture, [other]).after


def _many_names(source: str, state: dict[str, Any], repeat: int) -> Steps:
    """100 names that were never met before, then one of them edited."""
    from tqdm_demo.class_list import ClassEntry, ClassList

    predictor = _predictor(source, state)
    picture = made_up_picture((2048, 1024), repeat)
    predictor.segment(picture)
    tail = NEW_NAMES[repeat % len(NEW_NAMES)]
    texts = [(f"{name} {tail}",) for name in MANY_NAMES]
    lists = [
        ClassList(tuple(ClassEntry(names, (0, 0, 0), names[0]) for names in each))
        for each in (texts, [*texts[:-1], (tail,)])
    ]
    for step, classes in zip(("100 new names", "edit of 100"), lists, strict=True):
        yield step, partial(_labels, predictor, picture, classes)


def _labels(predictor: Any, picture: np.ndarray, classes: Any) -> np.ndarray:
    return predictor.segment(picture, classes).label_map


def _training(source: str, state: dict[str, Any], repeat: int) -> Steps:
    """One step of the published training on one crop of 512 pixels."""
    if "train" not in state:
        state["train"] = _prepare_training(source)
    yield "training step", partial(state["train"], repeat)


def _prepare_training(source: str) -> Callable[[int], np.ndarray]:
    from tqdm_demo.checkpoints.folder import load_segmenter
    from tqdm_demo.presets import PRESETS

    training = PRESETS["clip-vit-b-gta5"].training
    return training_step(load_segmenter(Path(source)), training, torch.device("cpu"))


def training_step(segmenter: Any, config: Any, device: torch.device) -> Callable[[int], np.ndarray]:
    """Makes a step of training on one made-up crop: of its number, to the terms of its loss.

    Args:
        segmenter: on the device; it is trained.
        config: a ``TrainConfig``.
        device: of the segmenter.
    """
    from tqdm_demo.data.augmentation import Batch
    from tqdm_demo.training.losses import Targets, count_targets
    from tqdm_demo.training.objective import Objective
    from tqdm_demo.training.optimizer import make_optimizer

    objective, optimizer = Objective(segmenter, config), make_optimizer(segmenter, config)
    segmenter.train()
    side = segmenter.config.input_size[0]

    def step(number: int) -> np.ndarray:
        torch.manual_seed(number)
        pixels = torch.randn(1, 3, side, side).to(device)
        blocks = torch.randint(len(segmenter.config.class_names), (1, 8, 8))
        labels = blocks.repeat_interleave(side // 8, 1).repeat_interleave(side // 8, 2).to(device)
        targets = Targets(labels, *count_targets(labels), [number])
        optimizer.zero_grad(set_to_none=True)
        terms = objective.losses(Batch(pixels, labels), targets)
        sum(terms.values()).backward()
        optimizer.step()
        return np.array([float(term.detach()) for term in terms.values()])

    return step


def _start(source: None, state: dict[str, Any], repeat: int) -> Steps:
    """``python app.py`` until it has served its page."""
    yield "first page", serve_first_page


def serve_first_page() -> np.ndarray:
    """Starts ``app.py`` of the working folder, asks for its page once, and stops it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--device", "cpu", "--port", str(port)]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while True:
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120).read()
                return np.array([b"gradio_config" in page])
            except OSError:
                if program.poll() is not None:
                    raise ValueError(program.stderr.read().decode()[-2000:]) from None
                time.sleep(0.05)
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_SQUARE, _STREET = (512, 512), (2048, 1024)
SCENARIOS = {
    "published": Scenario(
        "CLIP ViT-B/16, 512 x 512, in windows",
        PUBLISHED,
        3,
        partial(_picture_steps, size=_SQUARE, mode="windows"),
    ),
    "windows": Scenario(
        "CLIP ViT-B/16, 2048 x 1024, in windows",
        PUBLISHED,
        1,
        partial(_picture_steps, size=_STREET, mode="windows"),
    ),
    "bundled": Scenario(
        f"{BUNDLED}, 1024 x 512",
        BUNDLED,
        7,
        partial(_picture_steps, size=(1024, 512), mode="single"),
    ),
    "names": Scenario(f"{BUNDLED}, 2048 x 1024, 100 names", BUNDLED, 3, _many_names),
    "start": Scenario("python app.py", None, 3, _start),
    "training": Scenario("CLIP ViT-B/16, a crop of 512 x 512", PUBLISHED, 2, _training),
}


@contextmanager
def _own_stdout() -> Iterator[Any]:
    """Standard output for replies alone; what else is printed goes to standard error."""
    with os.fdopen(os.dup(1), "w") as replies:
        os.dup2(2, 1)
        yield replies


def serve() -> None:
    """Runs a repeat for every line of standard input: scenario, source, number of the repeat.

    Replies with a line each: step -> what it took, and the file with its answer.
    """
    state: dict[str, Any] = {}
    with _own_stdout() as replies, tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            scenario, source, repeat = json.loads(line)
            found = time_steps(SCENARIOS[scenario].steps(source, state, repeat))
            reply = {}
            for number, (name, step) in enumerate(found.items()):
                path = f"{folder}/{repeat}-{number}.npy"
                np.save(path, step.answer)
                reply[name] = {**vars(step), "answer": path}
            print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    serve()
