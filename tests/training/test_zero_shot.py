"""Towers of a CLIP in training, and its dense zero-shot figures."""

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.pretrain import CLIP_CONFIG
from tqdm_demo.training.views import Pictures
from tqdm_demo.training.zero_shot import (
    dense_embeddings,
    encode_captions,
    name_embeddings,
    normalised,
    zero_shot_miou,
)


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    return open_clip.CLIP(**CLIP_CONFIG).eval()


def test_mean_of_dense_embeddings_is_open_clips_image_embedding(clip):
    pixels = torch.randn(2, 3, 32, 48)
    dense = dense_embeddings(clip, pixels, 8)
    assert dense.shape == (2, 128, 4, 6)
    assert torch.allclose(dense.mean((2, 3)), clip.encode_image(pixels), atol=1e-5)


def test_short_captions_are_encoded_as_open_clip_does(clip):
    tokens = open_clip.SimpleTokenizer(context_length=24)(["a car", "an oil painting of a bus"])
    assert torch.allclose(encode_captions(clip, tokens), clip.encode_text(tokens), atol=1e-5)


def test_normalised_pixels():
    white = normalised(torch.full((1, 2, 3, 3), 255, dtype=torch.uint8))
    assert white.shape == (1, 3, 2, 3)
    assert white[0, 0, 0, 0].item() == pytest.approx((1 - 0.48145466) / 0.26862954, rel=1e-5)


def test_miou_is_that_of_the_nearest_name(clip):
    """The labels are made from the model's own similarities, so the figure must be 100."""
    names = ("road", "sky", "car")
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 64, 3), np.uint8)
    with torch.inference_mode():
        dense = F.normalize(dense_embeddings(clip, normalised(torch.from_numpy(images)), 8), dim=1)
        similarity = torch.einsum("bdhw,kd->bkhw", dense, name_embeddings(clip, names))
    labels = F.interpolate(similarity, (32, 64), mode="bilinear").argmax(1).numpy().astype(np.uint8)
    pictures = Pictures(images, labels, [("game", "a game of")] * 2)
    assert zero_shot_miou(clip, pictures, names, 8) == pytest.approx(100)
    wrong = Pictures(images, np.roll(labels, 1, 0), pictures.domains)
    assert zero_shot_miou(clip, wrong, names, 8) < 100 or np.array_equal(labels[0], labels[1])
