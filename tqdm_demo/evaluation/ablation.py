"""The runs of an ablation: their names, what is kept of each, and the table of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.data.specs import STREETS
from tqdm_demo.evaluation.score_tables import heading, spec_groups
from tqdm_demo.streets.domains import SOURCE

_COMPARED = ("unseen", "painterly")  # the first of these columns is compared by seed


@dataclass(frozen=True)
class Run:
    """One training and its measurement.

    Attributes:
        variant: name of the variant.
        learning_rate: of the training; None = the preset's.
        seed: of the training.
    """

    variant: str
    learning_rate: float | None
    seed: int

    @property
    def row(self) -> str:
        """What the runs of one table row have in common."""
        return (
            self.variant
            if self.learning_rate is None
            else f"{self.variant}-lr{self.learning_rate:g}"
        )

    @property
    def name(self) -> str:
        """Folder of the run."""
        return f"{self.row}-s{self.seed}"


def summarise(model: Path, measured: Path) -> dict:
    """mIoU in percent of a finished run: of every data set, and the columns of the table."""
    config = json.loads((model / "config.json").read_text())
    (by_source,) = json.loads(measured.read_text())["results"].values()
    miou = {spec: found["miou"] for spec, found in by_source.items()}
    groups = {
        "source": [found["miou"] for found in config["results"]["validation"].values()],
        SOURCE: [value for spec, value in miou.items() if spec == f"{STREETS}:{SOURCE}"],
    }
    means = spec_groups(miou)
    groups |= {name: [miou[spec] for spec in group] for name, group in means.items()}
    told = {spec for group in means.values() for spec in group} | {f"{STREETS}:{SOURCE}"}
    groups |= {heading(spec): [value] for spec, value in miou.items() if spec not in told}
    columns = {name: float(np.mean(values)) for name, values in groups.items() if values}
    return {"columns": columns, "miou": miou, "best_step": config["provenance"]["step"]}


def read_results(folder: Path) -> dict | None:
    """What is kept of a finished run; None for one that is not finished."""
    file = folder / "results.json"
    return json.loads(file.read_text()) if file.exists() else None


def format_table(done: dict[Run, dict]) -> str:
    """A Markdown table, a row per variant and learning rate: mean ± deviation over seeds.

    The last column is the mean over seeds of the difference to the first row in "unseen" (of
    photographs, which have no such column: in "painterly"), of the seeds that both have.
    """
    rows = list(dict.fromkeys(run.row for run in done))
    headings = list(dict.fromkeys(name for found in done.values() for name in found["columns"]))
    compared = next((name for name in _COMPARED if name in headings), _COMPARED[0])
    lines = ["| mIoU % | " + " | ".join([*headings, "seeds", f"{compared} - first"]) + " |"]
    lines.append("|---" * (len(headings) + 3) + "|")
    first = {run.seed: r["columns"] for run, r in done.items() if run.row == rows[0]}
    for row in rows:
        here = {run.seed: r["columns"] for run, r in done.items() if run.row == row}
        cells = [_spread([c[name] for c in here.values() if name in c]) for name in headings]
        both = [s for s in here if s in first and compared in here[s] and compared in first[s]]
        gain = [here[seed][compared] - first[seed][compared] for seed in both]
        last = _spread(gain, signed=True) if row != rows[0] else "-"
        lines.append(f"| {row} | " + " | ".join([*cells, str(len(here)), last]) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float], signed: bool = False) -> str:
    """Mean ± sample standard deviation; the mean alone of a single value."""
    if not values:
        return "-"
    mean = f"{np.mean(values):+.1f}" if signed else f"{np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.1f}"


def write_json(path: Path, content: object) -> None:
    """Writes a JSON file, as a whole or not at all."""
    replace_text(path, json.dumps(content, indent=1) + "\n")
