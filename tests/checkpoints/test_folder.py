from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import open_clip
import pytest
import timm.layers
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tqdm_demo.checkpoints import folder_files
from tqdm_demo.checkpoints.folder import load_clip, load_segmenter, save_clip, save_segmenter
from tqdm_demo.checkpoints.folder_files import find_clip, read_config, resolve_source
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.config import ModelConfig
from tqdm_demo.model.segmenter import Segmenter

CLIP = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 24, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 14, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}
CONFIG = ModelConfig(
    clip=CLIP,
    class_names=("road", "sky", "car"),
    prompt_length=2,
    text_positions=9,
    pyramid_blocks=(0, 1, 2, 3),
    width=32,
    heads=4,
    feed_forward=20,
    pixel_layers=1,
    mask_layers=1,
    context_width=8,
    context_heads=2,
    context_layers=1,
    input_size=(32, 64),
)


@pytest.fixture
def segmenter() -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(CONFIG)


def test_a_segmenter_comes_back_as_it_was(segmenter, tmp_path):
    folder = tmp_path / "new" / "model"
    save_segmenter(
        segmenter,
        folder,
        training={"steps": 3},
        provenance={"data": "streets"},
        results={"miou": 1.5},
        half=False,
    )
    loaded = load_segmenter(folder)
    assert loaded.config == CONFIG and not loaded.training
    for name, tensor in segmenter.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    sections = read_config(folder)
    assert sections["training"] == {"steps": 3} and sections["results"] == {"miou": 1.5}
    assert sections["provenance"] == {"data": "streets"}
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_model_built_without_drawing_is_the_same_once_it_is_loaded(segmenter):
    with skip_init():
        built = Segmenter(CONFIG)
    assert [n for n, _ in built.named_parameters()] == [n for n, _ in segmenter.named_parameters()]
    # What no checkpoint holds is computed as ever.
    for (name, ours), (_, theirs) in zip(
        built.named_buffers(), segmenter.named_buffers(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    frozen = [n for n, p in segmenter.named_parameters() if not p.requires_grad]
    assert frozen == [n for n, p in built.named_parameters() if not p.requires_grad]


def test_nothing_is_drawn_where_it_is_not_wanted():
    parameter = torch.nn.Parameter(torch.full((50,), 7.0))
    with skip_init(), torch.no_grad():
        torch.nn.init.kaiming_uniform_(parameter[None])
        torch.nn.init.normal_(parameter, std=0.02)
        parameter.uniform_()
        assert parameter.eq(7).all()
        # Their loops end, although nothing is drawn.
        torch.nn.init.trunc_normal_(parameter, std=0.02)
        timm.layers.trunc_normal_(parameter, std=0.02)
        assert torch.ones(3).mul_(2).eq(2).all(), "what is no parameter is computed"
    torch.nn.init.normal_(parameter)
    assert parameter.unique().numel() > 40


def test_a_loaded_model_can_learn_and_leaves_its_file_alone(segmenter, tmp_path):
    save_segmenter(segmenter, tmp_path, half=False)
    stored = (tmp_path / folder_files.TENSOR_FILE).read_bytes()
    loaded = load_segmenter(tmp_path)
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.add_(1)
    assert (tmp_path / folder_files.TENSOR_FILE).read_bytes() == stored


def test_float16_on_disk_is_float32_in_memory(segmenter, tmp_path):
    save_segmenter(segmenter, tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16, torch.int64}
    loaded = load_segmenter(tmp_path)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for name, tensor in segmenter.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_clip_beside_the_checkpoint_comes_before_the_bundled_one(tmp_path):
    bundled = folder_files.WEIGHTS / "mini-clip"
    assert find_clip("mini-clip", tmp_path / "model") == bundled
    (tmp_path / "mini-clip").mkdir()
    assert find_clip("mini-clip", tmp_path / "model") == bundled, "it holds no model"
    (tmp_path / "mini-clip" / "config.json").touch()
    assert find_clip("mini-clip", tmp_path / "model") == tmp_path / "mini-clip"


def test_the_text_tower_of_a_sibling_is_not_stored_twice(segmenter, tmp_path, monkeypatch):
    torch.manual_seed(1)
    clip = open_clip.CLIP(**CLIP)
    save_clip(clip, tmp_path / "tiny-clip", {"clip": CLIP}, half=False)
    config = dataclasses.replace(CONFIG, text_tower="tiny-clip")
    model = Segmenter.from_clip(config, clip)
    save_segmenter(model, tmp_path / "model", half=False)
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert not any(name.startswith("text_encoder.tower.") for name in stored)
    assert "text_encoder.prompt" in stored
    loaded = load_segmenter(tmp_path / "model").state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded[name], tensor), name
    # A folder elsewhere, in the middle of a training, takes the bundled one.
    save_segmenter(model, tmp_path / "runs" / "model", half=False)
    monkeypatch.setattr(folder_files, "WEIGHTS", tmp_path)
    elsewhere = load_segmenter(tmp_path / "runs" / "model").state_dict()
    assert torch.equal(
        elsewhere["text_encoder.tower.token_embedding.weight"],
        loaded["text_encoder.tower.token_embedding.weight"],
    )


def test_a_frozen_image_tower_of_a_sibling_is_not_stored_twice(tmp_path):
    torch.manual_seed(1)
    clip = open_clip.CLIP(**CLIP)
    save_clip(clip, tmp_path / "tiny-clip", {"clip": CLIP}, half=False)
    config = dataclasses.replace(CONFIG, image_tower="tiny-clip")
    model = Segmenter.from_clip(config, clip)
    save_segmenter(model, tmp_path / "model", half=False)
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert not any(name.startswith("image_encoder.tower.") for name in stored)
    assert any(name.startswith("image_encoder.pyramid.") for name in stored)
    assert any(name.startswith("text_encoder.tower.") for name in stored)
    loaded = load_segmenter(tmp_path / "model").state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded[name], tensor), name


