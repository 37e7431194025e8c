import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.model.image_encoder import ImageEncoder
from tqdm_demo.similarity import TEMPLATES, ZeroShotModel, check_tokens, plain_embeddings

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
NATIVE = {
    "embed_dim": 20,
    "vision_cfg": {"image_size": 48, "patch_size": 16, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": TEXT,
}
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


def build(config: dict) -> ZeroShotModel:
    torch.manual_seed(4)
    settings = {"image_mean": (0.5,) * 3, "image_std": (0.5,) * 3, "input_size": (48, 96)}
    return ZeroShotModel(open_clip.CLIP(**config), settings)


@pytest.mark.parametrize(("config", "patch"), [(NATIVE, 16), (TIMM, 8)], ids=["native", "timm"])
@torch.inference_mode()
def test_similarity_is_the_cosine_of_tokens_and_names(config, patch):
    model = build(config)
    assert model.multiple == patch
    assert model.input_area == 48 * 96 and model.known_words == frozenset()
    pixels = torch.randn(1, 3, 48, 96, generator=torch.Generator().manual_seed(1))
    features = model.encode_image(pixels)
    assert features.shape == (1, 20, 48 // patch, 96 // patch)
    names = ["road", "traffic light", "sky"]
    answer = model.answer(features, model.encode_names(names), names)
    assert answer.similarity.shape == (3, 48 // patch, 96 // patch)
    token = features[0, :, 1, 2]
    by_hand = F.cosine_similarity(token[None], model.encode_names(["sky"]))
    assert answer.similarity[2, 1, 2].item() == pytest.approx(by_hand.item(), abs=1e-5)
    np.testing.assert_allclose(answer.scores * 2 - 1, answer.similarity, atol=1e-5)
    assert answer.leanings == (None, None, None)


@torch.inference_mode()
def test_the_mean_of_average_pooled_tokens_is_the_image_embedding():
    clip = open_clip.CLIP(**TIMM).eval()
    pixels = torch.randn(2, 3, 128, 256, generator=torch.Generator().manual_seed(1))
    dense = ImageEncoder(clip.visual, (0, 0, 0, 0)).eval().run_tower(pixels).dense
    whole = clip.encode_image(pixels)
    assert torch.allclose(dense.mean(dim=(2, 3)), whole, atol=1e-4)
    unit = plain_embeddings(ImageEncoder(clip.visual, (0, 0, 0, 0)).eval(), pixels)
    assert torch.allclose(unit.norm(dim=1), torch.ones(2, 16, 32), atol=1e-5)


@torch.inference_mode()
def test_a_name_is_the_mean_over_the_templates():
    model = build(TIMM)
    tokenizer = open_clip.SimpleTokenizer(context_length=16)
    texts = tokenizer([template.format("car") for template in TEMPLATES])
    mean = model.clip.encode_text(texts, normalize=True).mean(dim=0)
    found = model.encode_names(["sky", "car"])[1]
    assert torch.allclose(found, mean / mean.norm(), atol=1e-5)


def test_names_must_fit_into_every_template():
    model = build(TIMM)
    assert model.longest_name == 16 - 2 - 4
    check_tokens(model.tokenizer, ["tree " * 10], model.longest_name)
    with pytest.raises(ValueError, match="11 pieces of words, 10 at most"):
        check_tokens(model.tokenizer, ["road", "tree " * 11], model.longest_name)
