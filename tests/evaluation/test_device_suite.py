"""The suite for unknown hardware, on a tiny model and once on the published size."""

import dataclasses
import itertools
import json
import math

import pytest
import torch

from tqdm_demo import benchmark
from tqdm_demo.evaluation import device_steps, device_suite
from tqdm_demo.evaluation.device_steps import Row
from tqdm_demo.evaluation.device_suite import CPU_PLAN, Plan, run_suite, table

CPU = torch.device("cpu")
ANSWERS = ["picture", "edit", "known names", "heat maps", "network: picture", "network: names"]
WINDOWS = ["windows 2048 x 1024", "edit in windows"]
EXACT, HALF = (("float32", False),), (("bfloat16", False),)
STEPS = ["loading", "first", *ANSWERS, *WINDOWS]


@pytest.fixture
def quick(monkeypatch, tiny_weights):
    """A small street (a CPU emulates bfloat16), and a tiny model in place of the published one."""
    monkeypatch.setattr(device_steps, "STREET", (80, 40))
    for module in (device_steps, device_suite):
        monkeypatch.setattr(module, "SQUARE", (60, 40))
    return str(tiny_weights / "tiny-tqdm")


def test_every_step_is_measured_in_every_precision(quick, tmp_path):
    variants = (("float32", False), ("bfloat16", True))
    plan = Plan([quick], variants, repeats=1, warm_up=0, seconds=math.inf)
    rows = list(run_suite(CPU, tmp_path, plan))
    assert not [row.error for row in rows if row.error]
    assert [row.step for row in rows] == [*STEPS, "first", "probe of auto", *ANSWERS, *WINDOWS]
    timed = [row for row in rows if row.step not in ("loading", "probe of auto")]
    assert all(row.seconds >= row.fastest > 0 and row.memory_mb > 50 for row in timed)
    assert {row.repeats for row in timed if row.step != "first"} == {1}
    exact, half = (row for row in rows if row.step == "first")
    assert (exact.same_labels, exact.difference) == (1.0, 0.0)
    assert half.difference > 0 and half.same_labels > 0.5 and half.graphs
    assert len(table(rows).splitlines()) == 2 + len(rows)


def test_the_large_model_is_made_on_the_device_and_profiled(quick, tmp_path, monkeypatch):
    preset = dataclasses.replace(
        device_suite.PRESETS[device_suite.LARGE],
        model=device_suite.load_segmenter(quick).config,
    )
    monkeypatch.setitem(device_suite.PRESETS, device_suite.LARGE, preset)
    plan = Plan([device_suite.LARGE], (*EXACT, *HALF), repeats=1, warm_up=0)
    rows = list(run_suite(CPU, tmp_path, plan))
    assert [row.step for row in rows][-2:] == ["profile: picture", "profile: edit"]
    assert {row.precision for row in rows[1:]} == {"bfloat16"}
    assert "kernels" in rows[-1].note and rows[-1].note.count("\n") == 15 and not rows[-1].error


def test_what_fails_is_a_row_and_the_rest_is_measured(quick, tmp_path, monkeypatch):
    def broken(row, *others):
        raise RuntimeError("no kernel")

    monkeypatch.setattr(device_suite, "answer_steps", broken)
    plan = Plan([quick, "no/such"], (*EXACT, *HALF))
    _, *failed, missing = run_suite(CPU, tmp_path, plan)
    assert failed == [
        Row(quick, precision, False, "failed", error="RuntimeError: no kernel")
        for precision in ("float32", "bfloat16")
    ]
    assert missing.step == "failed" and missing.error.startswith("ValueError")


def test_names_fit_a_model_that_reads_three_tokens(quick, tmp_path, monkeypatch):
    def last_repeat(timing, row, step, run):
        run(timing.repeats - 1)
        return row(step)

    config = device_suite.load_segmenter(quick).config
    config = dataclasses.replace(config, text_positions=8, text_tower=None)
    folder = tmp_path / "short"
    device_suite.save_segmenter(device_suite.Segmenter(config), folder)
    monkeypatch.setattr(device_steps.Timing, "time", last_repeat)
    rows = list(run_suite(CPU, tmp_path, Plan([str(folder)], EXACT, repeats=12, warm_up=0)))
    assert [(row.step, row.error) for row in rows[2:]] == [(step, "") for step in STEPS[2:]]


def test_a_step_that_fails_does_not_end_those_behind(quick, tmp_path, monkeypatch):
    def broken(*others, **names):
        raise RuntimeError("no kernel")

    monkeypatch.setattr(device_steps, "compare", broken)
    monkeypatch.setattr(device_steps, "probe", broken)
    monkeypatch.setattr(device_steps.Predictor, "stages", broken)
    monkeypatch.setattr(device_steps, "to_pixels", broken)
    rows = list(run_suite(CPU, tmp_path, Plan([quick], HALF, repeats=1, warm_up=0)))
    failed = [row.step for row in rows if row.error == "RuntimeError: no kernel"]
    assert failed == ["first", "probe of auto", "heat maps", "network"]
    measured = [row.step for row in rows if row.seconds]
    assert measured == ["loading", "picture", "edit", "known names", *WINDOWS]


def test_nothing_new_begins_after_its_time(quick, tmp_path):
    rows = run_suite(CPU, tmp_path, Plan([quick, quick], seconds=0))
    assert [row.step for row in rows] == ["skipped", "skipped"]


def test_the_program_keeps_every_result(quick, tmp_path, capsys):
    result = tmp_path / "result.json"
    benchmark.main([quick, "--suite", str(result), "--device", "cpu"])
    about, *rows = map(json.loads, result.read_text().splitlines())
    assert about["device"] == "cpu" and [row["step"] for row in rows] == STEPS
    assert set(rows[0]) == {field.name for field in dataclasses.fields(Row)}
    assert capsys.readouterr().out.rstrip().endswith("|")


@pytest.mark.slow
def test_the_published_size_agrees_with_the_published_code(tmp_path):
    plan = dataclasses.replace(CPU_PLAN, sources=["published"])
    loading, first = itertools.islice(run_suite(CPU, tmp_path, plan), 2)
    assert (loading.step, first.step) == ("loading", "first")
    assert first.same_labels >= 0.999 and first.difference < 1e-4
