"""The steps of :mod:`.device_suite`: what one model does in one precision, timed.

Axes: B pictures; H W the picture; h w a score map; K classes.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import torch
from torch.profiler import ProfilerActivity

from tqdm_demo.evaluation.speed import NEW_NAMES, made_up_picture, peak_memory
from tqdm_demo.inference.encoded import Picture
from tqdm_demo.inference.precision import probe
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import to_pixels
from tqdm_demo.systems.cuda_graphs import run_plainly, use_cuda_graphs
from tqdm_demo.systems.system import Features, ScoreMaps, System

SQUARE, STREET = (512, 512), (2048, 1024)
HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}
# tf32: matrices and convolutions of float32 in a GPU's shorter format, as app.py has them.
PRECISIONS = ("float32", "tf32", *HALF)
_SHOWN_KERNELS = 15
_WAITING = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaMemcpyAsync", "cudaLaunchKernel")


@dataclass(frozen=True)
class Row:
    """One result; None where it has no such value.

    Attributes:
        model: its source.
        precision: of :data:`PRECISIONS`.
        graphs: whether the networks were CUDA graphs.
        step: what was done.
        seconds: it took, the median of ``repeats``.
        fastest: of them.
        repeats: how often it was timed; what was done before to warm up is not.
        memory_mb: largest memory so far: the GPU's since this precision began, else the process'.
        same_labels: share of pixels labelled as the reference does.
        difference: largest difference of the similarity from the reference's, in parts of its
            largest value.
        note: of a profile, its kernels.
        error: what went wrong.
    """

    model: str
    precision: str
    graphs: bool
    step: str
    seconds: float | None = None
    fastest: float | None = None
    repeats: int | None = None
    memory_mb: int | None = None
    same_labels: float | None = None
    difference: float | None = None
    note: str = ""
    error: str = ""


# A row of a model, a precision and graphs or none; takes a step and the rest.
MakeRow = Callable[..., Row]


@dataclass(frozen=True)
class Reference:
    """What an answer is compared with: float32 (K, h, w), uint8 (H, W), and its picture."""

    image: np.ndarray
    similarity: np.ndarray
    label_map: np.ndarray


@dataclass(frozen=True)
class Timing:
    """How steps are timed.

    Attributes:
        device: where.
        repeats: of a step.
        warm_up: repeats before the first that counts: a recording is made when something comes
            again.
        deadline: of ``time.monotonic``; steps are repeated less often after it.
    """

    device: torch.device
    repeats: int
    warm_up: int
    deadline: float

    @property
    def is_over(self) -> bool:
        """Whether nothing new should begin."""
        return time.monotonic() > self.deadline

    def time(self, row: MakeRow, step: str, run: Callable[[int], object]) -> Row:
        """The row of a step, which gets its number: 0, 1, ..., those to warm up first.

        An error becomes the row's, so that the steps behind this one are measured.
        """
        took = []
        try:
            for number in range(self.warm_up + self.repeats):
                synchronise(self.device)
                start = time.perf_counter()
                run(number)
                synchronise(self.device)
                took.append(time.perf_counter() - start)
                if self.is_over:
                    break
        except Exception as error:  # of every class: a suite on unknown hardware goes on
            return row(step, error=in_words(error))
        took = took[self.warm_up :] or took[-1:]
        return row(step, median(took), min(took), len(took), memory_mb(self.device))


def guarded(row: MakeRow, run: Callable[[], Iterator[Row]], step: str = "failed") -> Iterator[Row]:
    """The rows of a run; an error becomes a row of this step, and the next run begins."""
    try:
        yield from run()
    except Exception as error:  # of every class: a suite on unknown hardware goes on
        yield row(step, error=in_words(error))


def in_words(error: Exception) -> str:
    """An error for a row."""
    return f"{type(error).__name__}: {error}"[:500]


def autocast(device: torch.device, precision: str) -> Callable[[], AbstractContextManager]:
    """The context of a precision; also sets whether float32 may be TF32."""
    short = precision != "float32"
    torch.set_float32_matmul_precision("high" if short else "highest")
    torch.backends.cudnn.allow_tf32 = short
    if precision in HALF:
        return partial(torch.autocast, device.type, HALF[precision])
    return nullcontext


def answer_steps(
    row: MakeRow, model: System, reference: Reference, timing: Timing, streets: bool
) -> Iterator[Row]:
    """A model's answers.

    Args:
        row: of the model.
        model: on the device.
        reference: of its first answer.
        timing: of the steps.
        streets: also large pictures in windows.
    """
    about = row("")
    model.run = run_plainly
    if about.graphs:
        use_cuda_graphs(model, timing.device)
    predictor = Predictor(model, autocast=autocast(timing.device, about.precision))
    ask = partial(predictor.segment, mode="single")
    first = partial(compare, row, timing, partial(ask, reference.image), reference)
    yield from guarded(row, first, "first")
    yield from guarded(row, partial(_probe, row, model, ask, timing), "probe of auto")
    names, count = predictor.default_names, timing.warm_up + timing.repeats
    pictures = [made_up_picture(SQUARE, seed) for seed in range(count)]
    yield timing.time(row, "picture", lambda n: ask(pictures[n]))
    known, new = pictures[0], new_names(2 * count)
    edits, maps = [[*names[:-1], name] for name in new[:count]], new[count:]
    with suppress(Exception):  # the step behind fails in the same way, and says so
        ask(known)
    yield timing.time(row, "edit", lambda n: ask(known, edits[n]))
    yield timing.time(row, "known names", lambda n: ask(known))
    yield timing.time(row, "heat maps", lambda n: predictor.stages(known, maps[n : n + 1]))
    yield from guarded(row, partial(network_steps, row, predictor, timing), "network")
    if streets:
        few = dataclasses.replace(timing, repeats=min(3, timing.repeats))
        large = [made_up_picture(STREET, seed) for seed in range(few.warm_up + few.repeats)]
        ask = partial(predictor.segment, mode="windows")
        yield few.time(row, "windows 2048 x 1024", lambda n: ask(large[n]))
        yield few.time(row, "edit in windows", lambda n: ask(large[-1], edits[n]))


def new_names(count: int) -> list[str]:
    """Up to 110 names that no list has, of one or two tokens: published models have room for 3."""
    pairs = (f"{first} {second}" for second in NEW_NAMES for first in NEW_NAMES)
    return [*NEW_NAMES, *pairs][:count]


@torch.inference_mode()
def network_steps(row: MakeRow, predictor: Predictor, timing: Timing) -> Iterator[Row]:
    """The networks alone, from pixels on the device to maps on the device."""
    model, names, device = predictor.model, predictor.default_names, timing.device
    half = autocast(device, row("").precision)
    image = made_up_picture(SQUARE)
    size = Picture.of(image).size_for(model)
    pixels = to_pixels(image, size, model.mean, model.std).to(device)
    embeddings = model.encode_names(names)

    def encode(number: int = 0) -> Features:
        with half():
            return model.encode_image(pixels)

    features = encode()

    def answer(number: int) -> ScoreMaps:
        with half():
            return model.answer(features, embeddings, names)

    yield timing.time(row, "network: picture", encode)
    yield timing.time(row, "network: names", answer)


def compare(
    row: MakeRow, timing: Timing, ask: Callable[[], object], reference: Reference
) -> Iterator[Row]:
    """The first answer, and how it differs from the reference."""
    answers = []
    once = dataclasses.replace(timing, repeats=1, warm_up=0)
    found = once.time(row, "first", lambda n: answers.append(ask()))
    if found.error:
        yield found
        return
    answer = answers[0]
    difference = np.abs(answer.similarity - reference.similarity).max()
    yield dataclasses.replace(
        found,
        same_labels=float((answer.label_map == reference.label_map).mean()),
        difference=float(difference / np.abs(reference.similarity).max()),
    )


def _probe(
    row: MakeRow, model: System, ask: Callable[..., object], timing: Timing
) -> Iterator[Row]:
    """The share by which ``--precision auto`` decides, of half precisions."""
    precision = row("").precision
    if precision in HALF:
        picture = probe(model.input_size)
        half = ask(picture).label_map
        plain = Predictor(model, autocast=autocast(timing.device, "tf32"))
        same = float((plain.segment(picture, mode="single").label_map == half).mean())
        autocast(timing.device, precision)
        yield row("probe of auto", same_labels=same)


def profile_steps(row: MakeRow, model: System, timing: Timing) -> Iterator[Row]:
    """Where the time of a new picture and of an edit goes."""
    model.run = run_plainly
    predictor = Predictor(model, autocast=autocast(timing.device, row("").precision))
    ask = partial(predictor.segment, mode="single")
    names, pictures = predictor.default_names, [made_up_picture(SQUARE, 50 + n) for n in (0, 1)]
    edits = [[*names[:-1], name] for name in new_names(2)]
    ask(pictures[0])
    ask(pictures[0], edits[0])
    for step, change in (("profile: picture", names), ("profile: edit", edits[1])):
        run = partial(ask, pictures[1], change)
        yield from guarded(row, partial(_profiled, row, step, run, timing.device), step)


def _profiled(
    row: MakeRow, step: str, run: Callable[[], object], device: torch.device
) -> Iterator[Row]:
    """A row whose seconds are those of all kernels, the note has the longest of them."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with torch.profiler.profile(activities=activities) as found:
        run()
        synchronise(device)
    averages = list(found.key_averages())
    if on_gpu:
        kernels = [e for e in averages if e.device_type == torch.autograd.DeviceType.CUDA]
        took = {e.key: e.self_device_time_total for e in kernels}
    else:
        kernels, took = averages, {e.key: e.self_cpu_time_total for e in averages}
    kernels.sort(key=lambda e: took[e.key], reverse=True)
    waiting = [f"{e.count} {e.key}" for e in averages if e.key in _WAITING]
    longest = [
        f"{took[e.key] / 1000:.3f} ms {e.count} x {e.key[:100]}" for e in kernels[:_SHOWN_KERNELS]
    ]
    about = f"{sum(e.count for e in kernels)} kernels ({', '.join(waiting)})"
    yield row(step, sum(took.values()) / 1e6, note="\n".join([about, *longest]))


def synchronise(device: torch.device) -> None:
    """Waits for a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def memory_mb(device: torch.device) -> int:
    """See :class:`Row`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() // 2**20
    return peak_memory()
