"""The loop on a toy model: it learns, resumes to the bit, saves when it is told to stop."""

import errno
import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.augmentation import Batch
from tqdm_demo.training import metrics_log as records_module
from tqdm_demo.training import state
from tqdm_demo.training.loop import Task, Training

CONFIG = TrainConfig(
    steps=7,
    batch_size=4,
    learning_rate=0.05,
    minimum_learning_rate=1e-4,
    warmup_steps=2,
    evaluate_every=3,
    save_every=2,
    log_every=1,
    seed=5,
)


class Toy(nn.Module):
    """Tells from one colour whether a pixel is of class 1."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 6, 1), nn.BatchNorm2d(6), nn.Dropout(0.2),
                                    nn.Conv2d(6, 2, 1))  # fmt: skip


def make_task(scores=None, spoil_at=None, at_step=None):
    model = Toy()
    scores, drawn = iter(scores or [0.1, 0.2, 0.3]), []

    def draw(step, part):
        drawn.append(1)
        if at_step and len(drawn) == at_step[0]:
            at_step[1]()
        rng = np.random.default_rng((step, part))
        pixels = torch.from_numpy(rng.normal(size=(4, 3, 5, 7))).float()
        return Batch(pixels, (pixels[:, 0] > 0).long())

    def losses(batch, targets):
        logits = model.layers(batch.pixels)
        if spoil_at is not None and len(drawn) == spoil_at:
            logits = logits * float("nan")
        return {"class": nn.functional.cross_entropy(logits, batch.labels), "other": logits.mean()}

    return Task(model, draw, losses, lambda: {"streets:game": next(scores), "streets:fog": 0.5})


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """How many records each picture of curves was to show; drawing takes a second."""
    counts = []
    monkeypatch.setattr(
        records_module, "draw_curves", lambda found, file: counts.append(len(found))
    )
    return counts


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(task):
    return {name: value.clone() for name, value in task.model.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_records_tell_every_step_and_evaluation(tmp_path, drawn):
    Training(make_task(), CONFIG, tmp_path).run()
    losses = [r for r in records(tmp_path) if "loss" in r]
    assert [r["step"] for r in losses] == list(range(1, 8))
    assert set(losses[0]["terms"]) == {"class", "other"}
    assert losses[0]["loss"] == pytest.approx(sum(losses[0]["terms"].values()), rel=1e-3)
    evaluations = [r for r in records(tmp_path) if "miou" in r]
    assert [r["step"] for r in evaluations] == [3, 6, 7]
    assert evaluations[0]["miou"] == {"streets:game": 10.0, "streets:fog": 50.0}
    assert drawn == [4, 8, 10]  # steps and evaluations so far, at every evaluation


def test_it_learns(tmp_path):
    config = replace(CONFIG, steps=60, evaluate_every=60)
    Training(make_task(), config, tmp_path).run()
    terms = [r["terms"]["class"] for r in records(tmp_path) if "loss" in r]
    assert np.mean(terms[-5:]) < 0.7 * np.mean(terms[:5])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_training_continues_to_the_bit(tmp_path, number):
    whole = make_task()
    Training(whole, CONFIG, tmp_path / "whole").run()

    stopped = make_task(at_step=(4, lambda: os.kill(os.getpid(), number)))
    with pytest.raises(SystemExit) as stop:
        Training(stopped, CONFIG, tmp_path / "parts").run()
    assert stop.value.code == 128 + number
    resumed = make_task(scores=[0.2, 0.3])
    training = Training(resumed, CONFIG, tmp_path / "parts", resume=True)
    assert training.progress.step == 4
    training.run()
    assert same(weights(whole), weights(resumed))
    kept = ("step", "loss", "terms", "learning_rate", "miou")
    first, second = (
        [{k: r[k] for k in kept if k in r} for r in records(tmp_path / part)]
        for part in ("whole", "parts")
    )
    assert first == second


def test_a_killed_training_continues_from_its_last_state(tmp_path):
    def kill():
        raise RuntimeError("killed")

    whole = make_task()
    Training(whole, CONFIG, tmp_path / "whole").run()
    with pytest.raises(RuntimeError, match="killed"):
        Training(make_task(at_step=(6, kill)), CONFIG, tmp_path / "parts").run()
    resumed = make_task(scores=[0.2, 0.3])
    training = Training(resumed, CONFIG, tmp_path / "parts", resume=True)
    assert training.progress.step == 4
    training.run()
    assert same(weights(whole), weights(resumed))
    assert [r["step"] for r in records(tmp_path / "parts") if "loss" in r] == list(range(1, 8))


def test_the_best_weights_are_kept_by_the_source_alone(tmp_path):
    task, found = make_task(scores=[0.3, 0.2, 0.1]), []
    evaluate = task.evaluate

    def spy():
        found.append(weights(task))
        return evaluate()

    progress = Training(replace(task, evaluate=spy), CONFIG, tmp_path).run()
    assert (progress.best_step, progress.best_miou) == (3, 0.3)
    assert same(weights(task), found[0])
    assert not same(weights(task), found[2])


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    with pytest.raises(FloatingPointError, match=r"step 3 is .*'class': nan"):
        Training(make_task(spoil_at=4), CONFIG, tmp_path).run()


def test_another_configuration_cannot_resume_but_logging_may_change(tmp_path):
    Training(make_task(), CONFIG, tmp_path).run()
    with pytest.raises(ValueError, match=r"learning_rate.*0\.05.*0\.1"):
        Training(make_task(), replace(CONFIG, learning_rate=0.1), tmp_path, resume=True)
    Training(make_task(), replace(CONFIG, log_every=3), tmp_path, resume=True)


def test_a_finished_training_is_not_overwritten_and_can_be_resumed(tmp_path):
    task = make_task()
    Training(task, CONFIG, tmp_path).run()
    with pytest.raises(ValueError, match="holds a training already"):
        Training(make_task(), CONFIG, tmp_path)
    again = make_task()
    Training(again, CONFIG, tmp_path, resume=True).run()
    assert same(weights(task), weights(again))


def test_nothing_to_resume(tmp_path):
    with pytest.raises(ValueError, match="no state"):
        Training(make_task(), CONFIG, tmp_path, resume=True)


def test_signal_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    Training(make_task(), CONFIG, tmp_path).run()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_loss_that_is_not_finite_leaves_the_last_state(tmp_path):
    with pytest.raises(FloatingPointError):
        Training(make_task(spoil_at=6), CONFIG, tmp_path).run()
    whole, resumed = make_task(), make_task(scores=[0.2, 0.3])
    Training(whole, CONFIG, tmp_path / "whole").run()
    training = Training(resumed, CONFIG, tmp_path, resume=True)
    assert training.progress.step == 4
    training.run()
    assert same(weights(whole), weights(resumed))


@pytest.mark.parametrize("every", [{"evaluate_every": 3}, {"evaluate_every": 9, "save_every": 1}])
def test_gradients_that_are_not_finite_leave_the_last_state(tmp_path, every):
    """The loss of step 3 is a number, its gradient is none: neither state nor best weights go."""

    class Spoiled(torch.autograd.Function):
        @staticmethod
        def forward(context, value):
            return value.clone()

        @staticmethod
        def backward(context, gradient):
            return gradient * float("nan")

    config = replace(CONFIG, **every)
    task, seen = make_task(), []

    def losses(batch, targets, plain=task.losses):
        found = plain(batch, targets)
        seen.append(1)
        return found | {"class": Spoiled.apply(found["class"])} if len(seen) == 3 else found

    with pytest.raises(FloatingPointError, match="weights are not finite after step 3"):
        Training(replace(task, losses=losses), config, tmp_path).run()
    kept = load_file(tmp_path / "state.safetensors")
    assert all(value.isfinite().all() for value in kept.values())
    assert not (tmp_path / "best.safetensors").exists()
    resumed = Training(make_task(), config, tmp_path, resume=True)
    assert resumed.progress.step == 2


def test_a_full_disk_leaves_the_last_state(tmp_path, monkeypatch):
    real, calls = state.save_file, []

    def full(tensors, path, metadata):
        calls.append(path.name)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(tensors, path, metadata)

    monkeypatch.setattr(state, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        Training(make_task(), CONFIG, tmp_path).run()
    monkeypatch.undo()
    assert calls[-1] == ".partial-state.safetensors"
    assert not list(tmp_path.glob("*partial*"))
    resumed = make_task(scores=[0.2, 0.3])
    assert Training(resumed, CONFIG, tmp_path, resume=True).progress.step == 3


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    config = replace(CONFIG, evaluate_every=100, save_every=2)
    stopped = make_task(at_step=(4, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    with pytest.raises(SystemExit):
        Training(stopped, config, tmp_path).run()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    Training(make_task(), config, tmp_path, resume=True).run()
    assert [r["step"] for r in records(tmp_path)] == [1, 2, 3, 4, 5, 6, 7, 7]


def test_a_step_of_several_parts(tmp_path):
    """The gradients of the parts are averaged; without batch norm and dropout, as of one batch."""
    found = []
    for parts in (1, 2):
        task = make_task()
        task.model.layers[1], task.model.layers[2] = nn.Identity(), nn.Identity()
        whole = task.draw

        def draw(step, part, parts=parts, whole=whole):
            batch = whole(step, 0)
            here = slice(4 // parts * part, 4 // parts * (part + 1))
            return Batch(batch.pixels[here], batch.labels[here])

        config = replace(CONFIG, batch_size=4 // parts, accumulate=parts)
        Training(replace(task, draw=draw), config, tmp_path / str(parts)).run()
        found.append(weights(task))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-4, atol=1e-6)


def test_the_number_of_parts_cannot_change(tmp_path):
    Training(make_task(), CONFIG, tmp_path).run()
    with pytest.raises(ValueError, match=r"accumulate \* processes.*1, 2"):
        Training(make_task(), replace(CONFIG, accumulate=2), tmp_path, resume=True)
