"""What a Space gets for its hardware. `packaging` reads the requirements as pip would."""

from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from packaging.requirements import Requirement

from tqdm_demo.space_files import (
    HARDWARE,
    PLATFORMS_OWN,
    check_models,
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
    models = ["streets-tqdm", "zero-shot:user/clip#plain", "a/b", "published:tqdm-eva02-l-gta5"]
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


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("published:tqdm-clip-gta5", "did you mean 'tqdm-clip-vit-b-gta5'"),
        ("published:tqdm-eva02-l-gta5#int8", "stands float32 or float16"),
        ("open_clip:ViT-B-16/opnai", "near to it are ViT-B-16/openai"),
        ("tests/model", "publish tests/model user/name"),
        ("zero-shot:tests/model", "publish tests/model user/name"),
        (str(ROOT / "weights/mini-clip"), "neither bundled nor on the Hub"),
        ("streets-tqmd", "neither bundled nor on the Hub"),
    ],
)
def test_models_that_a_space_cannot_have_are_told_before_it_is_sent(source, words, monkeypatch):
    monkeypatch.chdir(ROOT)
    good = ["photos-tqdm", "zero-shot:mini-clip#clearclip", "open_clip:ViT-B-16/openai", "a/b"]
    check_models([*good, "zero-shot:a/b", "published:tqdm-eva02-l-gta5#float16"])
    with pytest.raises(ValueError, match=words):
        check_models([*good, source])


def test_variables():
    assert space_variables([]) == {}
    assert space_variables(["a/b", "c"]) == {"TQDM_MODELS": "a/b,c"}
