"""What a Space gets for its hardware. `packaging` reads the requirements as pip would."""

from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from packaging.requirements import Requirement

from tqdm_demo.space_files import (
    HARDWARE,
    PLATFORMS_OWN,
    space_readme,
    space_requirements,
    space_variables,
)

ROOT = Path(__file__).resolve().parents[1]
OURS = (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize("hardware", HARDWARE)
def test_requirements_of_every_hardware(hardware):
    lines = space_requirements(OURS, hardware).splitlines()
    options = [line for line in lines if line.startswith("-")]
    needed = {r.name: r for r in map(Requirement, (x for x in lines if not x.startswith("-")))}
    ours = {Requirement(line).name for line in OURS.splitlines()}
    assert set(needed) == ours - set(PLATFORMS_OWN)
    assert [line.endswith("/cpu") for line in options] == hardware.startswith("cpu-") * [True]
    # ZeroGPU takes these versions and no others.
    zero = hardware.startswith("zero")
    torches = [v for v in ("2.8.0", "2.11.0", "2.12.0") if needed["torch"].specifier.contains(v)]
    assert torches == (["2.11.0"] if zero else ["2.8.0", "2.11.0", "2.12.0"])


def test_the_front_matter_names_hardware_and_what_is_loaded_first(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    models = ["streets-tqdm", "zero-shot:user/clip", "a/b", "published:tqdm-eva02-l-gta5"]
    page = tmp_path / "README.md"
    page.write_text(space_readme(text, "zero-a10g", models), encoding="utf-8")
    found = metadata_load(page)
    files = "config.json,model.safetensors"
    assert found["suggested_hardware"] == "zero-a10g" and found["sdk"] == "gradio"
    assert found["preload_from_hub"] == [f"user/clip {files}", f"a/b {files}"]
    assert found["startup_duration_timeout"] == "1h"
    assert page.read_text(encoding="utf-8").endswith(text.split("---\n", 2)[2])
    page.write_text(space_readme(text, "cpu-basic", []), encoding="utf-8")
    assert not {"preload_from_hub", "startup_duration_timeout"} & set(metadata_load(page))


def test_variables():
    assert space_variables([]) == {}
    assert space_variables(["a/b", "c"]) == {"TQDM_MODELS": "a/b,c"}
