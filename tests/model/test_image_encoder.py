import open_clip
import pytest
import torch
from open_clip.transformer import ResidualAttentionBlock
from timm.layers import DropPath

from tqdm_demo.model.image_encoder import ImageEncoder, Pyramid, resize_positions

TIMM_CLIP = {
    "embed_dim": 20,
    "vision_cfg": {"timm_model_name": "streets_vit", "timm_pool": "avg", "timm_proj": "linear"},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture
def timm_tower() -> torch.nn.Module:
    torch.manual_seed(1)
    return open_clip.CLIP(**TIMM_CLIP).visual.eval()


def test_open_clips_own_tower_is_run_as_open_clip_runs_it(clip):
    encoder = ImageEncoder(clip.visual, (0, 2, 3, 4)).eval()
    pixels = torch.randn(2, 3, 48, 48)
    features = encoder(pixels)
    torch.testing.assert_close(features.global_embedding, clip.encode_image(pixels))
    expected = clip.visual.forward_intermediates(pixels, indices=[0, 2, 3, 4])
    for ours, theirs in zip(
        encoder.run_tower(pixels).blocks, expected["image_intermediates"], strict=True
    ):
        torch.testing.assert_close(ours, theirs)
    clip.visual.output_tokens = True
    tokens = clip.visual(pixels)[1] @ clip.visual.proj
    torch.testing.assert_close(features.dense.flatten(2).transpose(1, 2), tokens)


@pytest.mark.parametrize("height, width", [(48, 48), (32, 64), (72, 40)])
def test_the_pyramid_has_four_scales_of_the_patch_grid(clip, height, width):
    encoder = ImageEncoder(clip.visual, (0, 2, 3, 4)).eval()
    features = encoder(torch.randn(2, 3, height, width))
    h, w = height // 8, width // 8
    sizes = [tuple(level.shape) for level in features.pyramid]
    assert sizes == [
        (2, 24, 4 * h, 4 * w),
        (2, 24, 2 * h, 2 * w),
        (2, 24, h, w),
        (2, 24, h // 2, w // 2),
    ]
    assert features.dense.shape == (2, 12, h, w) and features.global_embedding.shape == (2, 12)


def test_every_level_reads_its_own_block():
    torch.manual_seed(0)
    pyramid = Pyramid(6).eval()
    blocks = [torch.randn(1, 6, 4, 2) for _ in range(4)]
    before = pyramid(blocks)
    for index in range(4):
        changed = [block + 1 if i == index else block for i, block in enumerate(blocks)]
        after = pyramid(changed)
        same = [torch.equal(x, y) for x, y in zip(before, after, strict=True)]
        assert same == [i != index for i in range(4)]
    assert torch.equal(before[2], blocks[2])
    assert before[3][0, 0, 1, 0] == blocks[3][0, 0, 2:, :].max()


def test_a_timm_tower_is_run_as_open_clip_runs_it(timm_tower):
    encoder = ImageEncoder(timm_tower, (0, 1, 3, 5)).eval()
    pixels = torch.randn(2, 3, 64, 96)
    output = encoder.run_tower(pixels)
    torch.testing.assert_close(output.global_embedding, timm_tower(pixels))
    assert output.dense.shape == (2, 20, 8, 12) and encoder.width == 192
    # Average pooling and a linear head: the mean of the patch embeddings is the global one.
    torch.testing.assert_close(
        output.dense.mean((2, 3)), output.global_embedding, atol=1e-5, rtol=1e-4
    )
    trunk = timm_tower.trunk
    last = trunk.norm(output.blocks[-1].flatten(2).transpose(1, 2))
    torch.testing.assert_close(timm_tower.head(last).transpose(1, 2), output.dense.flatten(2))


def test_positions_are_resized_bilinearly_but_for_the_class_token():
    rows = torch.arange(2.0)[:, None].expand(2, 4).flatten()
    table = torch.cat((torch.tensor([9.0]), rows))[:, None]
    resized = resize_positions(table, (2, 4), (4, 3))
    assert resized.shape == (13, 1) and resized[0] == 9
    expected = torch.tensor([0, 0.25, 0.75, 1])[:, None].expand(4, 3).flatten()
    torch.testing.assert_close(resized[1:, 0], expected)
    assert resize_positions(table, (2, 4), (2, 4)) is table


def test_stochastic_depth_rises_with_the_blocks_and_rests_in_evaluation(clip):
    pixels = torch.randn(1, 3, 48, 48)
    expected = clip.encode_image(pixels)
    names = set(clip.visual.state_dict())
    encoder = ImageEncoder(clip.visual, (0, 2, 3, 4), drop_path=0.8)
    rates = [b.ls_2.drop_prob for b in clip.visual.transformer.resblocks[1:]]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert isinstance(clip.visual.transformer.resblocks[4].ls_1, DropPath)
    assert set(clip.visual.state_dict()) == names
    torch.testing.assert_close(encoder.eval().run_tower(pixels).global_embedding, expected)
    assert not torch.allclose(encoder.train().run_tower(pixels).global_embedding, expected)


EVA_CLIP = {
    "embed_dim": 20,
    "vision_cfg": {
        "timm_model_name": "eva02_tiny_patch14_224",
        "timm_pool": "token",
        "timm_proj": None,
    },
    "text_cfg": TIMM_CLIP["text_cfg"],
}


def test_a_tower_of_patches_of_14_reads_whole_patches_and_projects_in_its_trunk():
    torch.manual_seed(6)
    tower = open_clip.CustomTextCLIP(**EVA_CLIP).visual.eval()
    tower.set_input_size(56)
    encoder = ImageEncoder(tower, (0, 3, 7, 11)).eval()
    pixels = torch.randn(2, 3, 64, 64)
    output = encoder.run_tower(pixels)
    torch.testing.assert_close(output.global_embedding, tower(pixels[:, :, :56, :56]))
    assert output.dense.shape == (2, 20, 4, 4) and output.blocks[0].shape == (2, 192, 4, 4)
    # The class token and the patch tokens go through the same norm and projection.
    tokens = tower.trunk.forward_features(pixels[:, :, :56, :56])
    expected = tower.trunk.head(tokens[:, 1:]).transpose(1, 2)
    torch.testing.assert_close(output.dense.flatten(2), expected)
    changed = pixels.clone()
    changed[:, :, 56:] += 1
    changed[:, :, :, 56:] += 1
    torch.testing.assert_close(encoder.run_tower(changed).dense, output.dense)


def test_open_clips_blocks_do_without_torchs_short_cut_for_attention():
    """It takes three times as long; the values are the same to rounding."""
    block, tokens = ResidualAttentionBlock(16, 2).eval(), torch.randn(2, 5, 16)
    shortcut = "aten::_native_multi_head_attention"
    found = []
    for taken in (torch.backends.mha.get_fastpath_enabled(), True):
        torch.backends.mha.set_fastpath_enabled(taken)
        with torch.inference_mode(), torch.profiler.profile() as profile:
            found.append(block(tokens))
        torch.backends.mha.set_fastpath_enabled(False)
        assert (shortcut in {event.key for event in profile.key_averages()}) == taken
    torch.testing.assert_close(*found)
