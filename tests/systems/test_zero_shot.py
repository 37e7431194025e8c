"""Dense similarity against open_clip's own modules and against slow, literal versions."""

import math

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.systems.tokens import check_tokens
from tqdm_demo.systems.zero_shot import (
    METHODS,
    TEMPLATES,
    ZeroShotModel,
    default_method,
    dense_embeddings,
    methods_of,
)

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VIT = {"image_size": 48, "patch_size": 16, "width": 32, "layers": 3, "head_width": 16}
NATIVE = {"embed_dim": 20, "vision_cfg": VIT, "text_cfg": TEXT}
TIMM = {
    "embed_dim": 20,
    "vision_cfg": {
        "timm_model_name": "streets_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": [128, 256],
    },
    "text_cfg": TEXT,
}
EVA = {
    "embed_dim": 20,
    "vision_cfg": {
        "timm_model_name": "eva02_tiny_patch14_224",
        "timm_pool": "token",
        "timm_proj": None,
        "image_size": 224,
    },
    "text_cfg": TEXT,
}
SIZES = {16: ((48, 48), (80, 112), (16, 64)), 8: ((32, 48), (40, 72))}
BUILDS = [(NATIVE, 16, size) for size in SIZES[16]] + [(TIMM, 8, size) for size in SIZES[8]]
IDS = [f"{'native' if patch == 16 else 'timm'}-{h}x{w}" for _, patch, (h, w) in BUILDS]


def build(config: dict) -> open_clip.CLIP:
    torch.manual_seed(4)
    clip = open_clip.CLIP(**config).eval()
    for parameter in clip.visual.parameters():  # fresh biases are zero, which would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=parameter.mean().item(), std=0.2)
    return clip


def model_of(config: dict, method: str | None = None) -> ZeroShotModel:
    settings = {"image_mean": (0.5,) * 3, "image_std": (0.5,) * 3, "input_size": (48, 96)}
    return ZeroShotModel(build(config), settings, method)


def random_pixels(size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))


