"""Converting files: what is read and what is refused. Full-size files: test_convert_full.py."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from tqdm_demo.checkpoints.published.plan import converted_tensors
from tqdm_demo.checkpoints.published.reading import read_published
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.convert import main

REFERENCE = Path(__file__).resolve().parent / "reference"


def small() -> dict[str, torch.Tensor]:
    """A state dict that reads well, of no known model."""
    return {"gamma": torch.arange(3.0), "count": torch.tensor(2), "half": torch.ones(2).half()}


def same(loaded: dict[str, torch.Tensor]) -> bool:
    expected = small()
    return list(loaded) == list(expected) and all(
        torch.equal(loaded[name], value) for name, value in expected.items()
    )


def test_wrappings_are_taken_off(tmp_path):
    wrapped = {
        "state_dict": {f"module.{name}": value for name, value in small().items()},
        "meta": {"iter": 20000, "CLASSES": ("road", "sky"), "best": np.float64(57.5)},
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "lr": np.float32(1e-5)},
    }
    for number, content in enumerate((small(), {"state_dict": small()}, wrapped)):
        torch.save(content, tmp_path / f"{number}.pth")
        assert same(read_published(tmp_path / f"{number}.pth").tensors)
    assert read_published(tmp_path / "2.pth").meta["best"] == 57.5


def test_a_modules_own_state_dict_is_read(tmp_path):
    """As mmcv saves it: an OrderedDict with a note of every part's version."""
    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    state = layers.state_dict()
    assert state._metadata
    torch.save({"meta": {"PALETTE": [[128, 64, 128]]}, "state_dict": state}, tmp_path / "a.pth")
    found = read_published(tmp_path / "a.pth").tensors
    assert list(found) == list(state) and torch.equal(found["0.weight"], state["0.weight"])


def test_numbers_pickled_by_older_numpy_are_read(tmp_path):
    path, older = tmp_path / "new.pth", tmp_path / "older.pth"
    torch.save({"state_dict": small(), "meta": {"best": np.float64(57.5)}}, path)
    with zipfile.ZipFile(path) as new, zipfile.ZipFile(older, "w") as old:
        for item in new.infolist():
            content = new.read(item)
            if item.filename.endswith("data.pkl"):
                assert b"numpy._core.multiarray" in content
                content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            old.writestr(item.filename, content)
    assert read_published(older).meta["best"] == 57.5


def test_the_older_file_format_is_read(tmp_path):
    path = tmp_path / "older.pth"
    torch.save({"state_dict": small()}, path, _use_new_zipfile_serialization=False)
    assert same(read_published(path).tensors)


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["meta", "state_dict"])
def test_a_program_in_a_file_is_refused_and_not_run(tmp_path, zipped, place):
    trap, path = tmp_path / "executed", tmp_path / "file.pth"
    content = {"state_dict": small(), "meta": {}}
    content[place]["x"] = Malicious(trap)
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match="posix.mkdir.*nothing of it was executed"):
        read_published(path)
    assert not trap.exists()
    # The trap works: read without care, the file runs it.
    torch.load(path, weights_only=False)
    assert trap.exists()


