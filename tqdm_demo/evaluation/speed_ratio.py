"""Two checkouts, one run: the scenarios of :mod:`.speed` in turns, so that ratios hold.

On a machine that has other work to do, seconds of two runs cannot be compared. Here every repeat
of a scenario is run by one checkout, then by the other, in a process each that keeps its model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from tqdm_demo.checkpoints.folder import save_segmenter
from tqdm_demo.evaluation import speed
from tqdm_demo.evaluation.speed import PUBLISHED, SCENARIOS
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS

HERE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measured:
    """One step of a scenario, over all repeats.

    Attributes:
        scenario, step: which.
        cpu_s: median and minimum of the seconds of computing, all threads.
        wall_s: the same of the seconds that passed.
        peak_mb: memory of the process after the first repeat, MiB.
    """

    scenario: str
    step: str
    cpu_s: tuple[float, float]
    wall_s: tuple[float, float]
    peak_mb: int


@dataclass(frozen=True)
class Compared:
    """The same step in two checkouts.

    Attributes:
        now, before: of this checkout and of the other one.
        ratio: of the medians of CPU seconds, now / before.
        peak_ratio: of the peak memory.
        same: share of the values of all answers that are equal; of fractions, to 1e-3.
    """

    now: Measured
    before: Measured
    ratio: float
    peak_ratio: float
    same: float


def make_stand_in(folder: Path) -> None:
    """A model of the published size (CLIP ViT-B/16) with random weights; 0.3 GB."""
    torch.manual_seed(0)
    save_segmenter(Segmenter(PRESETS["clip-vit-b-gta5"].model), folder)


def measure(
    names: Sequence[str],
    published: Path,
    against: Path | None = None,
    repeats: int | None = None,
    threads: int = 1,
) -> Iterator[Measured | Compared]:
    """Runs scenarios, one after another.

    Args:
        names: of :data:`.speed.SCENARIOS`.
        published: folder of :func:`make_stand_in`, or of a converted checkpoint.
        against: the other checkout; None = this one alone.
        repeats: None = what each scenario says.
        threads: of each process.

    Yields:
        A record a step.

    Raises:
        ValueError: a worker that gave up.
    """
    roots = [HERE] if against is None else [HERE, against]
    for name in names:
        scenario = SCENARIOS[name]
        source = str(published.resolve()) if scenario.source == PUBLISHED else scenario.source
        workers = [_Worker(root, threads) for root in roots]
        try:
            found: list[list[dict[str, Any]]] = [[] for _ in roots]
            for repeat in range(repeats or scenario.repeats):
                # Who begins takes turns: the first of two finds the other's data in the caches.
                order = range(len(roots)) if repeat % 2 else reversed(range(len(roots)))
                for n in order:
                    found[n].append(workers[n].run(name, source, repeat))
        finally:
            for worker in workers:
                worker.close()
        for step in found[0][0]:
            records = [[each[step] for each in replies] for replies in found]
            measured = [_measured(name, step, each) for each in records]
            yield measured[0] if against is None else _compared(*measured, records)


def table(records: Sequence[Measured | Compared]) -> str:
    """Records as a Markdown table."""
    lines = ["| | before | now | ratio | peak, MiB | answers equal |", "|---|---|---|---|---|---|"]
    for record in records:
        if isinstance(record, Measured):
            cells = ["-", f"{record.cpu_s[0]:.2f}", "-", str(record.peak_mb), "-"]
            about = record
        else:
            about = record.now
            cells = [
                f"{record.before.cpu_s[0]:.2f}",
                f"{record.now.cpu_s[0]:.2f}",
                f"{record.ratio:.2f}",
                f"{record.before.peak_mb} to {record.now.peak_mb}",
                f"{100 * record.same:.3f} %",
            ]
        place = f"{SCENARIOS[about.scenario].about}: {about.step}"
        lines.append(f"| {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


class _Worker:
    """A process that runs scenarios on the package of one checkout."""

    def __init__(self, root: Path, threads: int) -> None:
        options = {
            "PYTHONPATH": str(root),
            "OMP_NUM_THREADS": str(threads),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        # -P: the folder of the file is no place to import from.
        self._process = subprocess.Popen(
            [sys.executable, "-P", speed.__file__],
            cwd=root,
            env={**os.environ, **options},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, scenario: str, source: str | None, repeat: int) -> dict[str, Any]:
        """One repeat: step -> seconds, memory and the answer itself."""
        self._process.stdin.write(json.dumps((scenario, source, repeat)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ValueError(f"the scenario {scenario} failed in {self._process.args[-1]}")
        reply = json.loads(line)
        return {step: {**took, "answer": np.load(took["answer"])} for step, took in reply.items()}

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _measured(scenario: str, step: str, records: Sequence[dict[str, Any]]) -> Measured:
    cpu, wall = ([record[key] for record in records] for key in ("cpu_s", "wall_s"))
    seconds = [(round(median(each), 3), round(min(each), 3)) for each in (cpu, wall)]
    return Measured(scenario, step, *seconds, records[0]["peak_mb"])


def _compared(now: Measured, before: Measured, records: list[list[dict[str, Any]]]) -> Compared:
    pairs = [(a["answer"], b["answer"]) for a, b in zip(*records, strict=True)]
    return Compared(
        now,
        before,
        ratio=round(now.cpu_s[0] / before.cpu_s[0], 3),
        peak_ratio=round(now.peak_mb / before.peak_mb, 3),
        same=float(np.mean([_equal_share(*pair) for pair in pairs])),
    )


def _equal_share(one: np.ndarray, other: np.ndarray) -> float:
    if one.dtype.kind == "f":
        return float(np.isclose(one, other, rtol=1e-3, atol=1e-3).mean())
    return float((one == other).mean())
