"""Records of a training: what is written, dropped and passed on."""

import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace

from tqdm_demo.training import metrics_log as module
from tqdm_demo.training.metrics_log import MetricsLog, read_records

STEP = {
    "step": 3,
    "loss": 1.23456789,
    "terms": {"masks": 1.0, "dice": 0.234567},
    "learning_rate": 1e-4,
}


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_numbers_are_rounded(tmp_path):
    records = MetricsLog(tmp_path)
    records.write(STEP)
    records.write({"step": 3, "miou": {"streets:game": 12.25}})
    assert lines(tmp_path)[0]["loss"] == 1.2346 and lines(tmp_path)[0]["terms"]["dice"] == 0.23457
    assert len(lines(tmp_path)) == 2


def test_a_resumed_training_drops_what_comes_again_and_a_new_one_everything(tmp_path):
    first = MetricsLog(tmp_path)
    for step in (1, 2, 3):
        first.write({"step": step, "loss": 1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    assert [r["step"] for r in read_records(tmp_path / "metrics.jsonl")] == [1, 2, 3]
    MetricsLog(tmp_path, step=2)
    assert [r["step"] for r in lines(tmp_path)] == [1, 2]
    MetricsLog(tmp_path)
    assert lines(tmp_path) == []
    assert read_records(tmp_path / "nothing") == []


def test_other_processes_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "rank", lambda: 1)
    records = MetricsLog(tmp_path)
    records.write(STEP)
    records.draw()
    records.close()
    assert not list(tmp_path.iterdir())


def test_tensorboard_gets_every_number_where_it_is_installed(tmp_path, monkeypatch):
    written, real = {}, importlib.util.find_spec

    class Writer:
        def __init__(self, folder, purge_step):
            self.folder, self.purge_step = folder, purge_step

        def add_scalar(self, name, value, step):
            written[name] = (value, step)

        def close(self):
            written["closed"] = True

    stand_in = ModuleType("torch.utils.tensorboard")
    stand_in.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: SimpleNamespace() if name == "tensorboard" else real(name, *more),
    )
    records = MetricsLog(tmp_path, step=7)
    assert records._board.purge_step == 8  # step 7 stays, as in metrics.jsonl
    records.write(STEP)
    records.write({"step": 9, "miou": {"streets:fog": 5.0}})
    records.close()
    assert written["terms/masks"] == (1.0, 3) and written["miou/streets:fog"] == (5.0, 9)
    assert written["closed"] and "step" not in written
