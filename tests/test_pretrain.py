"""The pre-training program, from the command line to a CLIP folder, on a few small pictures."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo import pretrain
from tqdm_demo.checkpoints.folder import load_clip, save_clip
from tqdm_demo.data import street_pool
from tqdm_demo.data.street_pool import mapper
from tqdm_demo.model.imagenet_trunk import ImagenetTrunk
from tqdm_demo.pretraining import batches, photo_pool, pools
from tqdm_demo.pretraining.clip_pictures import photo_shares, picture_shares
from tqdm_demo.pretraining.clip_steps import TRUNK, optimizers, rate_factor, restore
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT


@pytest.fixture
def quick(monkeypatch):
    """Two domains to train on and to check, small views."""
    monkeypatch.setattr(pools, "seen_domains", lambda: ["game", "fog"])
    monkeypatch.setattr(pools, "STYLES", ("fog", "oil"))
    monkeypatch.setattr(pools, "CHECKED_SCENES", 1)
    few = {name: DOMAINS[name] for name in ("game", "fog", *HELD_OUT)}
    monkeypatch.setattr(pools, "DOMAINS", few)
    for module in (street_pool, photo_pool):  # paint in this process
        monkeypatch.setattr(module, "mapper", lambda workers: mapper(0))
    monkeypatch.setattr(batches, "VIEW_SIZES", ((64, 96),))
    monkeypatch.setattr(pretrain, "INPUT", (64, 128))


def options(tmp_path, *more):
    return [
        *("--out", str(tmp_path / "clip"), "--cache", str(tmp_path / "pools"), "--device", "cpu"),
        *("--scenes", "2", "--batch-size", "3", "--regions", "4", "--workers", "0"),
        *("--no-trunk", *more),
    ]


@pytest.mark.slow
def test_training_stops_resumes_and_writes_a_clip_that_loads(tmp_path, quick, capsys):
    pretrain.main(options(tmp_path, "--steps", "2", "--save-every", "1"))
    first = load_clip(tmp_path / "clip")[0].state_dict()
    pretrain.main(options(tmp_path, "--steps", "3", "--save-every", "1", "--resume"))
    clip, about = load_clip(tmp_path / "clip")
    moved = [n for n, v in clip.state_dict().items() if not torch.equal(v, first[n])]
    assert "visual.head.proj.weight" in moved
    assert f"{TRUNK}stem.weight" in moved  # random values, which have to learn
    records = about["results"]["while_training"]
    assert [r["step"] for r in records] == [2, 3]
    assert {"game", "mosaic", "unseen", "held_out"} <= set(records[-1]["zero_shot_miou"])
    assert {"automobile", "foggy"} & set(about["words"])
    assert not set(HELD_OUT) & set(about["provenance"]["domains"])
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["steps"] == 2


def test_steps_are_the_same_whoever_draws_them(tmp_path, quick):
    config = PretrainConfig(scenes=2, batch_size=3, regions=4)
    found = pools.open_pools("", config, tmp_path, workers=0)
    tokenizer = pretrain.open_clip.SimpleTokenizer(context_length=24)
    steps = batches.Batches(found, found.street_shares({}, 8.0), 64 * 128, tokenizer, config)
    here, there = list(steps.draw(range(3, 6), 0)), list(steps.draw(range(3, 6), 2))
    assert len(here) == len(there) == 3
    for own, other in zip(here, there, strict=True):
        assert torch.equal(own.views.images, other.views.images)
        assert np.array_equal(own.boxes, other.boxes)
        assert torch.equal(own.tokens, other.tokens) and torch.equal(own.fits, other.fits)
    assert not torch.equal(here[0].views.images, here[1].views.images)


@pytest.mark.slow
def test_a_clip_is_trained_on_from_an_earlier_one(tmp_path, quick):
    pretrain.main(options(tmp_path, "--steps", "1"))
    earlier = tmp_path / "clip"
    start = pretrain.start_clip(str(earlier), trunk=False)
    assert start.training and all(p.requires_grad for p in start.parameters())
    stored = load_clip(earlier)[0].state_dict()
    assert all(torch.equal(v, stored[n]) for n, v in start.state_dict().items())
    # Another seed: a new CLIP would start far away. The rates are too small to move anything.
    rest = ("--steps", "1", "--init", str(earlier), "--out", str(tmp_path / "later"), "--seed", "1")
    pretrain.main(
        options(tmp_path, *rest, "--muon-learning-rate", "1e-9", "--learning-rate", "1e-9")
    )
    later, about = load_clip(tmp_path / "later")
    assert about["provenance"]["init"] == "clip"
    moves = [(v - stored[n]).abs().max().item() for n, v in later.state_dict().items()]
    assert max(moves) < 1e-2


def test_an_earlier_clip_of_another_kind_is_refused(tmp_path):
    config = {**pretrain.CLIP_CONFIG, "embed_dim": 64}
    about = {"clip": config, "image_mean": (0.5,) * 3, "image_std": (0.5,) * 3}
    about |= {"input_size": (64, 128)}
    save_clip(pretrain.open_clip.CLIP(**config), tmp_path / "other", about)
    with pytest.raises(ValueError, match="another architecture"):
        pretrain.start_clip(str(tmp_path / "other"), trunk=False)


def test_resume_without_a_state_says_so(tmp_path):
    clip = pretrain.open_clip.CLIP(**pretrain.CLIP_CONFIG)
    with pytest.raises(ValueError, match="nothing to resume"):
        restore(clip, optimizers(clip, PretrainConfig()), tmp_path / "none.pt")


def test_every_parameter_has_one_optimiser():
    clip = pretrain.open_clip.CLIP(**pretrain.CLIP_CONFIG)
    groups = [g for s in optimizers(clip, PretrainConfig()) for g in s.param_groups]
    ids = [id(p) for g in groups for p in g["params"]]
    assert len(ids) == len(set(ids)) == len(list(clip.parameters()))


def test_rate_rises_and_falls_to_zero():
    config = PretrainConfig(steps=100, warmup_steps=10)
    rates = [rate_factor(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0)
    assert rates[9] == pytest.approx(1.0) and rates[100] == pytest.approx(0, abs=1e-9)


def test_domains_that_lag_are_drawn_more_often():
    pictures = Pictures(
        np.zeros((4, 1)), np.zeros((4, 1)), [("a", ""), ("a", ""), ("b", ""), ("c", "")]
    )
    shares = picture_shares(pictures, {"a": 40.0, "b": 30.0}, softness=10.0)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == shares[1] == shares[3]
    assert shares[2] / shares[0] == pytest.approx(np.e)
    assert np.allclose(picture_shares(pictures, {}, 10.0), 0.25)


def test_photographs_of_rare_classes_and_those_as_they_are_are_drawn_more_often():
    labels = np.array([[[0, 0]], [[0, 255]], [[0, 0]], [[7, 7]]], np.uint8)
    domains = [("real photo", ""), ("oil", ""), ("fog", ""), ("fog", "")]
    weights = photo_shares(Pictures(np.zeros((4, 1)), labels, domains), plain=3.0)
    assert weights[0] == pytest.approx(3 * weights[1]) and weights[1] == weights[2]
    assert weights[3] == pytest.approx(weights[2] * (0.75 / 0.25) ** 0.5)


@pytest.mark.slow
def test_the_trunk_is_frozen_or_learns_at_its_own_rate(tmp_path, quick, monkeypatch):
    torch.manual_seed(8)
    weights = ImagenetTrunk().state_dict()
    monkeypatch.setattr(pretrain, "imagenet_weights", lambda: weights)
    for factor, moves in (("0", False), ("0.5", True)):
        out = tmp_path / f"clip-{factor}"
        pretrain.main(options(tmp_path, "--steps", "1", "--trunk", "--out", str(out),
                              "--trunk-factor", factor))  # fmt: skip
        found = load_clip(out)[0].state_dict()
        stem = found[f"{TRUNK}stem.weight"]
        assert torch.equal(stem, weights["stem.weight"].half().float()) != moves
    clip = pretrain.start_clip(None, trunk=True)
    config = PretrainConfig(trunk_factor=0.5, learning_rate=4e-3)
    groups = optimizers(clip, config)[1].param_groups
    assert [g.get("factor") for g in groups] == [None, None, 0.5]


def test_photographs_are_trained_on_and_checked(tmp_path, quick, capsys):
    for split in ("train", "val"):
        for kind, mode in (("images", "RGB"), ("labels", "L")):
            (tmp_path / "photos" / kind / split).mkdir(parents=True)
            for name in ("a", "b"):
                place = tmp_path / "photos" / kind / split / f"{name}.png"
                Image.new(mode, (96, 64), 1).save(place)
    (tmp_path / "photos" / "classes.txt").write_text("cow\ngrass\n")
    folder = f"folder:{tmp_path / 'photos'}"
    checks = f"{folder}:val:include=a*,{folder}:val:filter=mosaic"
    photos = ("--photos", f"{folder}:train", "--check", checks, "--photo-share", "1")
    pretrain.main(options(tmp_path, "--steps", "1", *photos))
    about = load_clip(tmp_path / "clip")[1]
    (record,) = about["results"]["while_training"]
    assert "folder:photos:val:include=a*" in record["zero_shot_miou"]
    assert "folder:photos:val:filter=mosaic" in record["zero_shot_miou"]
    assert about["provenance"]["photos"] == "folder:photos:train"
    assert {"meadow", "zebra"} <= set(about["words"])


def test_missing_photographs_are_told(tmp_path, quick):
    with pytest.raises(SystemExit, match="nowhere"):
        pretrain.main(options(tmp_path, "--photos", f"folder:{tmp_path / 'nowhere'}"))
    with pytest.raises(SystemExit, match="streets:game is drawn"):
        pretrain.main(options(tmp_path, "--photos", "streets:game"))
