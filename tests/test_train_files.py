"""The training program on pictures on disk, and from CLIPs as open_clip stores them."""

import dataclasses
import json

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tqdm_demo import train
from tqdm_demo.checkpoints import open_clip_models as clips
from tqdm_demo.checkpoints.folder import load_segmenter
from tqdm_demo.config import ModelConfig
from tqdm_demo.presets import PRESETS
from tqdm_demo.training import metrics_log as records

TINY = [
    "--steps", "2", "--batch-size", "2", "--crop", "64", "--width", "32", "--feed-forward", "24",
    "--pixel-layers", "1", "--mask-layers", "2", "--text-positions", "20", "--points-per-mask",
    "20", "--validation-scenes", "2", "--evaluate-every", "2", "--log-every", "1",
    "--warmup-steps", "1", "--size-multiple", "32", "--workers", "0", "--device", "cpu",
    "--no-bfloat16",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    """Drawing takes a second."""
    monkeypatch.setattr(records, "draw_curves", lambda found, file: file.touch())


def places(folder):
    return ["--out", str(folder / "out"), "--work", str(folder / "work")]


def make_gta5(folder, pictures=3):
    """GTA5 as it unpacks: palette PNGs of raw ids."""
    rng = np.random.default_rng(0)
    for split in ("train", "valid"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(pictures):
            ids = np.repeat(rng.choice([7, 11, 23, 26, 0], (4, 6)), 40, 0).repeat(40, 1)
            labels = Image.fromarray(ids.astype(np.uint8), "P")
            labels.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
            labels.save(folder / "labels" / split / f"{number:05d}.png")
            colours = rng.integers(0, 256, (256, 3), dtype=np.uint8)
            Image.fromarray(colours[ids]).save(folder / "images" / split / f"{number:05d}.png")


def test_a_data_set_on_disk_is_checked_first_and_trained_on(tiny_weights, tmp_path, capsys):
    make_gta5(tmp_path / "gta5")
    train.main(["--preset", "streets-tqdm", "--clip", str(tiny_weights / "tiny-clip"), "--source",
                "gta5", "--data-root", str(tmp_path / "gta5"), *places(tmp_path),
                *TINY])  # fmt: skip
    out = tmp_path / "out"
    config = json.loads((out / "config.json").read_text())
    assert config["training"]["source"] == "gta5"
    assert config["results"]["validation"]["gta5"]["miou"] >= 0
    assert str(tmp_path) not in (out / "config.json").read_text() + (out / "README.md").read_text()
    assert config["provenance"]["labels"] == "Cityscapes ids"
    assert "3 pictures" in capsys.readouterr().out.split("{")[0]
    assert (tmp_path / "work" / "class-index.json").exists()
    assert "drawn" not in (out / "README.md").read_text()


def make_photos(folder, names=("cow", "grass", "water"), pictures=3):
    """A folder set with classes of its own; its name has a comma and a colon."""
    rng, colours = np.random.default_rng(0), np.eye(3, dtype=np.uint8) * 200
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(pictures):
            ids = rng.integers(0, len(names), (3, 4)).repeat(40, 0).repeat(40, 1).astype(np.uint8)
            Image.fromarray(ids).save(folder / "labels" / split / f"{number}.png")
            Image.fromarray(colours[ids]).save(folder / "images" / split / f"{number}.jpg")
    (folder / "classes.txt").write_text("\n".join(names))


@pytest.mark.parametrize("preset", ["photos-tqdm", "photos-queries"])
def test_photographs_teach_their_own_classes(tiny_weights, tmp_path, preset):
    photos = tmp_path / "my, photos: 1"
    make_photos(photos)
    train.main(["--preset", preset, "--clip", str(tiny_weights / "tiny-clip"), "--data-root",
                str(photos), "--watch", "folder::val:filter=fog", "--cache",
                str(tmp_path / "pools"), *places(tmp_path), *TINY])  # fmt: skip
    trained = load_segmenter(tmp_path / "out")
    assert trained.config.class_names == ("cow", "grass", "water")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["training"]["source"] == 'folder:"my, photos: 1":train'
    assert list(config["results"]["validation"]) == ['folder:"my, photos: 1":val']
    card = (tmp_path / "out" / "README.md").read_text()
    assert "its 3 names (cow, grass, water)" in card and "trained on folder my, photos: 1" in card
    assert len(list((tmp_path / "pools" / "filtered" / "fog").iterdir())) == 3


def test_pictures_that_all_turn_out_broken_end_in_a_sentence(tiny_weights, tmp_path):
    """Their headers and labels are whole, so that the index takes them."""
    make_photos(tmp_path / "photos")
    for file in (tmp_path / "photos" / "images" / "train").iterdir():
        file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(SystemExit, match=r"20 pictures in a row cannot be read.*\.jpg: This image"):
        train.main(["--preset", "photos-queries", "--clip", str(tiny_weights / "tiny-clip"),
                    "--data-root", str(tmp_path / "photos"), *places(tmp_path),
                    *TINY])  # fmt: skip


def test_a_root_is_for_sets_without_a_folder(tmp_path):
    with pytest.raises(SystemExit, match="all of them do"):
        train.main(["--source", "gta5:/x", "--data-root", str(tmp_path), "--device", "cpu"])


def test_a_missing_data_set_is_told_before_any_model_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "load_start", lambda *_: pytest.fail("a CLIP was loaded"))
    with pytest.raises(SystemExit, match=r"(?s)GTA5.*unpack"):
        train.main(["--source", "gta5", "--data-root", str(tmp_path), "--device", "cpu"])
    with pytest.raises(SystemExit, match="folder of cityscapes with --data-root"):
        train.main(["--preset", "eva02-l-cityscapes", "--device", "cpu"])


def test_a_clip_that_cannot_be_had_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "fetch", lambda *_: (_ for _ in ()).throw(ValueError("offline")))
    make_gta5(tmp_path / "gta5")
    with pytest.raises(SystemExit, match="train: offline"):
        train.main(["--preset", "clip-vit-b-gta5", "--data-root", str(tmp_path / "gta5"),
                    "--device", "cpu"])  # fmt: skip


