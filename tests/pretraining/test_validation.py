"""Towers of a CLIP in training, and its dense zero-shot figures."""

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.pretrain import CLIP_CONFIG
from tqdm_demo.pretraining.validation import encode_captions, normalised, zero_shot_miou
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.systems.zero_shot import dense_embeddings, name_embeddings


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    return open_clip.CLIP(**CLIP_CONFIG).eval()


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
        dense = F.normalize(
            dense_embeddings(clip.visual, normalised(torch.from_numpy(images))), dim=1
        )
        similarity = torch.einsum("bdhw,kd->bkhw", dense, name_embeddings(clip, names))
    labels = F.interpolate(similarity, (32, 64), mode="bilinear").argmax(1).numpy().astype(np.uint8)
    pictures = Pictures(images, labels, [("game", "a game of")] * 2)
    assert zero_shot_miou(clip, pictures, names) == pytest.approx(100)
    # One picture's road is called sky: every figure is known.
    wrong = labels.copy()
    wrong[0][labels[0] == 0] = 1
    assert set(np.unique(wrong)) == {0, 1, 2}, "else the answer is asked of fewer classes"
    (first, _, _), counts = (np.bincount(part.ravel(), minlength=3) for part in (labels[0], labels))
    ious = (1 - first / counts[0], counts[1] / (counts[1] + first), 1)
    pictures = Pictures(images, wrong, pictures.domains)
    assert first > 0
    assert zero_shot_miou(clip, pictures, names) == pytest.approx(100 * np.mean(ious))
