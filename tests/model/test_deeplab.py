import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.model.deeplab import DeepLabHead, DeepLabV3Plus
from tqdm_demo.rival_config import DeepLabConfig

CONFIG = DeepLabConfig(
    class_names=("a", "b", "c"), width=6, skip_width=5, dilations=(2, 3), dropout=0.5
)
CHANNELS = (4, 7, 9)


@pytest.fixture
def head():
    torch.manual_seed(2)
    return DeepLabHead(CONFIG, CHANNELS).eval()


def test_logits_have_the_finest_levels_size(head):
    fine, coarse = torch.randn(2, 4, 12, 20), torch.randn(2, 9, 6, 10)
    assert head([fine, torch.zeros(2, 7, 6, 10), coarse]).shape == (2, 3, 12, 20)


def test_only_the_finest_and_the_coarsest_level_are_read(head):
    fine, coarse = torch.randn(1, 4, 8, 8), torch.randn(1, 9, 4, 4)
    one = head([fine, torch.zeros(1, 7, 4, 4), coarse])
    other = head([fine, torch.ones(1, 7, 4, 4), coarse])
    assert torch.equal(one, other)


def test_the_decoder_comes_before_the_skip(head):
    fine, context = torch.randn(1, 4, 8, 8), torch.randn(1, 6, 4, 4)
    enlarged = F.interpolate(context, (8, 8), mode="bilinear", align_corners=False)
    expected = head.fuse(torch.cat((enlarged, head.skip(fine)), dim=1))
    torch.testing.assert_close(head.fused(fine, context), expected)


def test_the_pooled_branch_sees_the_whole_level(head):
    coarse = torch.randn(1, 9, 6, 6)
    before = head.context(coarse)[..., 0, 0]
    coarse[..., -1, -1] += 100  # far outside of every other branch's reach
    assert not torch.allclose(head.context(coarse)[..., 0, 0], before)


def test_the_backbone_keeps_stride_8():
    network = DeepLabV3Plus(DeepLabConfig(class_names=("a", "b"), backbone="resnet50c")).eval()
    with torch.inference_mode():
        levels = network.backbone(torch.zeros(1, 3, 64, 96))
    assert [tuple(level.shape[2:]) for level in levels] == [(16, 24), (8, 12), (8, 12), (8, 12)]
    assert [level.shape[1] for level in levels] == [256, 512, 1024, 2048]
