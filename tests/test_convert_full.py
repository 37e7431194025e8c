"""Full-size stand-ins of the published files, converted by the program and loaded again.

They take 2 to 5 GB of disk for a while, and EVA02's 4 GB of memory.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tqdm_demo.checkpoints.folder import load_segmenter
from tqdm_demo.checkpoints.folder_files import read_config
from tqdm_demo.checkpoints.published.conversion import convert
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

REFERENCE = Path(__file__).resolve().parent / "reference"
ROOT = REFERENCE.parents[1]
LARGEST_PEAK = 1.6  # times the file
# Converts as the command line does, then prints the peak of its memory in bytes. The kernel's
# ru_maxrss starts with the peak of the process that started this one; VmHWM does not.
MEASURED = """
import resource, sys
from tqdm_demo.convert import main
main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
except OSError:
    pass
print(1024 * peak)
"""

spec = importlib.util.spec_from_file_location("weights", REFERENCE / "reference_weights.py")
weights = importlib.util.module_from_spec(spec)
spec.loader.exec_module(weights)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vit_b() -> Iterator[Path]:
    """A full-size stand-in of the published CLIP ViT-B/16 file, wrapped as such files are."""
    state = weights.reference_state_dict("clip_vit_b")
    content = {
        "meta": {
            "iter": 20000,
            "CLASSES": list(CITYSCAPES_NAMES),
            "config": "train=dict(type='UGDataset', source=dict(\n  type='GTADataset'))",
        },
        "state_dict": {f"module.{k}": torch.from_numpy(np.asarray(v)) for k, v in state.items()},
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-5, "params": [0]}]},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tqdm-clip-vit-b-gta.pth"
        torch.save(content, path)
        yield path


def converted_by_the_program(path: Path, folder: Path, *options: str) -> tuple[str, float]:
    """What ``python -m tqdm_demo.convert`` prints, and its peak memory in parts of the file."""
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path), str(folder), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    *printed, peak = ran.stdout.splitlines()
    share = int(peak) / path.stat().st_size
    print(*printed, f"peak memory: {share:.2f} of the file", sep="\n")
    return "\n".join(printed), share


def test_a_whole_published_file(vit_b):
    folder = vit_b.parent / "converted"
    printed, share = converted_by_the_program(vit_b, folder)
    assert share < LARGEST_PEAK
    assert "tqdm with CLIP ViT-B/16" in printed and "trained on GTA5" in printed
    assert "reg_E0" in printed and "frozen copy" in printed
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert read_config(folder)["provenance"]["steps"] == 20000
    assert "57.50 on Cityscapes" in (folder / "README.md").read_text()

    predictor = Predictor.load(str(folder), "cpu")
    expected = np.load(REFERENCE / "seed0" / "clip_vit_b.npz")
    # In one pass: windows are labelled as the published sliding evaluation does (test_windows.py).
    answer = predictor.segment(weights.reference_image(512, 512, 0), mode="single")
    stages = {
        "text_embeddings": predictor.model.encode_names(answer.names),
        "score_map": torch.from_numpy(answer.similarity),
    }
    for name, ours in stages.items():
        difference = np.abs(ours.detach().numpy() - expected[name]).max()
        assert difference <= 1e-4 * np.abs(expected[name]).max(), name
    assert (answer.label_map == expected["label_map"]).mean() >= 0.999


def test_half_precision_takes_half_the_space(vit_b):
    folder = vit_b.parent / "half"
    convert(vit_b, folder, torch.float16)
    stored = (folder / "model.safetensors").stat().st_size
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        kinds = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118
    assert kinds == {"F16", "I64"}
    assert stored < 0.36 * vit_b.stat().st_size
    loaded = load_segmenter(folder).state_dict()["mask_decoder.query_positions"]
    expected = weights.reference_tensor("decode_head.query_embed.weight", (19, 256))
    np.testing.assert_allclose(loaded.numpy(), expected, rtol=1e-3, atol=1e-6)


def test_a_conversion_that_fails_leaves_nothing(vit_b, monkeypatch):
    def fails(path: Path, *others: object) -> None:
        path.write_text("half a file")
        raise ValueError("some tensor is not finite")

    monkeypatch.setattr("tqdm_demo.checkpoints.published.conversion.write_tensors", fails)
    before = sorted(vit_b.parent.rglob("*"))
    with pytest.raises(ValueError, match="not finite"):
        convert(vit_b, vit_b.parent / "failed", torch.float32)
    assert sorted(vit_b.parent.rglob("*")) == before


def test_a_truncated_published_file_leaves_nothing(vit_b):
    path, folder = vit_b.parent / "part.pth", vit_b.parent / "part"
    with open(vit_b, "rb") as whole:
        path.write_bytes(whole.read(vit_b.stat().st_size // 4))
    with pytest.raises(ValueError, match="part.pth is damaged or not complete"):
        convert(path, folder, torch.float32)
    path.unlink()
    assert [entry.name for entry in vit_b.parent.iterdir() if "part" in entry.name] == []


@pytest.mark.heavy
def test_a_whole_published_file_of_eva02():
    shapes = json.loads((REFERENCE / "eva02_l.keys.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tqdm-eva02-clip-vit-l-city.pth"
        # Every tensor has a value of its own: full of it, it is quick to make and to find again.
        values = {name: float(index + 1) for index, name in enumerate(shapes)}
        torch.save(
            {
                "state_dict": {
                    name: torch.full(shape, values[name]).to(
                        torch.int64 if name.endswith("num_batches_tracked") else torch.float32
                    )
                    for name, shape in shapes.items()
                }
            },
            path,
        )
        converted = Path(folder) / "converted"
        printed, share = converted_by_the_program(path, converted, "--dtype", "float16")
        assert share < LARGEST_PEAK
        assert "EVA02-CLIP-L/14-336" in printed and "trained on Cityscapes" in printed
        plan = plan_conversion({name: tuple(shape) for name, shape in shapes.items()})
        with safe_open(converted / "model.safetensors", "pt") as tensors:
            for published, _, names in plan.steps:
                for name in names:
                    assert float(tensors.get_tensor(name).flatten()[-1]) == values[published]
