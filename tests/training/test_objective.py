"""The objective on a tiny segmenter: its terms, its gradients, its measuring."""

import dataclasses

import numpy as np
import open_clip
import pytest
import torch

from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.data.augmentation import Batch
from tqdm_demo.data.datasets import LabelledPicture
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.training.losses import Targets, count_targets
from tqdm_demo.training.objective import Objective
from tqdm_demo.training.optimizer import make_optimizer, set_learning_rates

CLIP = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 24, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
TEXTUAL = ModelConfig(clip=CLIP, class_names=("road", "sky", "car"), prompt_length=2,
                      text_positions=16, pyramid_blocks=(0, 1, 2, 3), width=32, heads=2, points=2,
                      feed_forward=40, pixel_layers=1, mask_layers=2, context_width=16,
                      context_heads=2, context_layers=1, input_size=(32, 64))  # fmt: skip
LEARNED = dataclasses.replace(TEXTUAL, queries="learned", text_to_pixel=False,
                              context_decoder=False, prompt_length=0)  # fmt: skip
CONFIG = TrainConfig(points_per_mask=20, learning_rate=1e-3, warmup_steps=0, steps=10,
                     weight_visual=7.0)  # fmt: skip


def make(model):
    torch.manual_seed(0)
    segmenter = Segmenter.from_clip(model, open_clip.CLIP(**CLIP)).train()
    return segmenter, Objective(segmenter, CONFIG)


def losses(objective, batch):
    return objective.losses(batch, Targets.whole(batch.labels))


@pytest.fixture
def batch():
    torch.manual_seed(1)
    labels = torch.randint(0, 3, (2, 32, 32))
    labels[1, :4] = 255
    return Batch(torch.randn(2, 3, 32, 32), labels)


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        (TEXTUAL, {"classes", "masks", "dice", "textual", "visual", "pixel_text"}),
        (LEARNED, {"classes", "masks", "dice", "visual"}),
    ],
)
def test_terms_and_gradients(batch, model, terms):
    segmenter, objective = make(model)
    found = losses(objective, batch)
    assert set(found) == terms
    assert all(term.ndim == 0 and term.isfinite() for term in found.values())
    sum(found.values()).backward()
    dead = [
        name
        for name, p in segmenter.named_parameters()
        if p.requires_grad and p.numel() and (p.grad is None or not p.grad.any())
    ]
    # The offsets' weights start at 0: without text-to-pixel attention no query gets a gradient yet.
    assert set(dead) <= (set() if model is TEXTUAL else {"pixel_decoder.level_positions"})


def test_the_visual_reference_is_the_encoder_before_training(batch):
    segmenter, _ = make(LEARNED)
    segmenter.eval()
    objective = Objective(segmenter, dataclasses.replace(CONFIG, fix_upstream_quirks=True))
    assert losses(objective, batch)["visual"].item() == pytest.approx(0, abs=1e-9)
    with torch.no_grad():
        segmenter.image_encoder.tower.proj *= 2
    assert losses(objective, batch)["visual"].item() > 0.01


def test_a_step_leaves_the_text_tower_and_the_references_alone(batch):
    segmenter, objective = make(TEXTUAL)
    before = {name: value.clone() for name, value in segmenter.state_dict().items()}
    reference = [p.clone() for p in objective._reference.parameters()]
    optimizer = make_optimizer(segmenter, CONFIG)
    set_learning_rates(optimizer, 0, CONFIG)
    sum(losses(objective, batch).values()).backward()
    optimizer.step()
    moved = {name for name, value in segmenter.state_dict().items() if value.ne(before[name]).any()}
    assert not any(name.startswith("text_encoder.tower") for name in moved)
    assert {"text_encoder.prompt", "image_encoder.tower.proj"} <= moved
    assert all(map(torch.equal, reference, objective._reference.parameters()))


def test_a_frozen_tower_needs_no_copy_and_stays(batch):
    segmenter = Segmenter(TEXTUAL)
    objective = Objective(segmenter, dataclasses.replace(CONFIG, backbone_factor=0.0))
    terms = losses(objective, batch)
    assert terms["visual"].item() == 0
    sum(terms.values()).backward()
    learns = {
        part: {p.grad is not None for p in getattr(segmenter.image_encoder, part).parameters()}
        for part in ("tower", "pyramid")
    }
    assert learns == {"tower": {False}, "pyramid": {True}}


def test_the_reference_text_is_the_published_sentence_without_the_prompt():
    segmenter, objective = make(TEXTUAL)
    tokens = open_clip.SimpleTokenizer(context_length=16)("a clean origami of a sky")
    wanted = segmenter.encode_text(tokens, with_prompt=False)[0]
    cosine = torch.cosine_similarity(objective._reference_text[1], wanted, dim=0)
    assert cosine.item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(objective._reference_text.norm(dim=-1), torch.ones(3))