TEXT = {"context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VIT = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 24, "head_width": 8, "patch_size": 8},
    "text_cfg": TEXT,
}
EVA = {
    "embed_dim": 12,
    "vision_cfg": {
        "image_size": 56,  # of 64 pixels: whole patches of 14
        "timm_model_name": "eva02_tiny_patch14_224",
        "timm_pool": "token",
        "timm_proj": None,
    },
    "text_cfg": TEXT,
}


@pytest.fixture
def store(tmp_path):
    """Puts a CLIP into a folder as open_clip stores it, under the name Small-CLIP."""

    def store(config):
        (tmp_path / "Small-CLIP.json").write_text(json.dumps(config | {"custom_text": True}))
        open_clip.add_model_config(tmp_path / "Small-CLIP.json")
        clip = open_clip.create_model("Small-CLIP")
        (tmp_path / "clip").mkdir()
        save_file(clip.state_dict(), tmp_path / "clip" / "open_clip_model.safetensors")
        return tmp_path / "clip", clip

    return store


def test_a_folder_with_the_weights_of_open_clip_can_be_the_start(store):
    folder, clip = store(VIT)
    found, about = train.load_start(str(folder), ModelConfig(clip=VIT, clip_weights="Small-CLIP/x"))
    assert about == {}
    assert torch.equal(found.visual.class_embedding, clip.visual.class_embedding)
    with pytest.raises(ValueError, match="its own kind"):
        train.load_start(str(folder), ModelConfig(clip=VIT))


@pytest.mark.parametrize(
    ("name", "config", "blocks"),
    [("clip-vit-b-gta5", VIT, (0, 0, 1, 1)), ("eva02-l-gta5", EVA, (2, 5, 8, 11))],
)
def test_a_published_preset_trains_from_open_clips_weights(
    store, tmp_path, monkeypatch, name, config, blocks
):
    """From the command line to a model that is measured in windows, as the published ones are."""
    folder, clip = store(config)
    model = dataclasses.replace(
        PRESETS[name].model, clip=config, clip_weights="Small-CLIP/x", pyramid_blocks=blocks,
        input_size=(64, 64), window_stride=43, heads=2, points=2,
    )  # fmt: skip
    monkeypatch.setitem(train.PRESETS, name, dataclasses.replace(PRESETS[name], model=model))
    make_gta5(tmp_path / "gta5")
    train.main(["--preset", name, "--data-root", str(tmp_path / "gta5"), "--clip", str(folder),
                *places(tmp_path), *TINY])  # fmt: skip
    trained = load_segmenter(tmp_path / "out")
    assert trained.config.clip == config and trained.config.window_stride == 43
    assert trained.config.text_tower is None and trained.config.clip_weights == "Small-CLIP/x"
    table = trained.text_encoder.tower.positional_embedding
    torch.testing.assert_close(table, clip.text.positional_embedding[:20], rtol=1e-2, atol=1e-3)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["results"]["validation"]
