"""The training program from its command line to a checkpoint that loads."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file

from tqdm_demo import train
from tqdm_demo.checkpoints.folder import load_segmenter
from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.config_json import from_json
from tqdm_demo.data import street_pool
from tqdm_demo.data.crops import PooledCrops
from tqdm_demo.presets import PRESETS
from tqdm_demo.training import metrics_log as records
from tqdm_demo.training.objective import Objective

TINY = [
    "--steps", "3", "--batch-size", "2", "--crop", "64", "--scenes", "3", "--width", "32",
    "--feed-forward", "24", "--pixel-layers", "1", "--mask-layers", "2", "--text-positions", "20",
    "--points-per-mask", "20", "--validation-scenes", "2", "--evaluate-every", "2",
    "--save-every", "1", "--log-every", "1", "--warmup-steps", "1", "--size-multiple", "32",
    "--workers", "0", "--device", "cpu", "--no-bfloat16",
]  # fmt: skip


@pytest.fixture(autouse=True)
def painted(monkeypatch):
    """Stripes instead of streets; the seeds that were painted."""
    seeds = []

    def paint(seed, domain, size):
        seeds.append(seed)
        width, height = size
        labels = np.tile((np.arange(width) // 16 + seed) % 19, (height, 1)).astype(np.uint8)
        return SimpleNamespace(image=np.repeat(labels[..., None] * 13, 3, -1), labels=labels)

    monkeypatch.setattr(street_pool, "paint", paint)
    monkeypatch.setattr(records, "draw_curves", lambda found, file: file.touch())
    return seeds


def arguments(tiny_weights, folder, preset, *more):
    main = ["--preset", preset, "--clip", str(tiny_weights / "tiny-clip"), "--cache",
            str(folder / "pools"), "--out", str(folder / preset), "--work",
            str(folder / "work")]  # fmt: skip
    return [*main, *TINY, *more]


def run(tiny_weights, folder, preset, *more):
    train.main(arguments(tiny_weights, folder, preset, *more))
    return folder / preset


@pytest.mark.parametrize(
    "preset, regularisers",
    [
        ("streets-tqdm", "pixel-text one trains the prompt and the context decoder alone"),
        ("streets-queries", "none of the three\nregularisers has anything to train"),
    ],
)
def test_a_training_ends_in_a_checkpoint(
    tiny_weights, tmp_path, painted, preset, regularisers, capsys
):
    out = run(tiny_weights, tmp_path, preset, "--seed", "11")
    segmenter = load_segmenter(out)
    assert segmenter.config.width == 32
    assert segmenter.config.text_tower is None  # no CLIP beside it: its tensors are inside
    config = json.loads((out / "config.json").read_text())
    assert from_json(TrainConfig, config["training"]).seed == 11
    assert config["provenance"]["clip"] == "tiny-clip"
    assert config["results"]["validation"]["streets:game"]["miou"] >= 0
    card = (out / "README.md").read_text()
    assert f"# {preset}" in card and "arXiv 2407.09033" in card
    assert "| learning_rate | 1e-05 | 0.0016 |" in card
    assert regularisers in card
    lines = (tmp_path / "work" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 2, 3, 3]
    assert sorted(set(painted)) == [9000, 9001, 100000, 100001, 100002]
    report, _, printed = capsys.readouterr().out.partition("\n{")
    assert "game" in report
    assert json.JSONDecoder().raw_decode("{" + printed)[0]["training"]["steps"] == 3


@pytest.mark.slow
def test_an_interrupted_training_ends_in_the_same_checkpoint(tiny_weights, tmp_path, monkeypatch):
    whole = run(tiny_weights, tmp_path / "whole", "streets-tqdm")
    draw, calls = PooledCrops.draw, []

    def interrupted(self, step, part):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return draw(self, step, part)

    monkeypatch.setattr(PooledCrops, "draw", interrupted)
    with pytest.raises(RuntimeError, match="killed"):
        run(tiny_weights, tmp_path / "parts", "streets-tqdm")
    parts = run(tiny_weights, tmp_path / "parts", "streets-tqdm", "--resume")
    first, second = (load_segmenter(folder).state_dict() for folder in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(calls) == 4


@pytest.mark.process
def test_a_training_that_is_killed_at_any_moment_continues_to_the_bit(tiny_weights, tmp_path):
    """A process of its own, SIGKILL at a random step; dropout is at work."""
    more = ("--steps", "8", "--save-every", "2", "--evaluate-every", "4")
    whole = run(tiny_weights, tmp_path / "whole", "streets-tqdm", *more)
    shutil.copytree(tmp_path / "whole" / "pools", tmp_path / "parts" / "pools")
    step = random.randint(3, 6)
    print(f"killed after step {step}")
    records_file = tmp_path / "parts" / "work" / "metrics.jsonl"
    program = [sys.executable, "-m", "tqdm_demo.train"]
    command = [*program, *arguments(tiny_weights, tmp_path / "parts", "streets-tqdm", *more)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        while not any(r["step"] >= step for r in records.read_records(records_file)):
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    parts = run(tiny_weights, tmp_path / "parts", "streets-tqdm", "--resume", *more)
    for name in ("work/state.safetensors", "work/best.safetensors"):
        first, second = (load_file(tmp_path / part / name) for part in ("whole", "parts"))
        assert all(torch.equal(first[key], second[key]) for key in first)
    first, second = (load_segmenter(folder).state_dict() for folder in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_compiled_parts_learn_the_same_under_the_same_names(tiny_weights, tmp_path, monkeypatch):
    """Traced as for --compile, but not made into machine code, which takes minutes."""
    compile_part, with_gradients = torch.nn.Module.compile, []

    def backend(graph: torch.fx.GraphModule, inputs: list) -> torch.fx.GraphModule:
        with_gradients.append(torch.is_grad_enabled())
        return graph

    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda part: compile_part(part, backend=backend)
    )
    more = ("--backbone-factor", "0.1", "--evaluate-every", "3")
    run(tiny_weights, tmp_path / "plain", "streets-tqdm", *more)
    run(tiny_weights, tmp_path / "compiled", "streets-tqdm", "--compile", *more)
    assert with_gradients and all(with_gradients), "nothing is compiled for evaluations"
    plain, compiled = (
        load_file(tmp_path / way / "work" / "state.safetensors") for way in ("plain", "compiled")
    )
    assert plain.keys() == compiled.keys()
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-3, atol=1e-5, msg=name)
    run(tiny_weights, tmp_path / "compiled", "streets-tqdm", "--resume", *more)  # and without it
    torch._dynamo.reset()


@pytest.mark.parametrize(("factor", "image_tower"), [("0.1", None), ("0", "tiny-clip")])
def test_a_sibling_clip_keeps_the_towers_that_are_frozen(
    tiny_weights, tmp_path, factor, image_tower
):
    (tmp_path / "tiny-clip").symlink_to(tiny_weights / "tiny-clip")
    out = run(tmp_path, tmp_path, "streets-tqdm", "--steps", "1", "--backbone-factor", factor)
    config = load_segmenter(out).config
    assert (config.text_tower, config.image_tower) == ("tiny-clip", image_tower)


def test_presets_differ_in_the_queries_alone():
    textual, learned = (PRESETS[name].model for name in ("streets-tqdm", "streets-queries"))
    changed = {f for f in vars(textual) if getattr(textual, f) != getattr(learned, f)}
    assert changed == {"queries", "text_to_pixel", "context_decoder", "prompt_length"}
    assert isinstance(textual, ModelConfig)


@pytest.mark.parametrize("source", ["folder:x", "streets:moon"])
def test_odd_sources_are_named(tiny_weights, tmp_path, source, painted):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    source = source.replace("x", str(tmp_path))
    with pytest.raises(SystemExit, match=source):
        run(tiny_weights, tmp_path, "streets-tqdm", "--source", source)


def test_an_unknown_preset_is_refused(capsys):
    with pytest.raises(SystemExit):
        train.main(["--preset", "streets-other"])
    assert "streets-queries" in capsys.readouterr().err


def test_the_class_embedding_is_doubled_as_published_unless_quirks_are_fixed():
    config = {
        "embed_dim": 12,
        "vision_cfg": {"image_size": 32, "layers": 4, "width": 24, "head_width": 8,
                       "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2,
                     "layers": 1},
    }  # fmt: skip
    clip = open_clip.CLIP(**config)
    model = ModelConfig(clip=config, class_names=("road", "sky"), pyramid_blocks=(0, 1, 2, 3),
                        width=32, heads=2, pixel_layers=1, mask_layers=1, text_positions=10,
                        input_size=(32, 32))  # fmt: skip
    for fixed, factor in ((False, 2), (True, 1)):
        segmenter = train.build(model, clip, TrainConfig(fix_upstream_quirks=fixed))
        embedding = segmenter.image_encoder.tower.class_embedding
        torch.testing.assert_close(embedding, factor * clip.visual.class_embedding)


def test_a_loss_that_is_not_finite_ends_with_a_message(tiny_weights, tmp_path, monkeypatch):
    losses = Objective.losses

    def spoiled(self, batch, targets):
        found = losses(self, batch, targets)
        if (tmp_path / "work" / "state.safetensors").exists():
            found["masks"] = found["masks"] + torch.nan
        return found

    monkeypatch.setattr(Objective, "losses", spoiled)
    with pytest.raises(SystemExit, match=r"(?s)step 1 is .*nan.*--resume goes on"):
        run(tiny_weights, tmp_path, "streets-tqdm", "--evaluate-every", "9")
    monkeypatch.undo()
    out = run(tiny_weights, tmp_path, "streets-tqdm", "--evaluate-every", "9", "--resume")
    assert (out / "model.safetensors").exists()
