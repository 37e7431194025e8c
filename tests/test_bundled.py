"""The bundled models are whole, small enough, and answer as they did when they were bundled.

After a change of weights/, `python -m tests.test_bundled` writes the figures that are expected
into bundled_figures.json beside this file: mIoU in percent on the first eight drawn scenes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tqdm_demo.checkpoints.sources import BUNDLED
from tqdm_demo.evaluate import main

WEIGHTS = Path(__file__).parents[1] / "weights"
FIGURES = Path(__file__).with_name("bundled_figures.json")
SPECS = ("streets:game", "streets:oil")  # of the photos' models too: they have eleven of the names
PICTURES = 8
# Percent. Another processor rounds otherwise, and a pixel between two classes may change sides.
ROUNDING = 0.2
SMALL_SAMPLE = 8.0  # percent; eight pictures of a hundred


def folder_of(source: str) -> Path:
    return WEIGHTS / source.removeprefix("zero-shot:")


def digest(source: str) -> str:
    content = (folder_of(source) / "model.safetensors").read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


def evaluate(source: str, folder: Path) -> dict[str, float]:
    """Data set -> mIoU in percent on its first pictures."""
    file = folder / "found.json"
    main([source, "--data", ",".join(SPECS), "--limit", str(PICTURES), "--workers", "0",
          "--cache", str(folder), "--json", str(file)])  # fmt: skip
    found = json.loads(file.read_text())["results"][source]
    return {spec: found[spec]["miou"] for spec in SPECS}


def test_they_fit_into_the_repository():
    files = list(WEIGHTS.rglob("*.safetensors"))
    assert {file.parent for file in files} == set(map(folder_of, BUNDLED))
    assert sum(file.stat().st_size for file in files) < 48e6


@pytest.mark.slow
@pytest.mark.parametrize("source", BUNDLED)
def test_they_answer_as_they_did(source, tmp_path):
    expected = json.loads(FIGURES.read_text()).get(source, {})
    record = "new weights? run `python -m tests.test_bundled`, look at the figures, commit them"
    assert expected.get("model") == digest(source), record
    found = evaluate(source, tmp_path)
    assert found == pytest.approx(expected["miou"], abs=ROUNDING)
    told = json.loads((folder_of(source) / "config.json").read_text())["results"]["measured"]
    assert told, "the page tells how good a bundled model is"
    for spec in set(SPECS) & told.keys():
        assert found[spec] == pytest.approx(told[spec]["miou"], abs=SMALL_SAMPLE)


def record_figures() -> None:
    """Writes what is expected from now on."""
    with TemporaryDirectory() as folder:
        figures = {
            source: {"model": digest(source), "miou": evaluate(source, Path(folder))}
            for source in BUNDLED
        }
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    record_figures()
