"""The ablation program around trainings and measurements that only pretend."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from tqdm_demo import ablate
from tqdm_demo.ablate import Runner, main
from tqdm_demo.evaluation.ablation import Run
from tqdm_demo.presets import PRESETS
from tqdm_demo.streets.domains import PAINTERLY
from tqdm_demo.training.command_line import parse

MIOU = {"tqdm": 50.0, "queries": 47.0, "no-textual": 40.0}


class Programs:
    """Stands in for the two programs; notes how they were called."""

    def __init__(self, fail=()):
        self.calls, self.fail = [], fail

    def __call__(self, runner, name, arguments, folder):
        self.calls.append((name, folder.name, list(arguments)))
        if folder.name in self.fail:
            raise RuntimeError(f"{name} ended with 1")
        if name == "train":
            model = folder / "model"
            model.mkdir()
            (model / "model.safetensors").touch()
            config = {"results": {"validation": {"streets:game": {"miou": 60.0}}},
                      "provenance": {"step": 7}}  # fmt: skip
            (model / "config.json").write_text(json.dumps(config))
            return
        variant, seed = folder.name.rsplit("-s", 1)
        base = MIOU[variant.split("-lr")[0]] + 2 * int(seed)
        by_source = {"streets:game": base + 20, "streets:fog": base - 5,
                     "streets:mosaic": base + 1, "folder:x/camvid:val": base - 10}  # fmt: skip
        found = {"results": {arguments[0]: {s: {"miou": m} for s, m in by_source.items()}}}
        (folder / "measured.json").write_text(json.dumps(found))


@pytest.fixture
def programs(monkeypatch):
    stand_in = Programs()
    monkeypatch.setattr(Runner, "_program", lambda *arguments: stand_in(*arguments))
    return stand_in


def run(folder, *more):
    main(["--out", str(folder), "--variants", "tqdm,queries", "--seeds", "0,1", *more])


def test_every_run_is_trained_and_measured_and_the_table_has_the_spread(tmp_path, programs, capsys):
    run(tmp_path, "--jobs", "2", "--steps", "9", "--", "--crop", "64")
    assert sorted((name, folder) for name, folder, _ in programs.calls) == sorted(
        (name, f"{variant}-s{seed}")
        for name in ("train", "evaluate")
        for variant in ("tqdm", "queries")
        for seed in (0, 1)
    )
    called = next(a for n, f, a in programs.calls if (n, f) == ("train", "queries-s1"))
    assert called[:8] == ["--preset", "streets-queries", "--seed", "1", "--steps", "9",
                          "--crop", "64"]  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4].split(" | ")[1:6] == ["source", "game", "unseen", "held-out", "camvid val"]
    # Means over seeds 0 and 1; the deviation of two values 2 apart is the square root of 2.
    assert lines[-2] == ("| tqdm | 60.0 ± 0.0 | 71.0 ± 1.4 | 49.0 ± 1.4 | 52.0 ± 1.4 | "
                         "41.0 ± 1.4 | 2 | - |")  # fmt: skip
    assert lines[-1].endswith("| 38.0 ± 1.4 | 2 | -3.0 ± 0.0 |")
    kept = json.loads((tmp_path / "results.json").read_text())["tqdm-s1"]
    assert kept["best_step"] == 7 and kept["miou"]["streets:fog"] == 47.0


def test_finished_runs_are_skipped_and_stopped_ones_continue(tmp_path, programs):
    programs.fail = ("tqdm-s1",)
    with pytest.raises(SystemExit, match="tqdm-s1: train ended with 1"):
        run(tmp_path)
    assert (tmp_path / "queries-s1" / "results.json").exists()
    (tmp_path / "tqdm-s1" / "work").mkdir()
    (tmp_path / "tqdm-s1" / "work" / "state.safetensors").touch()
    (tmp_path / "tqdm-s0" / "results.json").unlink()  # trained, but the measurement was lost
    programs.fail, programs.calls = (), []
    run(tmp_path)
    assert [(name, folder) for name, folder, _ in programs.calls] == [
        ("evaluate", "tqdm-s0"),
        ("train", "tqdm-s1"),
        ("evaluate", "tqdm-s1"),
    ]
    assert programs.calls[1][2][-1] == "--resume"


def test_a_grid_of_rates_has_a_row_each(tmp_path, programs, capsys):
    run(tmp_path, "--learning-rates", "4e-4,8e-4")
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[-4:]]
    assert rows == ["| tqdm-lr0.0004", "| tqdm-lr0.0008", "| queries-lr0.0004",
                    "| queries-lr0.0008"]  # fmt: skip
    called = next(a for n, f, a in programs.calls if (n, f) == ("train", "tqdm-lr0.0004-s0"))
    assert called[called.index("--learning-rate") + 1] == "0.0004"


def test_a_variant_may_have_a_rate_of_its_own(tmp_path, programs, capsys):
    places = ["--out", str(tmp_path), "--seeds", "0"]
    main([*places, "--variants", "tqdm@4e-4,queries", "--learning-rates", "8e-4"])
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[-2:]]
    assert rows == ["| tqdm-lr0.0004", "| queries-lr0.0008"]
    main([*places, "--variants", "tqdm@4e-4,queries"])  # the preset's: no number in the name
    called = {f: a for n, f, a in programs.calls if n == "train"}
    own = called["tqdm-lr0.0004-s0"]
    assert own[own.index("--learning-rate") + 1] == "0.0004"
    assert "--learning-rate" not in called["queries-s0"]


def test_a_run_that_is_named_twice_is_one(tmp_path, programs):
    names = "tqdm@8e-4,tqdm@0.0008,tqdm"
    main(["--out", str(tmp_path), "--seeds", "0", "--variants", names, "--learning-rates", "8e-4"])
    assert [folder for name, folder, _ in programs.calls if name == "train"] == ["tqdm-lr0.0008-s0"]


NO_RATES = ["fast", "1@2", "", "nan", "inf", "0", "-1"]


@pytest.mark.parametrize("wrong", [*(f"tqdm@{rate}" for rate in NO_RATES), "@8e-4"])
def test_a_rate_is_a_number_behind_a_name(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--variants", wrong])
    assert ("unknown" if wrong[0] == "@" else "is no learning rate") in capsys.readouterr().err


def test_a_run_is_not_continued_with_other_settings(tmp_path, programs):
    run(tmp_path, "--steps", "9")
    with pytest.raises(SystemExit, match="was begun with"):
        run(tmp_path, "--steps", "10")


def test_the_table_alone_runs_nothing(tmp_path, programs, capsys):
    run(tmp_path)
    programs.calls = []
    main(["--out", str(tmp_path), "--variants", "tqdm,no-textual", "--table"])
    assert programs.calls == []
    assert len(capsys.readouterr().out.splitlines()) == 4 + 3


@pytest.mark.parametrize("world", ablate.WORLDS)
@pytest.mark.parametrize("variant", ablate.VARIANTS)
def test_the_training_program_takes_every_variants_options(variant, world, tmp_path):
    options = ablate._parse(["--out", str(tmp_path), "--world", world, "--steps", "9"])
    settings = ablate.run_settings(Run(variant, None, 3), options)["training"]
    chosen = parse(settings, "")
    assert PRESETS[chosen.preset].system == {"rein": "rein", "tldr": "tldr"}.get(variant, "tqdm")
    assert chosen.preset.startswith(world) and chosen.seed == 3 and chosen.steps == 9


def test_unknown_variants_are_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--variants", "tqdm,other"])
    assert "['other'] unknown" in capsys.readouterr().err


def test_programs_that_run_are_ended_and_none_is_begun_after(tmp_path, monkeypatch):
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(
        ablate.subprocess,
        "Popen",
        lambda command, _popen=subprocess.Popen, **more: _popen(sleeping, **more),
    )
    options = ablate._parse(["--out", str(tmp_path)])
    runner, errors = Runner(options), []

    def start():
        try:
            runner._program("train", [], tmp_path)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    while not runner._running:
        time.sleep(0.01)
    runner.stop()
    thread.join()
    start()
    assert f"ended with {-signal.SIGTERM}" in errors[0]
    assert "stopped" in errors[1]


@pytest.mark.parametrize(
    ("variant", "model", "factor", "weight"),
    [("queries-tuned", "queries", "0.1", "0"), ("queries-tuned-visual", "queries", "0.1", "100"),
     ("tuned", "tqdm", "0.1", "100")],
)  # fmt: skip
def test_towers_learn_with_and_without_the_visual_regulariser(variant, model, factor, weight):
    options = ablate._parse(["--out", "x", "--world", "photos"])
    training = ablate.run_settings(ablate.Run(variant, None, 3), options)["training"]
    assert training == ["--preset", f"photos-{model}", "--backbone-factor", factor,
                        "--weight-visual", weight, "--seed", "3"]  # fmt: skip


def test_a_table_of_photographs_compares_painterly_looks(tmp_path, programs, capsys, monkeypatch):
    looks = {d: f"folder:p:val:filter={d}" for d in PAINTERLY}

    def program(runner, name, arguments, folder):
        if name == "train":
            return programs(runner, name, arguments, folder)
        gain = 3.0 if folder.name.startswith("queries") else 0.0
        figures = {"folder:p:val": 70.0, **dict.fromkeys(looks.values(), 40.0 + gain)}
        found = {"results": {arguments[0]: {s: {"miou": m} for s, m in figures.items()}}}
        (folder / "measured.json").write_text(json.dumps(found))

    monkeypatch.setattr(Runner, "_program", program)
    run(tmp_path, "--world", "photos")
    head, _, first, second = capsys.readouterr().out.splitlines()[-4:]
    assert head == "| mIoU % | source | painterly | p val | seeds | painterly - first |"
    assert first.endswith("| 40.0 ± 0.0 | 70.0 ± 0.0 | 2 | - |")
    assert second.endswith("| 43.0 ± 0.0 | 70.0 ± 0.0 | 2 | +3.0 ± 0.0 |")
