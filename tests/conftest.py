"""Tiny untrained models that are built like the bundled ones, for tests of all that uses models."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import open_clip
import pytest
import torch

import tqdm_demo.model  # noqa: F401  registers the bundled CLIP's image tower with timm
from tests.data import made_up_sets
from tqdm_demo.config import CLIP_MEAN, CLIP_STD, ModelConfig

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


@pytest.fixture
def trees() -> SimpleNamespace:
    """Writers of label files by name, and SIZE, the (width, height) of what they write."""
    writers = ("photo", "grey", "palette", "wide", "raw_png", "constant")
    return SimpleNamespace(
        SIZE=made_up_sets.SIZE, **{name: getattr(made_up_sets, name) for name in writers}
    )


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stand-in for the Hugging Face Hub with an empty cache: serves FOLDER/user/name/file.

    A revision is what a repository holds when it is asked for; older ones stay to be had.
    """
    from huggingface_hub import constants

    root = tmp_path / "hub"
    root.mkdir()
    revisions: dict[str, dict[str, bytes]] = {}

    def revise(repository: str) -> str:
        folder = root / repository
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        commit = hashlib.sha1(repr(files).encode()).hexdigest()
        revisions[commit] = files
        return commit

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            match urlparse(self.path).path.strip("/").split("/"):
                case [""]:
                    self.answer(200, b"")
                case ["api", "models", user, name, *_] if not (root / user / name).is_dir():
                    self.answer(404, b"", **{"X-Error-Code": "RepoNotFound"})
                case ["api", "models", user, name, "revision", "main"]:
                    about = {"id": f"{user}/{name}", "sha": revise(f"{user}/{name}")}
                    self.answer(200, json.dumps(about).encode())
                case ["api", "models", _, _, "tree", commit]:
                    listed = [
                        {"type": "file", "path": path, "size": len(body), "oid": "0"}
                        for path, body in revisions[commit].items()
                    ]
                    self.answer(200, json.dumps(listed).encode())
                case [_, _, "resolve", commit, *parts]:
                    body = revisions[commit]["/".join(parts)]
                    etag = hashlib.sha256(body).hexdigest()
                    self.answer(200, body, **{"X-Repo-Commit": commit, "ETag": etag})

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield root
    server.shutdown()
    server.server_close()
