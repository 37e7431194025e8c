"""Everything worth knowing of a device, in one run: parity, times, memory, one training step.

For somebody who has a GPU for a quarter of an hour. Every result is a :class:`Row` and is given as
it comes, so that what was measured before an error or a time limit is kept.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tqdm_demo.checkpoints.folder import load_segmenter, save_segmenter
from tqdm_demo.checkpoints.loading import load_model
from tqdm_demo.checkpoints.published.plan import converted_tensors
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.evaluation.speed import made_up_picture, peak_memory, training_step
from tqdm_demo.evaluation.speed_ratio import make_stand_in
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.segmentation import Segmentation
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS

REFERENCE = Path(__file__).resolve().parents[2] / "tests" / "reference"
PUBLISHED = "published"
SOURCES = (PUBLISHED, "streets-tqdm", "zero-shot:mini-clip")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SQUARE, STREET = (512, 512), (2048, 1024)


@dataclass(frozen=True)
class Row:
    """One result; None where it has no such value.

    Attributes:
        model: its source.
        precision: a key of :data:`DTYPES`.
        compiled: whether torch.compile was used.
        step: what was done.
        seconds: it took.
        memory_mb: largest memory so far: the GPU's since the model was loaded, else the process'.
        same_labels: share of pixels labelled as the reference does.
        difference: largest difference of the similarity from the reference's, in parts of its
            largest value.
        error: what went wrong.
    """

    model: str
    precision: str
    compiled: bool
    step: str
    seconds: float | None = None
    memory_mb: int | None = None
    same_labels: float | None = None
    difference: float | None = None
    error: str = ""


def run_suite(
    device: torch.device,
    folder: Path,
    sources: Sequence[str] = SOURCES,
    precisions: Sequence[str] = tuple(DTYPES),
    compiled: Sequence[bool] = (False, True),
) -> Iterator[Row]:
    """Measures models on a device.

    Args:
        device: where.
        folder: empty; the model of the published size is made there, 0.6 GB.
        sources: models; :data:`PUBLISHED` is that one.
        precisions: of :data:`DTYPES`.
        compiled: without and with torch.compile.
    """
    expected = None
    for source in sources:
        if source == PUBLISHED:
            expected = make_reference(folder)
        place = str(folder) if source == PUBLISHED else source
        reference = _reference_answer(place, expected if source == PUBLISHED else None)
        for precision in precisions:
            for compiling in compiled:
                row = partial(Row, source, precision, compiling)
                yield from _guarded(
                    row,
                    lambda row=row: _rows(row, place, device, reference),  # noqa: B023
                )
        if source == PUBLISHED:
            for precision in (p for p in precisions if p != "float16"):
                row = partial(Row, source, precision, False)
                yield from _guarded(row, lambda row=row: _training(row, folder, device))


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


def _guarded(row: Callable[..., Row], run: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """The rows of a run; an error becomes a row, and the next run begins."""
    try:
        yield from run()
    except Exception as error:  # of every class: a suite on unknown hardware goes on
        yield row("failed", error=f"{type(error).__name__}: {error}"[:500])


@dataclass(frozen=True)
class _Reference:
    """What an answer is compared with: float32 (K, h, w), uint8 (H, W), and its picture."""

    image: np.ndarray
    similarity: np.ndarray
    label_map: np.ndarray


def _reference_answer(place: str, expected: dict[str, np.ndarray] | None) -> _Reference:
    """The published code's answer, or this program's in float32 on the CPU."""
    if expected is not None:
        maps = (
            expected["score_map"][0] if expected["score_map"].ndim == 4 else expected["score_map"]
        )
        return _Reference(expected["image"], maps, expected["label_map"])
    image = made_up_picture(SQUARE)
    answer = Predictor.load(place, "cpu").segment(image, mode="single")
    return _Reference(image, answer.similarity, answer.label_map)


def _rows(
    row: Callable[..., Row], place: str, device: torch.device, reference: _Reference
) -> Iterator[Row]:
    probe = row("")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    model = load_model(place, device)
    if probe.compiled:
        model.encode_image = torch.compile(model.encode_image)
        model.answer = torch.compile(model.answer)
    autocast = nullcontext
    if probe.precision != "float32":
        autocast = partial(torch.autocast, device.type, DTYPES[probe.precision])
    predictor = Predictor(model, autocast=autocast)

    def timed(step: str, run: Callable[[], Segmentation]) -> tuple[Row, Segmentation]:
        start = time.perf_counter()
        answer = run()  # ends in NumPy, so that the device is done
        seconds = time.perf_counter() - start
        return row(step, seconds, _memory(device)), answer

    found, answer = timed("first", lambda: predictor.segment(reference.image, mode="single"))
    difference = np.abs(answer.similarity - reference.similarity).max()
    yield dataclasses.replace(
        found,
        same_labels=float((answer.label_map == reference.label_map).mean()),
        difference=float(difference / np.abs(reference.similarity).max()),
    )
    names = list(predictor.default_names)
    for number in (1, 2):  # the second shows what is left where something was compiled
        picture = made_up_picture(SQUARE, number)
        yield timed(f"picture {number}", lambda p=picture: predictor.segment(p, mode="single"))[0]
    edited = [*names[:-1], "boat"]
    yield timed("edit", lambda: predictor.segment(picture, edited, "single"))[0]
    street = made_up_picture(STREET)
    yield timed("windows 2048 x 1024", lambda: predictor.segment(street, mode="windows"))[0]


def _training(row: Callable[..., Row], folder: Path, device: torch.device) -> Iterator[Row]:
    """One step of the published training on one crop, and ten more."""
    half = row("").precision == "bfloat16"
    config = dataclasses.replace(PRESETS["clip-vit-b-gta5"].training, bfloat16=half)
    segmenter = load_segmenter(folder).to(device)
    train = training_step(segmenter, config, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for step, count in (("training step", 1), ("ten more", 10)):
        start = time.perf_counter()
        for number in range(count if device.type != "cpu" else 1):
            terms = train(number)
            if not np.isfinite(terms).all():
                raise ValueError(f"the terms of the loss are {terms}")
        yield row(step, time.perf_counter() - start, _memory(device))
        if device.type == "cpu":
            return


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() // 2**20
    return peak_memory()
