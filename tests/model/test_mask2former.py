import dataclasses

import pytest
import torch
import torch.nn.functional as F

from tests.conftest import TINY_REIN
from tqdm_demo.model.mask2former import ReinSegmenter, semantic_scores
from tqdm_demo.model.mask_decoder import MaskPrediction

SOMA = dataclasses.replace(TINY_REIN, reins_rank=0)


@pytest.fixture(params=[TINY_REIN, SOMA], ids=["rein", "soma"])
def segmenter(request):
    torch.manual_seed(3)
    return ReinSegmenter(request.param).eval()


@torch.inference_mode()
def test_scores_have_the_size_of_the_picture(segmenter):
    for height, width in ((64, 64), (64, 96), (48, 32)):
        scores = segmenter(torch.randn(2, 3, height, width))
        assert scores.shape == (2, 3, height, width) and scores.min() >= 0


@torch.inference_mode()
def test_the_pyramid_has_strides_4_to_32(segmenter):
    levels = segmenter.backbone(torch.randn(1, 3, 64, 96))
    assert [tuple(level.shape) for level in levels] == [
        (1, 48, 16, 24), (1, 48, 8, 12), (1, 48, 4, 6), (1, 48, 2, 3)
    ]  # fmt: skip


@torch.inference_mode()
def test_positions_are_the_tables_own_at_the_trained_size(segmenter):
    backbone = segmenter.backbone
    assert backbone._positions(torch.Size((4, 4))) is backbone.vit.pos_embed
    wide = backbone._positions(torch.Size((4, 6)))
    assert wide.shape == (1, 25, 48)
    assert torch.equal(wide[:, 0], backbone.vit.pos_embed[:, 0])


@torch.inference_mode()
def test_the_four_levels_come_from_their_blocks(segmenter):
    pixels = torch.randn(1, 3, 64, 64)
    before = segmenter.backbone(pixels)
    for parameter in segmenter.backbone.vit.blocks[2].parameters():
        parameter.mul_(1.5)
    after = segmenter.backbone(pixels)
    changed = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert changed == [False, False, True, True]


def test_queries_come_from_the_reins_or_are_learned():
    rein, soma = ReinSegmenter(TINY_REIN), ReinSegmenter(SOMA)
    contents, positions = rein.queries()
    assert contents.shape == positions.shape == (7, 32)
    torch.testing.assert_close(contents, rein.query_projection(positions))
    assert soma.queries() == (soma.query_features, soma.query_positions)
    assert rein.query_features is None and soma.query_projection is None


def test_masks_are_resized_before_the_sigmoid():
    logits = torch.tensor([[[[-8.0, 8.0]]]])  # one query, two pixels
    classes = torch.tensor([[[5.0, 1.0, 0.0]]])  # two classes and "no object"
    found = semantic_scores(MaskPrediction(classes, logits, torch.zeros(1, 1, 4)), (1, 4))
    resized = F.interpolate(logits, (1, 4), mode="bilinear", align_corners=False)[0, 0, 0]
    shares = classes.softmax(-1)[0, 0, :2]
    torch.testing.assert_close(found[0, :, 0], shares[:, None] * resized.sigmoid())


def test_the_memories_are_not_normalised(segmenter):
    assert isinstance(segmenter.pixel_decoder.post_norm, torch.nn.Identity)
