"""The training loop: steps, records, evaluations, and states from which it can be resumed.

Folder of a training: ``state.safetensors`` (everything that resuming needs), ``best.safetensors``
(the weights that did best on the source's validation pictures), ``metrics.jsonl`` (a JSON line a
record) and ``training.json``. A training that gets SIGTERM or SIGINT saves its state and leaves.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from tqdm_demo.config import TrainConfig, to_json
from tqdm_demo.training.augmentation import Batch
from tqdm_demo.training.optimizer import make_optimizer, set_rates
from tqdm_demo.training.state import load_state, plain_copies, read_progress, save_state

# What may differ between a training and its continuation: nothing that changes the weights.
_FREE_TO_CHANGE = {"save_every", "log_every", "watch", "watch_scenes"}


@dataclass
class Progress:
    """How far a training is; mIoU in [0, 1] on the source's validation pictures."""

    step: int = 0
    best_step: int = 0
    best_miou: float = -1.0


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        model: the module whose parameters learn.
        draw: makes the batch of a step from a source of chance.
        losses: the weighted terms of a batch by name; their sum is minimised.
        evaluate: mIoU in [0, 1] per data specification; the first one chooses the best weights.
    """

    model: nn.Module
    draw: Callable[[np.random.Generator], Batch]
    losses: Callable[[Batch], dict[str, Tensor]]
    evaluate: Callable[[], dict[str, float]]


class Training:
    """One training in one folder.

    Args:
        task: what to train.
        config: how.
        folder: where; made if missing.
        resume: continue from the state in ``folder``.

    Raises:
        ValueError: nothing to resume, or what is there was trained with another configuration; or
            a state that would be overwritten.
    """

    def __init__(self, task: Task, config: TrainConfig, folder: Path, resume: bool = False):
        self.task, self.config, self.folder = task, config, folder
        self.progress = Progress()
        self.optimizer = make_optimizer(task.model, config)
        self.rng = np.random.default_rng(config.seed)
        self._state = folder / "state.safetensors"
        self._records = folder / "metrics.jsonl"
        if resume:
            self._resume()
        elif self._state.exists():
            raise ValueError(f"{folder} holds a training already: resume it, or name another one")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "training.json").write_text(json.dumps(to_json(config), indent=2) + "\n")
            self._records.write_text("")

    def run(self) -> Progress:
        """Trains to the end and leaves the best weights in the model.

        Raises:
            FloatingPointError: a loss that is not finite.
            SystemExit: after a signal, once the state is saved.
        """
        config, progress = self.config, self.progress
        started = _Clock(progress.step)
        self.task.model.train()
        with (
            _stop_signals() as stop,
            tqdm(total=config.steps, initial=progress.step, desc="train", unit="step") as bar,
        ):
            while progress.step < config.steps:
                terms = self._step(started)
                progress.step += 1
                bar.update()
                if progress.step % config.log_every == 0 or progress.step == config.steps:
                    self._log(terms, started)
                    bar.set_postfix(loss=f"{sum(terms.values()):.3f}")
                if progress.step % config.evaluate_every == 0 or progress.step == config.steps:
                    self._evaluate()
                    started = _Clock(progress.step)
                if stop or progress.step % config.save_every == 0 or progress.step == config.steps:
                    self.save()
                if stop:
                    raise SystemExit(128 + stop[0])
        best = load_file(self.folder / "best.safetensors")
        self.task.model.load_state_dict(best)
        return progress

    def save(self) -> None:
        """Writes the state, atomically."""
        progress = {**asdict(self.progress), "config": to_json(self.config)}
        save_state(self._state, self.task.model, self.optimizer, self.rng, progress)

    def _step(self, clock: _Clock) -> dict[str, float]:
        """One step; the loss terms as numbers."""
        set_rates(self.optimizer, self.progress.step, self.config)
        with clock.reading():
            batch = self.task.draw(self.rng)
        self.optimizer.zero_grad(set_to_none=True)
        terms = self.task.losses(batch)
        total = sum(terms.values())
        if not math.isfinite(total.item()):
            parts = {name: term.item() for name, term in terms.items()}
            raise FloatingPointError(f"the loss of step {self.progress.step} is {parts}")
        total.backward()
        self.optimizer.step()
        return {name: term.item() for name, term in terms.items()}

    def _evaluate(self) -> None:
        self.task.model.eval()
        found = self.task.evaluate()
        self.task.model.train()
        miou = next(iter(found.values()))
        if miou > self.progress.best_miou:
            self.progress.best_miou, self.progress.best_step = miou, self.progress.step
            # The state is saved along with them, so that a resumed training knows these weights.
            partial = self.folder / "best.partial"
            save_file(plain_copies(self.task.model.state_dict()), partial)
            os.replace(partial, self.folder / "best.safetensors")
            self.save()
        percent = {name: round(100 * value, 2) for name, value in found.items()}
        tqdm.write(f"step {self.progress.step}: mIoU % {percent}")
        self._record({"step": self.progress.step, "miou": percent})

    def _log(self, terms: dict[str, float], clock: _Clock) -> None:
        record = {
            "step": self.progress.step,
            "loss": sum(terms.values()),
            "terms": terms,
            "rate": max(group["lr"] for group in self.optimizer.param_groups),
            "pictures_per_second": clock.rate(self.progress.step) * self.config.batch_size,
            "reading_share": clock.reading_share,
        }
        self._record({key: _rounded(value) for key, value in record.items()})

    def _record(self, record: dict) -> None:
        with self._records.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def _resume(self) -> None:
        saved = read_progress(self._state)
        before, now = saved.pop("config"), json.loads(json.dumps(to_json(self.config)))
        changed = sorted(k for k in now if now[k] != before.get(k) and k not in _FREE_TO_CHANGE)
        if changed:
            differences = {key: (before.get(key), now[key]) for key in changed}
            raise ValueError(f"cannot resume with another configuration (was, is): {differences}")
        self.progress = Progress(**saved)
        load_state(self._state, self.task.model, self.optimizer, self.rng)
        # Steps after the saved one will be taken, and recorded, again.
        lines = self._records.read_text().splitlines()
        kept = [line for line in lines if json.loads(line)["step"] <= self.progress.step]
        self._records.write_text("".join(line + "\n" for line in kept))


class _Clock:
    """Speed since a step, and the share of the time that went into reading batches."""

    def __init__(self, step: int):
        self._step, self._start, self._reading = step, time.perf_counter(), 0.0

    @contextmanager
    def reading(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._reading += time.perf_counter() - start

    def rate(self, step: int) -> float:
        return (step - self._step) / (time.perf_counter() - self._start)

    @property
    def reading_share(self) -> float:
        return self._reading / (time.perf_counter() - self._start)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that gets the number of a SIGTERM or SIGINT; a second signal acts as usual."""
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def receive(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
