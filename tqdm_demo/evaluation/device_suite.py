"""Everything worth knowing of a device, in one run: parity, times, memory, one training step.

For somebody who has a GPU for a quarter of an hour. Every result is a :class:`.Row` and is given as
it comes, so that what was measured before an error or a time limit is kept; what matters most comes
first.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tqdm_demo.checkpoints.folder import load_segmenter, save_segmenter
from tqdm_demo.checkpoints.loading import load_model
from tqdm_demo.checkpoints.published.plan import converted_tensors
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.evaluation.device_steps import (
    SQUARE,
    MakeRow,
    Reference,
    Row,
    Timing,
    answer_steps,
    autocast,
    guarded,
    memory_mb,
    profile_steps,
    synchronise,
)
from tqdm_demo.evaluation.speed import made_up_picture, training_step
from tqdm_demo.evaluation.speed_ratio import make_stand_in
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS
from tqdm_demo.systems.system import System
from tqdm_demo.systems.trained import TrainedModel

REFERENCE = Path(__file__).resolve().parents[2] / "tests" / "reference"
PUBLISHED = "published"
# The published size of the larger model, with random weights: for its times.
LARGE = "eva02-l-gta5"
SOURCES = (PUBLISHED, LARGE, "streets-tqdm", "zero-shot:mini-clip")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        sources: models; :data:`PUBLISHED` is the one of published size, :data:`LARGE` the larger.
        variants: precision (of :data:`.PRECISIONS`), and whether with CUDA graphs; of every model,
            but for :data:`LARGE`, which has those of bfloat16 if there are any.
        repeats: of a step.
        warm_up: repeats before them.
        seconds: after which nothing new begins.
    """

    sources: Sequence[str] = SOURCES
    variants: Sequence[tuple[str, bool]] = (
        ("float32", False),
        ("bfloat16", False),
        ("bfloat16", True),
        ("float16", False),
        ("tf32", False),
        ("float32", True),
    )
    repeats: int = 10
    warm_up: int = 2
    seconds: float = 100.0


CPU_PLAN = Plan(
    (PUBLISHED, *SOURCES[2:]), (("float32", False),), repeats=1, warm_up=0, seconds=3600.0
)


def run_suite(device: torch.device, folder: Path, plan: Plan) -> Iterator[Row]:
    """Measures models on a device.

    Args:
        device: where.
        folder: empty; the model of the published size is made there, 0.6 GB.
        plan: what.
    """
    timing = Timing(device, plan.repeats, plan.warm_up, time.monotonic() + plan.seconds)
    for source in plan.sources:
        row = partial(Row, source, plan.variants[0][0], False)
        if timing.is_over:
            yield row("skipped")
            continue
        yield from guarded(row, partial(_model_rows, source, device, folder, plan, timing))


def _model_rows(
    source: str, device: torch.device, folder: Path, plan: Plan, timing: Timing
) -> Iterator[Row]:
    """All rows of one model."""
    start = time.perf_counter()
    model, reference = _load(source, device, folder)
    row = partial(Row, source, plan.variants[0][0], False)
    yield row("loading", time.perf_counter() - start)
    variants = plan.variants
    if source == LARGE:
        variants = [each for each in variants if each[0] == "bfloat16"] or variants
    runs: list[tuple[MakeRow, Callable[[], Iterator[Row]]]] = []
    for precision, graphs in variants:
        row = partial(Row, source, precision, graphs)
        steps = partial(answer_steps, row, model, reference, timing, source != LARGE)
        runs.append((row, steps))
    precisions = dict.fromkeys(precision for precision, _ in variants)
    if source in (PUBLISHED, LARGE):
        precision = "bfloat16" if "bfloat16" in precisions else variants[0][0]
        row = partial(Row, source, precision, False)
        runs.append((row, partial(profile_steps, row, model, timing)))
    if source == PUBLISHED:
        for precision in precisions:
            row = partial(Row, source, precision, False)
            if precision in ("float32", "bfloat16"):
                runs.append((row, partial(_training, row, folder, device)))
    # Graphs come last: a device that fails in them may fail in all that follows.
    for row, run in sorted(runs, key=lambda each: each[0]("").graphs):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        yield from [row("skipped")] if timing.is_over else guarded(row, run)


def _load(source: str, device: torch.device, folder: Path) -> tuple[System, Reference]:
    """A model, and what its first answer is compared with.

    That is the published code's answer, or this program's in float32 on the CPU, of :data:`LARGE`
    on the device.
    """
    if source == LARGE:
        with device:
            segmenter = Segmenter(PRESETS[LARGE].model)
        model = TrainedModel(segmenter.to(device).eval())
        return model, _own_answer(Predictor(model, autocast=autocast(device, "float32")))
    if source != PUBLISHED:
        reference = _own_answer(Predictor.load(source, "cpu"))
        return load_model(source, device), reference
    expected = make_reference(folder)
    model = load_model(str(folder), device)
    if expected is None:
        return model, _own_answer(Predictor(model, autocast=autocast(device, "float32")))
    maps = expected["score_map"]
    maps = maps[0] if maps.ndim == 4 else maps
    return model, Reference(expected["image"], maps, expected["label_map"])


def _own_answer(predictor: Predictor) -> Reference:
    image = made_up_picture(SQUARE)
    answer = predictor.segment(image, mode="single")
    return Reference(image, answer.similarity, answer.label_map)


def make_reference(folder: Path) -> dict[str, np.ndarray] | None:
    """Makes the model of the published size: with the tests' stand-in weights where they are there.

    Returns:
        What the published code computes with these weights from the tests' picture, and the
        picture; None where the weights are random.
    """
    if not (REFERENCE / "reference_weights.py").is_file():
        make_stand_in(folder)
        return None
    spec = importlib.util.spec_from_file_location("weights", REFERENCE / "reference_weights.py")
    weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(weights)
    state = {
        name: torch.from_numpy(np.asarray(values))
        for name, values in weights.reference_state_dict("clip_vit_b").items()
    }
    plan = plan_conversion({name: tuple(values.shape) for name, values in state.items()})
    segmenter = Segmenter(plan.config)
    segmenter.load_state_dict(dict(converted_tensors(plan, state)))
    save_segmenter(segmenter, folder, half=False)
    stored = np.load(REFERENCE / "seed0" / "clip_vit_b.npz")
    found = {name: stored[name] for name in ("score_map", "label_map")}
    return {**found, "image": weights.reference_image(512, 512, 0)}


def table(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table."""
    fields = [field.name for field in dataclasses.fields(Row)]
    lines = ["| " + " | ".join(fields) + " |", "|" + "---|" * len(fields)]
    for row in rows:
        cells = (_cell(getattr(row, name)) for name in fields)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value).replace("\n", " ")[:80]


def _training(row: MakeRow, folder: Path, device: torch.device) -> Iterator[Row]:
    """One step of the published training on one crop, and ten more (on a CPU none)."""
    half = row("").precision == "bfloat16"
    autocast(device, row("").precision)
    config = dataclasses.replace(PRESETS["clip-vit-b-gta5"].training, bfloat16=half)
    held = 0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated() // 2**20
    train = training_step(load_segmenter(folder).to(device), config, device)
    for step, count in (("training step", 1), ("ten more", 10)):
        start = time.perf_counter()
        for number in range(count):
            terms = train(number)
            if not np.isfinite(terms).all():
                raise ValueError(f"the terms of the loss are {terms}")
        synchronise(device)
        yield row(step, time.perf_counter() - start, memory_mb=memory_mb(device) - held)
        if device.type == "cpu":
            return