def visual_for(clip: open_clip.CLIP, size: tuple[int, int]) -> torch.nn.Module:
    """The same native tower, built by open_clip for another input size."""
    state = clip.visual.state_dict()
    grid = (size[0] // 16, size[1] // 16)
    table = state["positional_embedding"]
    patches = table[1:].T.reshape(1, 32, 3, 3)
    patches = F.interpolate(patches, grid, mode="bilinear", align_corners=False)
    state["positional_embedding"] = torch.cat((table[:1], patches.reshape(32, -1).T))
    vision = {**VIT, "image_size": size}
    tower = open_clip.CLIP(**{**NATIVE, "vision_cfg": vision}).visual.eval()
    tower.load_state_dict(state)
    return tower


@pytest.mark.parametrize("size", SIZES[16])
@torch.inference_mode()
def test_plain_is_open_clips_own_computation_at_any_size(size):
    clip = build(NATIVE)
    tower = visual_for(clip, size)
    found = tower.forward_intermediates(
        random_pixels(size), indices=1, normalize_intermediates=True, intermediates_only=True
    )
    expected = torch.einsum("behw,ed->bdhw", found["image_intermediates"][0], tower.proj)
    assert expected.shape == (2, 20, size[0] // 16, size[1] // 16)
    assert torch.allclose(dense_embeddings(clip.visual, random_pixels(size)), expected, atol=1e-5)


@torch.inference_mode()
def test_plain_of_an_average_pooled_tower_means_the_image_embedding():
    clip = build(TIMM)
    pixels = random_pixels((128, 256))
    dense = dense_embeddings(clip.visual, pixels)
    assert torch.allclose(dense.mean(dim=(2, 3)), clip.encode_image(pixels), atol=1e-4)


def literal(tokens, norm, weight, bias, output, heads, method) -> torch.Tensor:
    """The last block of one picture (N, E), token by token and head by head."""
    tokens = norm(tokens)
    width = tokens.shape[1]
    queries = tokens @ weight[:width].T + bias[:width]
    values = tokens @ weight[2 * width :].T + bias[2 * width :]
    side = width // heads
    rows = []
    for i in range(len(tokens)):
        parts = []
        for head in range(heads):
            own = slice(head * side, (head + 1) * side)
            if method == "maskclip":
                parts.append(values[i, own])
                continue
            logits = [float(queries[i, own] @ q) / math.sqrt(side) for q in queries[:, own]]
            largest = max(logits)
            shares = [math.exp(logit - largest) for logit in logits]
            total = sum(shares)
            parts.append(sum(s / total * v for s, v in zip(shares, values[:, own], strict=True)))
        rows.append(output(torch.cat(parts)))
    return torch.stack(rows)


@pytest.mark.parametrize(("config", "patch", "size"), BUILDS, ids=IDS)
@pytest.mark.parametrize("method", ["maskclip", "clearclip"])
@torch.inference_mode()
def test_the_last_block_is_what_the_papers_say(config, patch, size, method):
    clip, pixels = build(config), random_pixels(size)[:1]
    rows, columns = size[0] // patch, size[1] // patch
    if patch == 16:
        tower = visual_for(clip, size)
        tokens = tower.conv1(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat((tower.class_embedding[None, None], tokens), dim=1)
        tokens = tower.ln_pre(tokens + tower.positional_embedding)
        *blocks, last = tower.transformer.resblocks
        norm, attention = last.ln_1, last.attn
        weight, bias, output = attention.in_proj_weight, attention.in_proj_bias, attention.out_proj
    else:
        trunk = clip.visual.trunk
        tokens = trunk._pos_embed(trunk.patch_embed(pixels))
        *blocks, last = trunk.blocks
        norm, attention = last.norm1, last.attn
        weight, bias, output = attention.qkv.weight, attention.qkv.bias, attention.proj
    for block in blocks:
        tokens = block(tokens)
    tokens = literal(tokens[0], norm, weight, bias, output, attention.num_heads, method)
    if patch == 16:
        expected = (tower.ln_post(tokens) @ tower.proj)[1:]
    else:
        expected = clip.visual.head(trunk.norm(tokens))
    found = dense_embeddings(clip.visual, pixels, method)
    assert found.shape == (1, 20, rows, columns)
    assert torch.allclose(found[0].flatten(1).T, expected, atol=2e-5)
    assert not torch.allclose(found, dense_embeddings(clip.visual, pixels), atol=1e-2)


def test_the_default_suits_the_tower():
    native, timm, eva = (build(config).visual for config in (NATIVE, TIMM, EVA))
    assert [default_method(tower) for tower in (native, timm, eva)] == ["clearclip", *["plain"] * 2]
    assert methods_of(native) == methods_of(timm) == METHODS
    assert methods_of(eva) == ("plain",)
    shallow = {**NATIVE, "vision_cfg": {**VIT, "layers": 1}}
    assert default_method(build(shallow).visual) == "plain"


def test_a_similarity_that_does_not_apply_is_refused():
    assert model_of(TIMM, "clearclip").method == "clearclip"
    with pytest.raises(ValueError, match="'clearclip' does not apply to this tower; use plain"):
        model_of(EVA, "clearclip")


@pytest.mark.parametrize(
    ("config", "patch", "method"),
    [(NATIVE, 16, "clearclip"), (TIMM, 8, "plain")],
    ids=["native", "timm"],
)
@torch.inference_mode()
def test_similarity_is_the_cosine_of_patches_and_names(config, patch, method):
    model = model_of(config)
    assert model.size_multiple == patch and model.method == method
    assert model.input_size == (48, 96) and model.known_words == frozenset()
    pixels = random_pixels((48, 96))
    features = model.encode_image(pixels)
    assert features.shape == (2, 20, 48 // patch, 96 // patch)
    names = ["road", "traffic light", "sky"]
    answer = model.answer(features, model.encode_names(names), names)
    assert answer.similarity.shape == (2, 3, 48 // patch, 96 // patch)
    token = dense_embeddings(model.clip.visual, pixels, method)[1, :, 1, 2]
    by_hand = F.cosine_similarity(token[None], model.encode_names(["sky"]))
    assert answer.similarity[1, 2, 1, 2].item() == pytest.approx(by_hand.item(), abs=1e-5)
    np.testing.assert_allclose(answer.scores * 2 - 1, answer.similarity, atol=1e-5)
    assert model.nearest_classes(names, model.encode_names(names)) == (None, None, None)


@torch.inference_mode()
def test_a_name_is_the_mean_over_the_templates():
    model = model_of(TIMM)
    tokenizer = open_clip.SimpleTokenizer(context_length=16)
    texts = tokenizer([template.format("car") for template in TEMPLATES])
    mean = model.clip.encode_text(texts, normalize=True).mean(dim=0)
    found = model.encode_names(["sky", "car"])[1]
    assert torch.allclose(found, mean / mean.norm(), atol=1e-5)


def test_names_must_fit_into_every_template():
    model = model_of(TIMM)
    assert model.longest_name == 16 - 2 - 4
    check_tokens(["tree " * 10], model.longest_name)
    with pytest.raises(ValueError, match="up to 10 tokens: “tree tree.*” has 11"):
        check_tokens(["road", "tree " * 11], model.longest_name)
