"""open_clip's models, with a small one put among them and its weights on the stand-in Hub."""

import os

import open_clip
import pytest
import torch
from huggingface_hub import constants
from open_clip import pretrained
from safetensors.torch import save_file

from tqdm_demo.checkpoints.open_clip_models import cached_positions, load_open_clip, locate_clip
from tqdm_demo.inference.predictor import Predictor

CONFIG = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 24, "head_width": 8, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}
NAME = "small-vit/drawn"


@pytest.fixture
def clip(hub, tmp_path, monkeypatch) -> open_clip.CLIP:
    """A CLIP that open_clip calls small-vit/drawn."""
    (hub / "someone" / "small").mkdir(parents=True)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small-vit", CONFIG)
    about = pretrained._pcfg(hf_hub="someone/small/", quick_gelu=True)
    monkeypatch.setitem(pretrained._PRETRAINED, "small-vit", {"drawn": about})
    torch.manual_seed(3)
    return open_clip.CLIP(**CONFIG, quick_gelu=True).eval()


def test_safetensors_are_taken(hub, clip):
    save_file(clip.state_dict(), hub / "someone" / "small" / "open_clip_model.safetensors")
    loaded, config = load_open_clip(NAME)
    assert config["input_size"] == (512, 512) and not config.get("fixed_size")
    assert config["image_mean"] == open_clip.OPENAI_DATASET_MEAN
    pixels = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.encode_image(pixels), clip.encode_image(pixels))
    assert locate_clip(NAME).suffix == ".safetensors"


def test_the_page_takes_it_by_its_name(hub, clip):
    save_file(clip.state_dict(), hub / "someone" / "small" / "open_clip_model.safetensors")
    predictor = Predictor.load(f"open_clip:{NAME}", "cpu")
    image = torch.randint(0, 256, (50, 90, 3), dtype=torch.uint8).numpy()
    result = predictor.segment(image, ["car, taxi", "sky"])
    assert result.method == "clearclip" and result.mode == "single"
    assert result.label_map.shape == (50, 90) and predictor.kind == "zero-shot"
    plain = Predictor.load(f"open_clip:{NAME}#plain", "cpu").segment(image, ["car, taxi", "sky"])
    assert plain.method == "plain" and (plain.similarity != result.similarity).any()


def test_a_pickle_is_read_for_its_tensors_only(hub, clip, monkeypatch):
    path = hub / "someone" / "small" / "open_clip_pytorch_model.bin"
    torch.save({"state_dict": clip.state_dict()}, path)
    loaded, _ = load_open_clip(NAME)
    assert torch.equal(loaded.logit_scale, clip.logit_scale)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert locate_clip(NAME).name == path.name


def test_a_pickle_that_does_something_is_refused(hub, clip, tmp_path):
    trap = tmp_path / "executed"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    path = hub / "someone" / "small" / "open_clip_pytorch_model.bin"
    torch.save({"state_dict": clip.state_dict(), "more": Trap()}, path)
    with pytest.raises(ValueError, match="cannot be read as small-vit"):
        load_open_clip(NAME)
    assert not trap.exists()


def test_weights_of_another_model_are_told(hub, clip):
    save_file({"x": torch.zeros(1)}, hub / "someone" / "small" / "open_clip_model.safetensors")
    with pytest.raises(ValueError, match="(?s)cannot be read as small-vit.*Missing key"):
        load_open_clip(NAME)


def test_a_repository_without_weights_is_told(hub, clip):
    with pytest.raises(ValueError, match="someone/small holds neither open_clip_model.safetensors"):
        locate_clip(NAME)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ViT-B16/openai", "near to it are ViT-B-16/openai"),
        ("ViT-B-16", "no model 'ViT-B-16'; near to it are ViT-B-16/"),
        ("RN50/openai", "RN50 is no plain vision transformer"),
        ("convnext_base/laion400m_s13b_b51k", "no plain vision transformer"),
        ("ViT-B-16-SigLIP/webli", "does not read CLIP's own words"),
        ("coca_ViT-B-32/laion2b_s13b_b90k", "pools its patches by attention"),
    ],
)
def test_models_that_cannot_be_used_are_told_before_anything_is_downloaded(hub, name, words):
    with pytest.raises(ValueError) as caught:
        locate_clip(name)
    assert words in str(caught.value)


def test_positions_come_from_the_cache_alone(hub, clip):
    assert cached_positions(NAME) is None
    save_file(clip.state_dict(), hub / "someone" / "small" / "open_clip_model.safetensors")
    assert cached_positions(NAME) is None
    locate_clip(NAME)
    assert torch.equal(cached_positions(NAME), clip.positional_embedding)


def test_a_timm_tower_is_set_to_one_size(hub, monkeypatch):
    config = {
        **CONFIG,
        "custom_text": True,
        "vision_cfg": {
            "timm_model_name": "eva02_tiny_patch14_224",
            "timm_pool": "token",
            "timm_proj": None,
            "image_size": 224,
        },
    }
    (hub / "someone" / "eva").mkdir(parents=True)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "small-eva", config)
    about = pretrained._pcfg(hf_hub="someone/eva/")
    monkeypatch.setitem(pretrained._PRETRAINED, "small-eva", {"drawn": about})
    parts = {key: value for key, value in config.items() if key != "custom_text"}
    state = open_clip.CustomTextCLIP(**parts).state_dict()
    save_file(state, hub / "someone" / "eva" / "open_clip_model.safetensors")
    predictor = Predictor.load("open_clip:small-eva/drawn", "cpu")
    image = torch.randint(0, 256, (50, 90, 3), dtype=torch.uint8).numpy()
    result = predictor.segment(image, ["car", "sky"])
    assert predictor.model.input_size == (504, 504) and result.method == "plain"
    assert result.similarity.shape == (2, 36, 36) and result.label_map.shape == (50, 90)