@pytest.mark.parametrize("model", [TEXTUAL, LEARNED])
def test_measuring_pictures_of_several_sizes(model):
    segmenter, objective = make(model)
    segmenter.eval()
    rng = np.random.default_rng(0)
    pictures = []
    for shape in ((32, 64), (32, 64), (40, 30)):
        labels = rng.choice(np.array([0, 2, 255], np.uint8), shape)
        pictures.append(LabelledPicture(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), labels))
    confusion = objective.measure(pictures)
    assert confusion.counts.sum() == sum((p.labels != 255).sum() for p in pictures)
    assert confusion.counts[:, 1].sum() == 0  # sky is in no label: never an answer
    one_by_one = sum(objective.measure([p]).counts for p in pictures)
    np.testing.assert_array_equal(confusion.counts, one_by_one)


def test_bfloat16_gives_nearly_the_same(batch):
    segmenter, objective = make(TEXTUAL)
    segmenter.eval()
    full = losses(objective, batch)
    half = losses(Objective(segmenter, dataclasses.replace(CONFIG, bfloat16=True)), batch)
    for name in ("classes", "textual", "pixel_text"):
        assert half[name].item() == pytest.approx(full[name].item(), rel=0.05)


def test_the_reference_is_in_training_mode_as_published_and_not_if_quirks_are_fixed(batch):
    segmenter = Segmenter(dataclasses.replace(TEXTUAL, drop_path=0.5)).eval()
    published = Objective(segmenter, CONFIG)
    fixed = Objective(segmenter, dataclasses.replace(CONFIG, fix_upstream_quirks=True))
    torch.manual_seed(0)
    assert losses(fixed, batch)["visual"].item() == pytest.approx(0, abs=1e-9)
    assert losses(published, batch)["visual"].item() > 1e-6


@pytest.mark.parametrize("fixed", [False, True])
def test_accumulated_gradients_are_those_of_the_larger_batch(fixed):
    """With batch norm at rest; at work it sees the pictures of one part at a time."""
    config = dataclasses.replace(TEXTUAL, context_decoder=False, drop_path=0.0)
    torch.manual_seed(0)
    segmenter = Segmenter(config).eval()
    objective = Objective(segmenter, dataclasses.replace(CONFIG, fix_upstream_quirks=fixed))
    labels, seeds = torch.randint(0, 3, (4, 32, 32)), [1, 2, 3, 4]
    labels[0, :9], labels[1], labels[2, 3:] = 255, 1, 2
    pixels = torch.randn(4, 3, 32, 32)

    def gradients(parts):
        counts = torch.stack([count_targets(labels[part]) for part in parts]).mean(0)
        segmenter.zero_grad()
        for part in parts:
            targets = Targets(labels[part], *counts, seeds[part])
            terms = objective.losses(Batch(pixels[part], labels[part]), targets)
            (sum(terms.values()) / len(parts)).backward()
        return {n: p.grad.clone() for n, p in segmenter.named_parameters() if p.grad is not None}

    whole = gradients([slice(0, 4)])
    parts = gradients([slice(0, 2), slice(2, 4)])
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_measuring_in_windows(batch):
    """As far as one window goes it is the single pass; a wide picture takes several."""
    model = dataclasses.replace(TEXTUAL, input_size=(32, 32))
    torch.manual_seed(0)
    segmenter = Segmenter(model).eval()
    single = Objective(segmenter, CONFIG)
    segmenter.config = dataclasses.replace(model, window_stride=21)
    windowed = Objective(segmenter, CONFIG)
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (32, 32)).astype(np.uint8)
    picture = LabelledPicture(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), labels)
    segmenter.config = model
    expected = single.measure([picture]).counts
    segmenter.config = dataclasses.replace(model, window_stride=21)
    agree = np.minimum(windowed.measure([picture]).counts, expected).sum() / expected.sum()
    assert agree > 0.99  # scores that tie to rounding may fall either way
    seen, encode = [], segmenter.encode_image
    segmenter.encode_image = lambda pixels: seen.append(len(pixels)) or encode(pixels)
    wide = LabelledPicture(rng.integers(0, 256, (40, 75, 3), dtype=np.uint8),
                           rng.choice(np.array([0, 2, 255], np.uint8), (40, 75)))  # fmt: skip
    counts = windowed.measure([wide]).counts
    assert sum(seen) == 2 * 4
    assert counts.sum() == (wide.labels != 255).sum() and counts[:, 1].sum() == 0
