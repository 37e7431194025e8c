"""What a training tells while it runs: ``metrics.jsonl``, a picture of its curves, TensorBoard.

A record is one JSON line: ``{"step", "loss", "terms", "learning_rate", ...}`` or ``{"step",
"miou": {data specification: percent}}``. TensorBoard's event files are written too where the
package ``tensorboard`` is installed. Only rank 0 of several processes writes.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.training.curves import draw_curves
from tqdm_demo.training.distributed import rank

RECORDS, CURVES = "metrics.jsonl", "curves.png"


class MetricsLog:
    """The log of one training.

    Args:
        folder: that exists; ``metrics.jsonl``, ``curves.png`` and ``tensorboard/`` go there.
        step: the training goes on from here: records of later steps are dropped.
    """

    def __init__(self, folder: Path, step: int = 0):
        self._file, self._picture = folder / RECORDS, folder / CURVES
        self._board = None
        if rank():
            return
        kept = [record for record in read_records(self._file) if record["step"] <= step]
        text = "".join(json.dumps(record) + "\n" for record in kept if step)
        replace_text(self._file, text)
        if importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, record: dict[str, Any]) -> None:
        """Appends a record; its numbers are rounded to five digits."""
        if rank():
            return
        record = _rounded(record)
        with self._file.open("a") as file:
            file.write(json.dumps(record) + "\n")
        if self._board is not None:
            for name, value in _flat(record).items():
                self._board.add_scalar(name, value, record["step"])

    def draw(self) -> None:
        """Draws the curves of all records anew."""
        if not rank():
            draw_curves(read_records(self._file), self._picture)

    def close(self) -> None:
        """Writes what TensorBoard's writer still holds."""
        if self._board is not None:
            self._board.close()


def read_records(file: Path) -> list[dict[str, Any]]:
    """All whole records; a line that a killed training has left unfinished is passed over."""
    records = []
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Numbers by their path: ``terms/masks``, ``miou/streets:fog``."""
    found = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}/")
        elif name != "step":
            found[prefix + name] = value
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
