"""Tiny untrained models that are built like the bundled ones, for tests of all that uses models."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import open_clip
import pytest
import torch

import tqdm_demo.model  # noqa: F401  registers the bundled CLIP's image tower with timm
from tests.data import made_up_sets
from tests.drive_server import DriveServer
from tests.hub_server import HubServer
from tqdm_demo.config import CLIP_MEAN, CLIP_STD, ModelConfig
from tqdm_demo.rival_config import DeepLabConfig, ReinConfig

LONG = ("heavy", "slow", "process", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take long come first: several test processes then end together."""
    files = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: item.path not in files)


TINY_CLIP = {
    "embed_dim": 24,
    "vision_cfg": {
        "timm_model_name": "streets_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": [128, 256],
    },
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
TINY_MODEL = ModelConfig(
    clip=TINY_CLIP,
    class_names=("road", "sky", "car", "traffic light", "vegetation"),
    prompt_length=3,
    text_positions=12,
    pyramid_blocks=(0, 1, 3, 5),
    width=32,
    heads=4,
    points=2,
    feed_forward=48,
    pixel_layers=2,
    mask_layers=3,
    context_width=16,
    context_heads=2,
    context_layers=1,
    input_size=(64, 128),
    size_multiple=32,
)
TINY_LEARNED = dataclasses.replace(
    TINY_MODEL, queries="learned", text_to_pixel=False, context_decoder=False, prompt_length=0
)
TINY_REIN = ReinConfig(
    class_names=("road", "sky", "car"),
    vit="vit_small_patch14_dinov2",
    vit_options={"embed_dim": 48, "depth": 4, "num_heads": 3},
    pyramid_blocks=(0, 1, 2, 3),
    reins_rank=2,
    object_queries=7,
    width=32,
    heads=4,
    points=2,
    pixel_feed_forward=40,
    mask_feed_forward=56,
    pixel_layers=2,
    mask_layers=4,
    input_size=(64, 64),
    window_stride=43,
)
TINY_TLDR = DeepLabConfig(
    class_names=TINY_REIN.class_names,
    backbone="resnet10t",
    width=6,
    skip_width=5,
    dilations=(2, 3),
    input_size=(96, 128),
)
WORDS = ("a", "car", "light", "of", "photo", "road", "sky", "taxi", "traffic", "vegetation")


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like weights/ with three untrained models: tiny-clip, tiny-tqdm, tiny-queries."""
    from tqdm_demo.checkpoints.folder import save_clip, save_segmenter
    from tqdm_demo.model.segmenter import Segmenter

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(5)
    clip = open_clip.CLIP(**TINY_CLIP)
    config = {
        "clip": TINY_CLIP,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "input_size": (64, 128),
        "words": WORDS,
    }
    save_clip(clip, folder / "tiny-clip", config)
    for name, model in (("tiny-tqdm", TINY_MODEL), ("tiny-queries", TINY_LEARNED)):
        model = dataclasses.replace(model, text_tower="tiny-clip")
        save_segmenter(Segmenter.from_clip(model, clip), folder / name)
    return folder


@pytest.fixture(scope="session")
def tiny_rivals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like weights/ with untrained rivals: tiny-rein, tiny-soma, tiny-tldr."""
    from tqdm_demo.checkpoints.rival_folder import RIVALS, save_rival

    folder = tmp_path_factory.mktemp("rivals")
    torch.manual_seed(6)
    soma = dataclasses.replace(TINY_REIN, reins_rank=0)
    for system, config in (("rein", TINY_REIN), ("soma", soma), ("tldr", TINY_TLDR)):
        save_rival(RIVALS[system].network(config), folder / f"tiny-{system}", system, {})
    return folder


@pytest.fixture
def trees() -> SimpleNamespace:
    """Writers of label files by name, and SIZE, the (width, height) of what they write."""
    writers = ("photo", "grey", "palette", "wide", "raw_png", "constant")
    return SimpleNamespace(
        SIZE=made_up_sets.SIZE, **{name: getattr(made_up_sets, name) for name in writers}
    )


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stand-in for the Hugging Face Hub with an empty cache: serves FOLDER/user/name/file."""
    from huggingface_hub import constants

    root = tmp_path / "hub"
    root.mkdir()
    server = HubServer(root)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = server.address
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield root
    server.shutdown()
    server.server_close()


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriveServer]:
    """A stand-in for Google Drive, an empty cache for published weights, and no waiting."""
    from huggingface_hub import constants

    from tqdm_demo.checkpoints import download, drive_pages

    server = DriveServer()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(drive_pages, "DRIVE_ADDRESS", server.address)
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("TQDM_CACHE_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("TQDM_KEEP_DOWNLOADS", raising=False)
    yield server
    server.shutdown()
    server.server_close()