def test_every_tensor_that_does_not_fit_is_named(segmenter, tmp_path):
    save_segmenter(segmenter, tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["mask_decoder.class_head.bias"]
    tensors["mask_decoder.surprise"] = torch.zeros(1)
    tensors["context_decoder.gamma"] = torch.zeros(7)
    save_file(tensors, path)
    with pytest.raises(ValueError) as caught:
        load_segmenter(tmp_path)
    message = str(caught.value)
    assert "missing: mask_decoder.class_head.bias" in message
    assert "unexpected: mask_decoder.surprise" in message
    assert "shape of context_decoder.gamma: (7,) instead of (12,)" in message
    assert message.count("\n") == 3


def test_a_clip_comes_back_with_its_configuration(tmp_path):
    torch.manual_seed(2)
    clip = open_clip.CLIP(**CLIP).eval()
    sections = {"clip": CLIP, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.3, 0.2, 0.1],
                "input_size": [32, 64], "words": ["car", "taxi"]}  # fmt: skip
    save_clip(clip, tmp_path, sections, half=False)
    loaded, config = load_clip(tmp_path)
    assert config == sections
    tokens = open_clip.tokenize(["a car"], context_length=14)
    assert torch.equal(loaded.encode_text(tokens), clip.encode_text(tokens))
    pixels = torch.randn(1, 3, 32, 32)
    assert torch.equal(loaded.encode_image(pixels), clip.encode_image(pixels))


def test_a_clip_whose_unread_rows_are_left_out(tmp_path):
    clip = open_clip.CLIP(**CLIP)
    read = {0, 3, 49406, 49407}
    about = {"image_mean": [0.5] * 3, "image_std": [0.2] * 3, "input_size": [32, 64]}
    save_clip(clip, tmp_path, {"clip": CLIP, **about}, half=False, tokens=read)
    stored = load_file(tmp_path / "model.safetensors")["token_embedding.weight"]
    assert len(stored) == len(read)
    loaded, _ = load_clip(tmp_path)
    rows = sorted(read)
    table, expected = loaded.token_embedding.weight, clip.token_embedding.weight
    assert table.shape == expected.shape and torch.equal(table[rows], expected[rows])


@pytest.mark.parametrize("kind", [OSError, SafetensorError])
def test_a_save_that_fails_leaves_the_old_files(segmenter, tmp_path, monkeypatch, kind):
    save_segmenter(segmenter, tmp_path, results={"miou": 1})
    before = (tmp_path / "model.safetensors").read_bytes()

    def fail(tensors: dict, path: Path) -> None:
        Path(path).write_bytes(b"half of it")
        raise kind("disk full")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(OSError, match="cannot write .*disk full"):
        save_segmenter(segmenter, tmp_path, results={"miou": 2})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert read_config(tmp_path)["results"] == {"miou": 1}


def test_broken_folders(segmenter, tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*config\.json"):
        load_segmenter(tmp_path)
    save_clip(open_clip.CLIP(**CLIP), tmp_path / "clip", {"clip": CLIP})
    save_segmenter(segmenter, tmp_path / "model")
    with pytest.raises(ValueError, match="no section 'model'"):
        load_segmenter(tmp_path / "clip")
    with pytest.raises(ValueError, match="no section 'clip'"):
        load_clip(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"cannot read .*model\.safetensors"):
        load_segmenter(tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"cannot read .*config\.json"):
        load_segmenter(tmp_path / "model")


def test_sources_are_bundled_names_or_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_files, "WEIGHTS", tmp_path / "weights")
    for name in ("weights/streets-tqdm", "weights/mini-clip", "mine"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(json.dumps({}))
    assert resolve_source("streets-tqdm") == tmp_path / "weights" / "streets-tqdm"
    assert resolve_source(str(tmp_path / "mine")) == tmp_path / "mine"
    with pytest.raises(ValueError, match="'nobody' is neither .*mini-clip, streets-tqdm"):
        resolve_source("nobody")


def test_a_pointer_in_place_of_the_tensors_says_so(segmenter, tmp_path):
    save_segmenter(segmenter, tmp_path)
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match="model.safetensors is a pointer of Git LFS"):
        load_segmenter(tmp_path)


def test_a_folder_of_another_system_says_so(segmenter, tmp_path):
    save_segmenter(segmenter, tmp_path)
    sections = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**sections, "system": "rein"}))
    with pytest.raises(ValueError, match="of the system 'rein', not of tqdm"):
        load_segmenter(tmp_path)


def test_a_file_of_tensors_is_shut_between_its_parts(tmp_path, monkeypatch):
    """So that what was read of it does not stay in memory beside the tensors."""
    stored = {f"t{n}": torch.rand(2, n).half() for n in range(1, 8)} | {"n": torch.arange(3)}
    save_file(stored, tmp_path / "model.safetensors")
    opened, safe_open = [], folder_files.safe_open
    monkeypatch.setattr(
        folder_files, "safe_open", lambda *about: opened.append(about) or safe_open(*about)
    )
    monkeypatch.setattr(folder_files, "_AT_ONCE", 3)
    found = folder_files.read_tensors(tmp_path)
    assert len(opened) == 1 + 3 and set(found) == set(stored)
    for name, tensor in stored.items():
        assert found[name].dtype == (torch.int64 if name == "n" else torch.float32)
        assert torch.equal(found[name], tensor.to(found[name].dtype))
