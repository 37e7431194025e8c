"""One picture of how a training goes: loss terms, mIoU and learning rate over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tqdm_demo.atomic_files import replacing

SMOOTHED = 25  # records whose mean is a point of the loss curves; a single one is noise


def draw_curves(records: Sequence[dict[str, Any]], file: Path) -> None:
    """Writes a PNG, as a whole or not at all.

    Args:
        records: of ``metrics.jsonl``, see :mod:`tqdm_demo.training.metrics_log`.
        file: of the picture.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    terms, quality, learning_rate = figure.subplots(1, 3)
    losses = [record for record in records if "loss" in record]
    steps = [record["step"] for record in losses]
    for name in losses[0]["terms"] if losses else ():
        values = [max(record["terms"][name], 1e-6) for record in losses]
        terms.plot(steps, smooth(values, SMOOTHED), label=name)
    terms.set(title="Loss terms, weighted", xlabel="step", yscale="log")
    checks = [record for record in records if "miou" in record]
    for spec in dict.fromkeys(spec for record in checks for spec in record["miou"]):
        points = [(r["step"], r["miou"][spec]) for r in checks if spec in r["miou"]]
        quality.plot(*zip(*points, strict=True), marker="o", label=spec)
    quality.set(title="mIoU, %", xlabel="step")
    learning_rate.plot(steps, [record["learning_rate"] for record in losses])
    learning_rate.set(title="Largest learning rate", xlabel="step")
    for axes in (terms, quality):
        if axes.lines:
            axes.legend(fontsize="small")
    with replacing(file) as partial:
        FigureCanvasAgg(figure).print_png(str(partial))


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """The mean of every value and of those before it, ``window`` at most: float64, as many."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
