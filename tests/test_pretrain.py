"""The pre-training program, from the command line to a CLIP folder, on a few small pictures."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo import pretrain
from tqdm_demo.checkpoints.folder import load_clip, save_clip
from tqdm_demo.pretraining.clip_pictures import photo_pictures, picture_shares, seen_domains
from tqdm_demo.pretraining.clip_steps import optimizers, rate_factor, restore
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.streets.domains import HELD_OUT


@pytest.fixture
def quick(monkeypatch):
    """Two domains to train on and to check, small views."""
    monkeypatch.setattr(pretrain, "seen_domains", lambda: ["game", "fog"])
    monkeypatch.setattr(pretrain, "VIEW_SIZES", ((48, 64),))
    monkeypatch.setattr(pretrain, "CHECKED_SCENES", 1)


def options(tmp_path, *more):
    return [
        *("--out", str(tmp_path / "clip"), "--cache", str(tmp_path / "pools"), "--device", "cpu"),
        *("--scenes", "2", "--batch-size", "3", "--regions", "4", "--no-bfloat16", *more),
    ]


def test_training_stops_resumes_and_writes_a_clip_that_loads(tmp_path, quick, capsys):
    pretrain.main(options(tmp_path, "--steps", "2", "--save-every", "1"))
    first = load_clip(tmp_path / "clip")[0].state_dict()
    pretrain.main(options(tmp_path, "--steps", "3", "--save-every", "1", "--resume"))
    clip, about = load_clip(tmp_path / "clip")
    moved = [n for n, v in clip.state_dict().items() if not torch.equal(v, first[n])]
    assert "visual.head.proj.weight" in moved
    records = about["results"]["while_training"]
    assert [r["step"] for r in records] == [2, 3]
    assert {"game", "mosaic", "unseen", "held_out"} <= set(records[-1]["zero_shot_miou"])
    assert {"automobile", "foggy"} & set(about["words"])
    assert not set(HELD_OUT) & set(about["provenance"]["domains"])
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["steps"] == 2


def test_a_clip_is_trained_on_from_an_earlier_one(tmp_path, quick):
    pretrain.main(options(tmp_path, "--steps", "1"))
    earlier = tmp_path / "clip"
    start = pretrain.start_clip(str(earlier))
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
    save_clip(pretrain.open_clip.CLIP(**config), tmp_path / "other", {"clip": config})
    with pytest.raises(ValueError, match="another architecture"):
        pretrain.start_clip(str(tmp_path / "other"))


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


def test_photos_come_as_they_are_and_filtered(tmp_path):
    for kind, mode in (("images", "RGB"), ("labels", "L")):
        (tmp_path / kind / "train").mkdir(parents=True)
        Image.new(mode, (64, 48), 7).save(tmp_path / kind / "train" / "a.png")
    pictures = photo_pictures(tmp_path, "train", seed=0, filtered=2)
    assert pictures.images.shape == (3, 192, 256, 3)
    assert (pictures.labels == 7).all()
    assert pictures.domains[0][0] == "real photo"
    assert {d for d, _ in pictures.domains[1:]} <= set(seen_domains())
    assert np.array_equal(pictures.images[0, 0, 0], [7, 0, 0])


def test_domains_that_lag_are_drawn_more_often():
    pictures = Pictures(
        np.zeros((4, 1)), np.zeros((4, 1)), [("a", ""), ("a", ""), ("b", ""), ("c", "")]
    )
    shares = picture_shares(pictures, {"a": 40.0, "b": 30.0}, softness=10.0)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == shares[1] == shares[3]
    assert shares[2] / shares[0] == pytest.approx(np.e)
    assert np.allclose(picture_shares(pictures, {}, 10.0), 0.25)
