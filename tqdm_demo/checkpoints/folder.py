"""Checkpoints on disk: a folder with ``config.json`` and ``model.safetensors``.

A segmenter's folder: ``config.json`` has the sections ``model`` (ModelConfig), ``training``,
``provenance`` and ``results``. A CLIP's folder: ``config.json`` has ``clip`` (open_clip's model
config), ``image_mean``, ``image_std``, ``input_size``, ``words``, ``provenance``, ``results``.
Tensors may be float16 on disk; in memory they are float32. Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import open_clip
from torch import Tensor

from tqdm_demo.checkpoints.folder_files import (
    TENSOR_FILE,
    build_network,
    find_clip,
    load_strictly,
    read_clip_config,
    read_config,
    read_model_config,
    read_tensors,
    write_folder,
)
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.checkpoints.token_table import ROWS, pack_tokens, unpack_tokens
from tqdm_demo.config_json import to_json
from tqdm_demo.model.segmenter import Segmenter, text_tower_weights

TEXT_TOWER = "text_encoder.tower."
IMAGE_TOWER = "image_encoder.tower."
CLIP_IMAGE_TOWER = "visual."  # open_clip's name for it


def load_segmenter(folder: Path) -> Segmenter:
    """Loads a segmenter, in evaluation mode, float32, on the CPU.

    Raises:
        ValueError: a file that is missing or unreadable, or tensors that do not fit the
            configuration, all of them by name.
    """
    folder = Path(folder)
    config = read_model_config(folder)
    with skip_init():
        segmenter = build_network(lambda: Segmenter(config), folder)
    tensors = read_tensors(folder)
    if config.text_tower is not None:
        clip = _read_clip_tensors(find_clip(config.text_tower, folder))
        text = text_tower_weights(clip, config.text_positions)
        tensors |= {TEXT_TOWER + name: tensor for name, tensor in text.items()}
    if config.image_tower is not None:
        tensors |= image_tower_tensors(find_clip(config.image_tower, folder), IMAGE_TOWER)
    load_strictly(segmenter, tensors, folder)
    return segmenter.eval()


def save_segmenter(
    segmenter: Segmenter,
    folder: Path,
    *,
    training: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    half: bool = True,
) -> None:
    """Saves a segmenter; each file is replaced as a whole or not at all.

    A frozen tower that another folder holds (``config.text_tower``, ``config.image_tower``) is not
    stored again.

    Args:
        segmenter: what to save.
        folder: is created.
        training, provenance, results: sections of ``config.json`` (JSON values).
        half: store float16.

    Raises:
        OSError: the disk is full, or the like; what was there before stays.
    """
    config = segmenter.config
    towers = {TEXT_TOWER: config.text_tower, IMAGE_TOWER: config.image_tower}
    elsewhere = tuple(prefix for prefix, holder in towers.items() if holder is not None)
    tensors = {k: v for k, v in segmenter.state_dict().items() if not k.startswith(elsewhere)}
    sections = {
        "model": to_json(config),
        "training": dict(training or {}),
        "provenance": dict(provenance or {}),
        "results": dict(results or {}),
    }
    write_folder(Path(folder), sections, tensors, half)


def load_clip(folder: Path) -> tuple[open_clip.CLIP, dict[str, Any]]:
    """Loads a CLIP folder: the model (evaluation mode, float32, CPU) and its ``config.json``.

    Raises:
        ValueError: as :func:`load_segmenter`.
    """
    folder = Path(folder)
    config = read_clip_config(folder)
    clip = build_network(lambda: open_clip.CLIP(**config.clip), folder)
    load_strictly(clip, _read_clip_tensors(folder), folder)
    return clip.eval(), read_config(folder)


def save_clip(
    clip: open_clip.CLIP,
    folder: Path,
    config: Mapping[str, Any],
    *,
    half: bool = True,
    tokens: Collection[int] | None = None,
) -> None:
    """Saves a CLIP under open_clip's own tensor names, as :func:`save_segmenter` does.

    Args:
        clip: what to save.
        folder: is created.
        config: the whole of ``config.json``; its ``clip`` section builds the model.
        half: store float16.
        tokens: those that its training has read. The rows of all others are noise; they are not
            stored, and the same noise takes their place whenever it is loaded. None = store all.
    """
    tensors = clip.state_dict()
    write_folder(
        Path(folder), config, tensors if tokens is None else pack_tokens(tensors, tokens), half
    )


def image_tower_tensors(clip_folder: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a CLIP's image tower, with ``prefix`` before their names.

    Raises:
        ValueError: as :func:`load_clip`.
    """
    clip = _read_clip_tensors(clip_folder)
    visual = {k: v for k, v in clip.items() if k.startswith(CLIP_IMAGE_TOWER)}
    return {prefix + name.removeprefix(CLIP_IMAGE_TOWER): v for name, v in visual.items()}


def _read_clip_tensors(folder: Path) -> dict[str, Tensor]:
    """A CLIP's tensors under open_clip's names, its token table whole; see :func:`save_clip`."""
    tensors = read_tensors(folder)
    if ROWS not in tensors:
        return tensors
    size = read_clip_config(folder).clip.get("text_cfg", {}).get("vocab_size", 49408)
    try:
        return unpack_tokens(tensors, size)
    except ValueError as error:
        raise ValueError(f"{folder / TENSOR_FILE}: {error}") from error
