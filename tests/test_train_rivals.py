"""The systems that tqdm is compared with, from the command line to a checkpoint that is served."""

import json

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from tqdm_demo import train
from tqdm_demo.checkpoints.folder import save_clip
from tqdm_demo.config import CLIP_MEAN, CLIP_STD
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.training import metrics_log

CLIP = {
    "embed_dim": 24,
    "vision_cfg": {
        "timm_model_name": "lite0_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": [64, 128],
    },
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
TINY = [
    "--steps", "2", "--batch-size", "2", "--crop", "64", "--evaluate-every", "2",
    "--save-every", "1", "--log-every", "1", "--warmup-steps", "1", "--validation-scenes", "2",
    "--workers", "0", "--device", "cpu", "--width", "32",
]  # fmt: skip
REIN = ["--object-queries", "6", "--heads", "2", "--points-per-mask", "20", "--mask-layers", "2",
        "--pixel-feed-forward", "24", "--mask-feed-forward", "24"]  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips") / "tiny-lite"
    torch.manual_seed(5)
    about = {"clip": CLIP, "image_mean": CLIP_MEAN, "image_std": CLIP_STD, "input_size": (64, 128)}
    model = open_clip.CLIP(**CLIP)
    for module in model.visual.trunk.trunk.modules():
        if isinstance(module, torch.nn.Conv2d):  # else hardly anything arrives at the last layers
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    save_clip(model, folder, about)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder set of striped pictures of three classes."""
    root = tmp_path_factory.mktemp("photos")
    (root / "classes.txt").write_text("grass\nsky\ncow\n")
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for number in range(3):
            labels = np.tile(np.arange(96) // 32, (64, 1)).astype(np.uint8)
            image = np.repeat(labels[..., None] * 80 + number, 3, -1)
            Image.fromarray(image).save(root / "images" / split / f"{number}.png")
            Image.fromarray(labels).save(root / "labels" / split / f"{number}.png")
    return root


def run(clip, photos, folder, preset, *more):
    train.main(["--preset", preset, "--clip", str(clip), "--data-root", str(photos), "--cache",
                str(folder / "pools"), "--out", str(folder / preset), "--work",
                str(folder / "work"), *TINY, *more])  # fmt: skip
    return folder / preset


@pytest.mark.parametrize(
    ("preset", "options", "terms"),
    [
        ("photos-rein", REIN, {"classes", "masks", "dice"}),
        (
            "photos-tldr",
            ["--styles", "folder::train"],
            {"content", "stylised", "regularisation", "generalisation"},
        ),
    ],
)
def test_a_training_ends_in_a_checkpoint_that_is_served(
    clip, photos, tmp_path, monkeypatch, preset, options, terms
):
    monkeypatch.setattr(metrics_log, "draw_curves", lambda found, file: file.touch())
    out = run(clip, photos, tmp_path, preset, *options)
    records = [
        json.loads(x) for x in (tmp_path / "work" / "metrics.jsonl").read_text().split("\n") if x
    ]
    assert set(records[0]["terms"]) == terms
    predictor = Predictor.load(str(out), "cpu")
    assert predictor.kind == preset.removeprefix("photos-")
    assert predictor.default_names == ("grass", "sky", "cow")
    picture = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    found = predictor.segment(picture, ["cow", "zebra"])
    assert found.missing == ((), ("zebra",)) and set(np.unique(found.label_map)) <= {0, 255}
    card = (out / "README.md").read_text()
    assert "arXiv" in card and "and synonyms of them" in card
    assert str(photos) not in card + (out / "config.json").read_text()


def test_a_frozen_tower_that_lies_beside_is_not_stored_twice(clip, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(metrics_log, "draw_curves", lambda found, file: file.touch())
    out = clip.parent / "rein"
    train.main(["--preset", "photos-rein", "--clip", str(clip), "--data-root", str(photos),
                "--cache", str(tmp_path / "pools"), "--out", str(out), "--work",
                str(tmp_path / "work"), *TINY, *REIN])  # fmt: skip
    tower = (clip / "model.safetensors").stat().st_size
    assert (out / "model.safetensors").stat().st_size < tower / 2
    assert Predictor.load(str(out), "cpu").model.network.config.image_tower == "tiny-lite"


def test_fewer_queries_than_classes_are_refused(clip, photos, tmp_path):
    with pytest.raises(SystemExit, match="object_queries is 2 for 3 classes"):
        run(clip, photos, tmp_path, "photos-rein", *REIN, "--object-queries", "2")
