"""The bundled models are whole, small enough, and as good as their own folders say."""

import json
from pathlib import Path

import pytest

from tqdm_demo.evaluate import main

WEIGHTS = Path(__file__).parents[1] / "weights"
MODELS = {
    "streets-tqdm": "streets-tqdm",
    "streets-queries": "streets-queries",
    "zero-shot:streets-clip": "streets-clip",
}
PICTURES = 8
MARGIN = 8.0  # percent; eight pictures of a hundred


def test_they_fit_into_the_repository():
    files = list(WEIGHTS.rglob("*.safetensors"))
    assert len(files) == len(MODELS)
    assert sum(file.stat().st_size for file in files) < 40e6


@pytest.mark.parametrize("model", MODELS)
def test_they_are_as_good_as_they_say(model, tmp_path):
    specs, file = ("streets:game", "streets:oil"), tmp_path / "found.json"
    main([model, "--data", ",".join(specs), "--limit", str(PICTURES), "--workers", "0",
          "--cache", str(tmp_path), "--json", str(file)])  # fmt: skip
    found = json.loads(file.read_text())["results"][model]
    config = json.loads((WEIGHTS / MODELS[model] / "config.json").read_text())
    told = config["results"]["measured"]
    assert {"unseen", "held-out", "folder:camvid:val", *specs} <= told.keys()
    for spec in specs:
        assert found[spec]["miou"] == pytest.approx(told[spec]["miou"], abs=MARGIN)
