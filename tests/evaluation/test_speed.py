import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tqdm_demo import benchmark
from tqdm_demo.evaluation import speed, speed_ratio

ROOT = Path(__file__).resolve().parents[2]


def test_a_repeat_names_its_steps_and_keeps_their_answers(tiny_weights):
    steps = speed._picture_steps(str(tiny_weights / "tiny-tqdm"), {}, 0, (50, 30), "windows")
    found = speed.time_steps(steps)
    assert list(found) == ["picture", "edit", "heat maps"]
    assert found["picture"].answer.shape == (30, 50) and found["heat maps"].answer.ndim == 3
    assert found["edit"].cpu_s > 0 and found["edit"].peak_mb > 50


@pytest.mark.process
def test_two_checkouts_answer_in_turns_and_are_compared(tiny_weights):
    now, before, heat = speed_ratio.measure(
        ["published"], tiny_weights / "tiny-tqdm", against=ROOT, repeats=2
    )
    assert now.now.step == "picture" and now.same == 1 and now.ratio > 0
    assert "| CLIP ViT-B/16, 512 x 512, in windows: edit |" in speed_ratio.table([before, heat])


@pytest.mark.process
def test_a_checkout_that_cannot_run_a_case_is_named(tmp_path, tiny_weights):
    with pytest.raises(ValueError, match="published failed"):
        list(speed_ratio.measure(["published"], tiny_weights / "no-such-model", repeats=1))


def test_answers_that_differ_are_counted():
    one, other = np.array([1, 2, 3, 4]), np.array([1, 2, 3, 9])
    assert speed_ratio._equal_share(one, other) == 0.75
    assert speed_ratio._equal_share(one / 7, one / 7 + 1e-6) == 1
    assert speed_ratio._equal_share(one / 7, other / 7) == 0.75


@pytest.mark.process
def test_the_program_prints_a_record_a_step_and_a_table(tiny_weights, capsys):
    tiny = str(tiny_weights / "tiny-tqdm")
    benchmark.main(["--cases", "published", "--published", tiny, "--repeats", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[1])["step"] == "picture" and lines[-1].startswith("| CLIP ViT-B")


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
def test_the_peak_of_a_worker_is_not_that_of_who_started_it():
    ballast = np.ones(1 << 28, np.uint8)  # 256 MiB
    code = "import sys; sys.path.insert(0, '.'); from tqdm_demo.evaluation.speed import peak_memory"
    command = [sys.executable, "-c", f"{code}; print(peak_memory())"]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ballast.all() and int(child.stdout) < speed.peak_memory() - 200
