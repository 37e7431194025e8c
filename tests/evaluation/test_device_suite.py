"""The suite for unknown hardware, on a tiny model and once on the published size."""

import dataclasses
import json

import pytest
import torch

from tqdm_demo import benchmark
from tqdm_demo.evaluation import device_suite
from tqdm_demo.evaluation.device_suite import Row, run_suite, table

CPU = torch.device("cpu")
STEPS = ["first", "picture 1", "picture 2", "edit", "windows 2048 x 1024"]


@pytest.fixture
def quick(monkeypatch, tiny_weights):
    """A small street, and a tiny model in place of the published one."""
    monkeypatch.setattr(device_suite, "STREET", (200, 100))
    monkeypatch.setattr(device_suite, "SQUARE", (60, 40))
    return str(tiny_weights / "tiny-tqdm")


def test_every_step_is_measured_in_every_precision(quick, tmp_path):
    rows = list(run_suite(CPU, tmp_path, [quick], ("float32", "bfloat16"), (False,)))
    assert [row.step for row in rows] == 2 * STEPS
    assert all(row.seconds > 0 and row.memory_mb > 50 for row in rows)
    exact, half = rows[0], rows[len(STEPS)]
    assert (exact.same_labels, exact.difference) == (1.0, 0.0)
    assert half.difference > 0 and half.same_labels > 0.5
    assert len(table(rows).splitlines()) == 2 + len(rows)


def test_what_fails_is_a_row_and_the_rest_is_measured(quick, tmp_path, monkeypatch):
    def broken(place, device):
        raise RuntimeError("no kernel")

    monkeypatch.setattr(device_suite, "load_model", broken)
    (row,) = run_suite(CPU, tmp_path, [quick], ("float32",), (False,))
    assert row == Row(quick, "float32", False, "failed", error="RuntimeError: no kernel")


def test_the_program_keeps_every_result(quick, tmp_path, capsys):
    result = tmp_path / "result.json"
    benchmark.main([quick, "--suite", str(result), "--device", "cpu"])
    about, *rows = map(json.loads, result.read_text().splitlines())
    assert about["device"] == "cpu" and [row["step"] for row in rows] == STEPS
    assert set(rows[0]) == {field.name for field in dataclasses.fields(Row)}
    assert capsys.readouterr().out.rstrip().endswith("|")


@pytest.mark.slow
def test_the_published_size_agrees_with_the_published_code(tmp_path, monkeypatch):
    monkeypatch.setattr(device_suite, "STREET", (512, 512))
    rows = list(run_suite(CPU, tmp_path, ["published"], ("float32",), (False,)))
    assert [row.step for row in rows] == [*STEPS, "training step"]
    assert rows[0].same_labels >= 0.999 and rows[0].difference < 1e-4