def test_damaged_files_are_refused(tmp_path):
    whole = tmp_path / "whole.pth"
    torch.save({"weight": torch.zeros(4000)}, whole)
    content = whole.read_bytes()
    for number, size in enumerate((0, 3, 300, len(content) // 2, len(content) - 20)):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=f"{number}.pth is damaged"):
            read_published(path)
    page = tmp_path / "page.pth"
    page.write_text("<!DOCTYPE html><html>Quota exceeded</html>")
    with pytest.raises(ValueError, match="is a web page"):
        read_published(page)


def test_files_with_other_things_are_refused(tmp_path):
    path = tmp_path / "file.pth"
    for content in ([1, 2], {"epoch": 3}, {"state_dict": {"a": torch.zeros(1), "b": "text"}}):
        torch.save(content, path)
        with pytest.raises(ValueError, match="holds no state dict"):
            read_published(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no tensors")
    with pytest.raises(ValueError, match="file.pth is damaged, or no checkpoint"):
        read_published(path)


@pytest.mark.filterwarnings("ignore")
def test_a_torchscript_program_is_named_as_such(tmp_path):
    path = tmp_path / "ViT-B-16.pt"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), path)
    with pytest.raises(ValueError, match="TorchScript program"):
        read_published(path)


def test_the_program_refuses_clearly_and_leaves_nothing(tmp_path):
    path, folder = tmp_path / "clip.pth", tmp_path / "out"
    with pytest.raises(SystemExit, match="convert: .*No such file.*clip.pth"):
        main([str(path), str(folder)])
    torch.save({"visual.proj": torch.zeros(2)}, path)
    with pytest.raises(SystemExit, match="convert: .*clip.pth: .*it looks like a CLIP"):
        main([str(path), str(folder)])
    assert not folder.exists()
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(SystemExit, match="exists already"):
        main([str(path), str(folder)])
    assert [entry.name for entry in folder.iterdir()] == ["mine"]


def test_values_are_folded_in():
    shapes = json.loads((REFERENCE / "clip_vit_b.keys.json").read_text())
    published = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    stem = "decode_head.transformer_decoder.layers.3.attentions.1.attn.in_proj_bias"
    published["backbone.class_embedding"] = torch.arange(768.0)
    published[stem] = torch.arange(768.0)
    published["contexts"] = torch.arange(2560.0).view(1, 5, 512)
    plan = plan_conversion({name: tuple(value.shape) for name, value in published.items()})
    converted = dict(converted_tensors(plan, published))
    assert {name: tuple(value.shape) for name, value in converted.items()} == plan.shapes
    tower = "image_encoder.tower.class_embedding"
    assert torch.equal(converted[tower], 2 * torch.arange(768.0))
    key = converted["mask_decoder.layers.3.self_attention.key.bias"]
    assert torch.equal(key, torch.arange(256.0, 512.0))
    assert torch.equal(converted["text_encoder.prompt"], torch.arange(2560.0).view(5, 512))


def old_format(content: object, path: Path) -> bytes:
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path.read_bytes()


@pytest.mark.parametrize(
    "garble",
    [
        lambda old, new: b"Rar!\x1a\x07\x00" + bytes(range(256)),
        lambda old, new: old.replace(b"storage", b"strange"),
        lambda old, new: old.replace(b"_rebuild_tensor_v2", b"_rebuild_parameter"),
        lambda old, new: old[:-4] + b"....",
        lambda old, new: old[:200] + b"0" + old[200:],
        lambda old, new: new.replace(b"PK\x05\x06\x00\x00", b"PK\x05\x06\x01\x00"),
        *(lambda old, new, n=n: old[:n] + old[n + 1 :] for n in range(150, 450, 3)),
    ],
)
def test_garbled_files_are_answered_with_a_sentence(tmp_path, garble):
    old = old_format(small(), tmp_path / "old.pth")
    torch.save(small(), tmp_path / "new.pth")
    path = tmp_path / "garbled.pth"
    path.write_bytes(garble(old, (tmp_path / "new.pth").read_bytes()))
    try:
        read_published(path)
    except Exception as error:
        assert type(error) is ValueError and path.name in str(error)


def test_an_archive_that_contains_the_checkpoint_says_so(tmp_path):
    torch.save(small(), tmp_path / "inner.pth")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.pth", "weights/tqdm-gta.pth")
    with pytest.raises(ValueError, match=r"contains weights/tqdm-gta.pth: unpack it first"):
        read_published(tmp_path / "outer.zip")


def test_a_pointer_in_place_of_the_file_says_so(tmp_path):
    (tmp_path / "a.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(ValueError, match=r"a.pth is a pointer of Git LFS.*git lfs pull"):
        read_published(tmp_path / "a.pth")
