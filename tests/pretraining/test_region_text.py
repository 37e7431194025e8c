"""Regions, their captions, and the loss between them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.pretraining.concepts import CONCEPTS, concept_ids
from tqdm_demo.pretraining.region_text import (
    caption_regions,
    class_shares,
    multi_positive_loss,
    pool_regions,
    sample_regions,
)

PATCH = 4


def batch():
    """Two pictures of 24 x 32 pixels: left road, right sky (first), car (second)."""
    labels = torch.zeros(2, 24, 32, dtype=torch.uint8)
    labels[0, :, 16:], labels[1, :, 16:] = 10, 13
    images = torch.zeros(2, 24, 32, 3, dtype=torch.uint8)
    images[1, :, 16:, 0] = 200
    return images, labels


def test_class_shares_count_pixels_and_leave_out_what_is_not_labelled():
    labels = torch.full((1, 4, 8), 255, dtype=torch.uint8)
    labels[0, :2, :4] = 3
    shares = class_shares(labels, PATCH)
    assert shares.shape == (1, len(CONCEPTS), 1, 2)
    assert shares[0, 3].tolist() == [[0.5, 0.0]]
    assert shares.sum() == 0.5


def test_regions_show_what_lies_in_their_box():
    images, labels = batch()
    regions = sample_regions(labels, images, PATCH, 30, np.random.default_rng(0))
    assert len(regions.boxes) == 62
    for box, classes, colour in zip(regions.boxes, regions.classes, regions.colours, strict=True):
        i, top, left, bottom, right = box * np.array([1, *[PATCH] * 4])
        inside = labels[i // 1, top:bottom, left:right].numpy().ravel()
        counts = np.bincount(inside, minlength=19) / inside.size
        assert counts[classes[0]] == counts.max()
        assert set(classes) == {counts.argmax()} if counts.max() >= 0.6 else len(classes) == 2
        expected = images[i, top:bottom, left:right].float().mean((0, 1))
        assert np.allclose(colour, expected, atol=1e-3)


def test_unlabelled_regions_are_dropped():
    labels = torch.full((1, 8, 12), 255, dtype=torch.uint8)
    images = torch.zeros(1, 8, 12, 3, dtype=torch.uint8)
    assert not len(sample_regions(labels, images, PATCH, 5, np.random.default_rng(0)).boxes)


def test_pooled_box_is_the_mean_of_its_tokens():
    dense = torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    boxes = np.array([[1, 2, 3, 5, 4], [0, 0, 0, 6, 7]])
    pooled = pool_regions(dense, boxes)
    assert torch.allclose(pooled[0], dense[1, :, 2:5, 3:4].mean((1, 2)), atol=1e-5)
    assert torch.allclose(pooled[1], dense[0].mean((1, 2)), atol=1e-5)


def test_captions_fit_by_classes_domain_and_colour():
    images, labels = batch()
    rng = np.random.default_rng(3)
    regions = sample_regions(labels, images, PATCH, 60, rng)
    domains = [("oil", "an oil painting of"), ("fog", "a foggy")]
    captions, fits, unknown = caption_regions(regions, domains, [tuple(range(19))] * 2, rng)
    assert not unknown.any()
    assert fits.shape == (len(regions.boxes), len(captions))
    assert fits.any(0).all() and fits.any(1).all()
    assert any(c.domain for c in captions) and any(c.colour for c in captions)
    for n, classes in enumerate(regions.classes):
        for u, caption in enumerate(captions):
            right_domain = caption.domain in (None, domains[regions.boxes[n, 0]][0])
            if caption.colour is None:
                same = caption.classes == sum(1 << k for k in classes)
                assert fits[n, u] == (same and right_domain)
            elif fits[n, u]:
                assert right_domain


def test_loss_with_one_positive_each_is_clips():
    generator = torch.Generator().manual_seed(1)
    regions, texts = (torch.randn(6, 9, generator=generator) for _ in range(2))
    logits = 7.0 * F.normalize(regions, dim=1) @ F.normalize(texts, dim=1).T
    target = torch.arange(6)
    expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    loss = multi_positive_loss(regions, texts, torch.eye(6, dtype=bool), torch.tensor(7.0))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_loss_is_least_for_embeddings_that_agree_with_the_fits():
    fits = torch.tensor([[1, 1, 0], [0, 0, 1]], dtype=bool)
    texts = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
    right, wrong = torch.eye(2), torch.eye(2).flip(0)
    scale = torch.tensor(20.0)
    assert multi_positive_loss(right, texts, fits, scale) < 0.6
    assert multi_positive_loss(wrong, texts, fits, scale) > 10


def test_what_a_set_does_not_tell_apart_is_no_negative():
    road, sidewalk, sky = concept_ids(["road", "sidewalk", "sky"])
    labels = torch.full((2, 16, 16), road, dtype=torch.uint8)
    labels[1, :, 8:], labels[1, :, :8] = sidewalk, sky
    images = torch.zeros(2, 16, 16, 3, dtype=torch.uint8)
    rng = np.random.default_rng(1)
    regions = sample_regions(labels, images, PATCH, 40, rng)
    labelled = [(road, sky), (road, sidewalk, sky)]
    captions, fits, unknown = caption_regions(regions, [("oil", "")] * 2, labelled, rng)
    for n, (image, classes) in enumerate(zip(regions.boxes[:, 0], regions.classes, strict=True)):
        for u, caption in enumerate(captions):
            perhaps = image == 0 and classes == (road,) and caption.classes >> sidewalk & 1
            assert unknown[n, u] == (perhaps and not fits[n, u])
    assert unknown.any()


def test_a_pair_that_is_unknown_has_no_part_in_the_loss():
    generator = torch.Generator().manual_seed(2)
    regions, texts = (torch.randn(3, 5, generator=generator) for _ in range(2))
    fits, unknown = torch.eye(3, dtype=bool), torch.zeros(3, 3, dtype=bool)
    scale = torch.tensor(9.0)
    unknown[0, 1] = True
    moved = regions.clone()
    plain = multi_positive_loss(regions, texts, fits, scale)
    assert multi_positive_loss(moved, texts, fits, scale, unknown) < plain
