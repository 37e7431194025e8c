"""The training loop: steps, records, evaluations, and states from which it can be resumed.

Folder of a training: ``state.safetensors`` (everything that resuming needs), ``best.safetensors``
(the weights that did best on the source's validation pictures), ``metrics.jsonl`` (a JSON line a
record), ``curves.png`` and ``training.json``. A training that gets SIGTERM or SIGINT saves its
state and leaves. Several processes (torchrun) run the same loop on different parts of every step.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from tqdm import tqdm

from tqdm_demo.config import TrainConfig
from tqdm_demo.config_json import to_json
from tqdm_demo.data.augmentation import Batch
from tqdm_demo.training.distributed import (
    mean_over_processes,
    process_count,
    rank,
    sum_over_processes,
    wait_for_all,
)
from tqdm_demo.training.losses import Targets, count_targets
from tqdm_demo.training.metrics_log import MetricsLog
from tqdm_demo.training.optimizer import Rule, make_optimizer, set_learning_rates, tqdm_rule
from tqdm_demo.training.state import (
    load_state,
    load_weights,
    read_progress,
    save_state,
    save_tensors,
)

# What may differ between a training and its continuation: nothing that changes the weights, beyond
# rounding. Processes and ``accumulate`` may change if their product stays.
_FREE_TO_CHANGE = {
    *("save_every", "log_every", "watch", "watch_scenes"),
    *("accumulate", "checkpointing", "compile", "shard"),
}


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
        draw: makes the batch of a step and a part of it; the same again for the same numbers.
        losses: the weighted terms of a batch by name; their sum is minimised.
        evaluate: mIoU in [0, 1] per data specification; the first one chooses the best weights.
        gradient_sync: the context of a part's passes; its argument tells whether processes
            synchronise gradients after it.
        rule: of the optimiser's learning rates and weight decay.
    """

    model: nn.Module
    draw: Callable[[int, int], Batch]
    losses: Callable[[Batch, Targets], dict[str, Tensor]]
    evaluate: Callable[[], dict[str, float]]
    gradient_sync: Callable[[bool], AbstractContextManager] = lambda sync: nullcontext()
    rule: Rule = tqdm_rule


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
        self.optimizer = make_optimizer(task.model, config, task.rule)
        self._state, self._best = folder / "state.safetensors", folder / "best.safetensors"
        if resume:
            self.progress = _saved_progress(self._state, config)
            load_state(self._state, task.model, self.optimizer)
        elif self._state.exists():
            raise ValueError(f"{folder} holds a training already: resume it, or name another one")
        wait_for_all()  # nobody looks for a state that another process has just begun
        folder.mkdir(parents=True, exist_ok=True)
        if rank() == 0:
            (folder / "training.json").write_text(json.dumps(to_json(config), indent=2) + "\n")
        self._log = MetricsLog(folder, self.progress.step)

    def run(self) -> Progress:
        """Trains to the end and leaves the best weights in the model.

        Raises:
            FloatingPointError: a loss or a weight that is not finite; the state on disk is from
                before it.
            OSError: a file cannot be written; the state on disk is the last whole one.
            SystemExit: after a signal, once the state is saved.
        """
        config, progress = self.config, self.progress
        clock = _Clock(progress.step)
        self.task.model.train()
        bar = tqdm(total=config.steps, initial=progress.step, desc="train", unit="step",
                   disable=rank() > 0)  # fmt: skip
        with _stop_signals() as stop, bar:
            while progress.step < config.steps:
                terms, stopped = self._step(clock, stop)
                progress.step += 1
                bar.update()
                last = progress.step == config.steps
                if progress.step % config.log_every == 0 or last:
                    self._log_step(terms, clock)
                    bar.set_postfix(loss=f"{sum(terms.values()):.3f}")
                if progress.step % config.evaluate_every == 0 or last:
                    self._evaluate()
                    clock = _Clock(progress.step)
                if stopped or progress.step % config.save_every == 0 or last:
                    self.save()
                if stopped:
                    raise SystemExit(128 + (stop or [signal.SIGTERM])[0])
        self._log.close()
        wait_for_all()
        load_weights(self.task.model, load_file(self._best), self._best)
        return progress

    def save(self) -> None:
        """Writes the state, atomically; one that is spoiled takes no good one's place."""
        self._check_weights()
        parts = {"parts": self.config.accumulate * process_count()}
        progress = {**asdict(self.progress), **parts, "config": to_json(self.config)}
        save_state(self._state, self.task.model, self.optimizer, progress)

    def _step(self, clock: _Clock, stop: Sequence[int]) -> tuple[dict[str, float], bool]:
        """One step; the loss terms as numbers, and whether any process was told to stop."""
        config, step = self.config, self.progress.step
        set_learning_rates(self.optimizer, step, config)
        # Dropout differs between steps and processes, and is the same after a resumption.
        torch.manual_seed(seed_of(config.seed, step, rank()))
        parts = range(rank(), config.accumulate * process_count(), process_count())
        with clock.reading():
            batches = [self.task.draw(step, part) for part in parts]
        counts = torch.stack([count_targets(batch.labels) for batch in batches]).mean(0)
        counts = mean_over_processes(counts)
        self.optimizer.zero_grad(set_to_none=True)
        found = []
        for part, batch in zip(parts, batches, strict=True):
            first = part * config.batch_size
            seeds = [seed_of(config.seed, step, first + n, 1) for n in range(len(batch.labels))]
            with self.task.gradient_sync(part == parts[-1]):
                targets = Targets(batch.labels, *counts, seeds, step / config.steps)
                terms = self.task.losses(batch, targets)
                (sum(terms.values()) / len(parts)).backward()
            found.append(torch.stack([term.detach() for term in terms.values()]))
        report = torch.cat((torch.stack(found).mean(0), counts.new_tensor([len(stop)])))
        *values, stopped = mean_over_processes(report).tolist()
        numbers = dict(zip(terms, values, strict=True))
        if not math.isfinite(sum(values)):
            raise FloatingPointError(f"the loss of step {step} is {numbers}")
        self.optimizer.step()
        return numbers, stopped > 0

    def _check_weights(self) -> None:
        """Raises where gradients that were not finite have reached the weights."""
        learning = (p.detach() for p in self.task.model.parameters() if p.requires_grad)
        parts = [p.to_local() if isinstance(p, DTensor) else p for p in learning]
        odd = torch.stack([(~part.isfinite()).any() for part in parts]).sum()
        if sum_over_processes(odd).item():
            raise FloatingPointError(
                f"weights are not finite after step {self.progress.step}, though its loss was"
            )

    def _evaluate(self) -> None:
        self._check_weights()
        self.task.model.eval()
        found = self.task.evaluate()
        self.task.model.train()
        miou = next(iter(found.values()))
        if miou > self.progress.best_miou:
            self.progress.best_miou, self.progress.best_step = miou, self.progress.step
            # The state is saved along with them, so that a resumed training knows these weights.
            save_tensors(self._best, self.task.model.state_dict())
            self.save()
        percent = {name: round(100 * value, 2) for name, value in found.items()}
        if rank() == 0:
            tqdm.write(f"step {self.progress.step}: mIoU % {percent}")
        self._log.write({"step": self.progress.step, "miou": percent})
        self._log.draw()

    def _log_step(self, terms: dict[str, float], clock: _Clock) -> None:
        pictures = self.config.batch_size * self.config.accumulate * process_count()
        self._log.write(
            {
                "step": self.progress.step,
                "loss": sum(terms.values()),
                "terms": terms,
                "learning_rate": max(group["lr"] for group in self.optimizer.param_groups),
                "pictures_per_second": clock.steps_per_second(self.progress.step) * pictures,
                "reading_share": clock.reading_share,
            }
        )


def seed_of(*numbers: int) -> int:
    """A seed that is another one for any other numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def _saved_progress(state: Path, config: TrainConfig) -> Progress:
    """Where a saved training is.

    Raises:
        ValueError: no state, or one of a training with another configuration.
    """
    saved = read_progress(state)
    # A setting that is younger than the state had its default value.
    before = {**to_json(TrainConfig()), **saved.pop("config")}
    now = json.loads(json.dumps(to_json(config)))
    changed = sorted(k for k in now if now[k] != before.get(k) and k not in _FREE_TO_CHANGE)
    differences = {key: (before.get(key), now[key]) for key in changed}
    parts, parts_now = saved.pop("parts", 1), config.accumulate * process_count()
    if parts != parts_now:
        differences["accumulate * processes"] = (parts, parts_now)
    if differences:
        raise ValueError(f"cannot resume with another configuration (was, is): {differences}")
    return Progress(**saved)


class _Clock:
    """Speed since a step, and the share of the time that went into reading batches."""

    def __init__(self, step: int):
        self._step, self._start, self._reading = step, time.perf_counter(), 0.0

    @contextmanager
    def reading(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._reading += time.perf_counter() - start

    def steps_per_second(self, step: int) -> float:
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
