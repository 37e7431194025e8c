"""Towers of a CLIP in training, and its dense zero-shot figures."""

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.pretrain import CLIP_CONFIG
from tqdm_demo.pretraining import validation
from tqdm_demo.pretraining.validation import Check, encode_captions, normalised, zero_shot_miou
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.systems.zero_shot import dense_embeddings


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    return open_clip.CLIP(**CLIP_CONFIG).eval()


def test_short_captions_are_encoded_as_open_clip_does(clip):
    tokens = open_clip.SimpleTokenizer(context_length=24)(["a car", "an oil painting of a bus"])
    assert torch.allclose(encode_captions(clip, tokens), clip.encode_text(tokens), atol=1e-5)


def test_normalised_pixels():
    pixels = normalised(torch.tensor([[[[0, 127, 255]] * 3] * 2], dtype=torch.uint8))
    assert pixels.shape == (1, 3, 2, 3)
    assert pixels[0, :, 0, 0].tolist() == pytest.approx([-127 / 128, 0, 1], abs=1e-6)


def test_miou_is_that_of_the_nearest_name(clip, monkeypatch):
    """The labels are made from the model's own similarities, so the figure must be 100."""
    names = {0: "road", 10: "sky", 21: "sheep"}
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), np.uint8)
    with torch.inference_mode():
        dense = dense_embeddings(clip.visual, normalised(torch.from_numpy(images)))
        dense = F.normalize(dense, dim=1)
    # Three tokens stand for the names: an untrained CLIP finds one name everywhere.
    texts = torch.stack([dense[0, :, 0, 0], dense[0, :, 4, 9], dense[1, :, 6, 2]])
    monkeypatch.setattr(validation, "name_embeddings", lambda clip, asked: texts)
    similarity = torch.einsum("bdhw,kd->bkhw", dense, texts)
    nearest = F.interpolate(similarity, (64, 96), mode="bilinear").argmax(1).numpy()
    labels = np.array(list(names), np.uint8)[nearest]
    labels[:, :2] = 5  # a class without a name has no part
    assert len(np.unique(labels)) == 4
    pictures = Pictures(images, labels, [("game", "a game of")] * 2)
    assert zero_shot_miou(clip, Check([pictures], names), 64 * 96, 16) == pytest.approx(100)
    half = Pictures(images[:1], labels[:1, :, ::-1], pictures.domains[:1])
    assert zero_shot_miou(clip, Check([pictures, half], names), 64 * 96, 16) < 90
