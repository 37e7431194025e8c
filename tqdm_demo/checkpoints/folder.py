"""Checkpoints on disk: a folder with ``config.json`` and ``model.safetensors``.

A segmenter's folder: ``config.json`` has the sections ``model`` (ModelConfig), ``training``,
``provenance`` and ``results``. A CLIP's folder: ``config.json`` has ``clip`` (open_clip's model
config), ``image_mean``, ``image_std``, ``input_size``, ``words``, ``provenance``, ``results``.
Tensors may be float16 on disk; in memory they are float32. Nothing is ever unpickled.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import open_clip
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tqdm_demo.atomic_files import replacing
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.checkpoints.tensor_file import refuse_pointer
from tqdm_demo.checkpoints.token_table import ROWS, pack_tokens, unpack_tokens
from tqdm_demo.config import ClipConfig, ModelConfig
from tqdm_demo.config_json import brief, from_json, to_json
from tqdm_demo.model.segmenter import Segmenter, text_tower_weights

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
CONFIG_FILE = "config.json"
TENSOR_FILE = "model.safetensors"
TEXT_TOWER = "text_encoder.tower."
IMAGE_TOWER = "image_encoder.tower."
CLIP_IMAGE_TOWER = "visual."  # open_clip's name for it

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


def resolve_source(name: str) -> Path:
    """The folder of a bundled model (``"streets-tqdm"``) or a local one.

    Raises:
        ValueError: neither; the message lists the bundled names.
    """
    for folder in (WEIGHTS / name, Path(name)):
        if (folder / CONFIG_FILE).is_file():
            return folder
    bundled = sorted(path.parent.name for path in WEIGHTS.glob(f"*/{CONFIG_FILE}"))
    raise ValueError(
        f"{name!r} is neither a bundled model ({', '.join(bundled) or 'there are none'}) "
        f"nor a folder with a {CONFIG_FILE}"
    )


def find_clip(name: str, folder: Path) -> Path:
    """The CLIP folder that a checkpoint means by ``text_tower`` or ``image_tower``.

    Args:
        name: of the CLIP's folder.
        folder: of the checkpoint. A CLIP of that name beside it comes before the bundled one.
    """
    beside = folder.resolve().parent / name
    return beside if (beside / CONFIG_FILE).is_file() else WEIGHTS / name


@dataclass(frozen=True)
class _Records:
    """Sections that every checkpoint may have."""

    training: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()


def read_config(folder: Path) -> dict[str, Any]:
    """All sections of a checkpoint's ``config.json``.

    Raises:
        ValueError: no such file, no JSON object in it, or a section of a wrong type.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        sections = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if not isinstance(sections, dict):
        raise ValueError(f"{path} is {brief(sections)}; it takes an object")
    _from_sections(_Records, sections, path)
    return sections


def read_model_config(folder: Path) -> ModelConfig:
    """The architecture of a segmenter's folder.

    Raises:
        ValueError: as :func:`read_config`, or a setting that is wrong, with what it takes.
    """
    path, sections = Path(folder) / CONFIG_FILE, read_config(folder)
    if "model" not in sections:
        raise ValueError(f"{path} has no section 'model': no segmenter's folder")
    system = sections.get("system", "tqdm")
    if system != "tqdm":
        raise ValueError(f"{path} is of the system {system!r}, which cannot be served yet")
    try:
        return from_json(ModelConfig, sections["model"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_clip_config(folder: Path) -> ClipConfig:
    """The architecture of a CLIP's folder.

    Raises:
        ValueError: as :func:`read_model_config`.
    """
    path, sections = Path(folder) / CONFIG_FILE, read_config(folder)
    if "clip" not in sections:
        raise ValueError(f"{path} has no section 'clip': no CLIP's folder")
    return _from_sections(ClipConfig, sections, path)


def load_segmenter(folder: Path) -> Segmenter:
    """Loads a segmenter, in evaluation mode, float32, on the CPU.

    Raises:
        ValueError: a file that is missing or unreadable, or tensors that do not fit the
            configuration, all of them by name.
    """
    folder = Path(folder)
    config = read_model_config(folder)
    with skip_init():
        segmenter = _build(lambda: Segmenter(config), folder)
    tensors = _read_tensors(folder)
    if config.text_tower is not None:
        clip = _read_clip_tensors(find_clip(config.text_tower, folder))
        text = text_tower_weights(clip, config.text_positions)
        tensors |= {TEXT_TOWER + name: tensor for name, tensor in text.items()}
    if config.image_tower is not None:
        clip = _read_clip_tensors(find_clip(config.image_tower, folder))
        visual = {k: v for k, v in clip.items() if k.startswith(CLIP_IMAGE_TOWER)}
        tensors |= {IMAGE_TOWER + k.removeprefix(CLIP_IMAGE_TOWER): v for k, v in visual.items()}
    _load_strictly(segmenter, tensors, folder)
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
    _write(Path(folder), sections, tensors, half)


def load_clip(folder: Path) -> tuple[open_clip.CLIP, dict[str, Any]]:
    """Loads a CLIP folder: the model (evaluation mode, float32, CPU) and its ``config.json``.

    Raises:
        ValueError: as :func:`load_segmenter`.
    """
    folder = Path(folder)
    config = read_clip_config(folder)
    clip = _build(lambda: open_clip.CLIP(**config.clip), folder)
    _load_strictly(clip, _read_clip_tensors(folder), folder)
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
    _write(Path(folder), config, tensors if tokens is None else pack_tokens(tensors, tokens), half)


def _from_sections(kind: type[Config], sections: Mapping[str, Any], path: Path) -> Config:
    """A configuration of the sections that are its fields."""
    known = {f.name for f in dataclasses.fields(kind)} & set(sections)
    try:
        return from_json(kind, {name: sections[name] for name in known})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _build(make: Callable[[], Network], folder: Path) -> Network:
    """A model of a configuration that may be anybody's."""
    try:
        return make()
    except Exception as error:  # which one depends on the setting, deep in open_clip and torch
        raise ValueError(
            f"{folder / CONFIG_FILE} describes no model that can be built: "
            f"{type(error).__name__}: {error}"
        ) from error


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    path = folder / TENSOR_FILE
    try:
        refuse_pointer(path)
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


def _read_clip_tensors(folder: Path) -> dict[str, Tensor]:
    """A CLIP's tensors under open_clip's names, its token table whole; see :func:`save_clip`."""
    tensors = _read_tensors(folder)
    if ROWS not in tensors:
        return tensors
    size = read_clip_config(folder).clip.get("text_cfg", {}).get("vocab_size", 49408)
    try:
        return unpack_tokens(tensors, size)
    except ValueError as error:
        raise ValueError(f"{folder / TENSOR_FILE}: {error}") from error


def _load_strictly(model: nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    expected = model.state_dict()
    problems = [f"missing: {name}" for name in expected if name not in tensors]
    problems += [f"unexpected: {name}" for name in tensors if name not in expected]
    problems += [
        f"shape of {name}: {tuple(tensors[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if problems:
        raise ValueError(f"{folder} does not fit its configuration:\n  " + "\n  ".join(problems))
    # The loaded tensors become the model's own: no second copy in memory.
    model.load_state_dict(tensors, assign=True)


def _write(
    folder: Path, sections: Mapping[str, Any], tensors: Mapping[str, Tensor], half: bool
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(sections), indent=2, ensure_ascii=False) + "\n"
    stored = {name: _stored(tensor, half) for name, tensor in tensors.items()}
    try:
        # Both are written before either is replaced.
        with replacing(folder / CONFIG_FILE) as config, replacing(folder / TENSOR_FILE) as tensor:
            save_file(stored, tensor)
            config.write_text(text, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise OSError(f"cannot write {folder}: {error}") from error


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu()
    if half and tensor.dtype == torch.float32:
        tensor = tensor.half()
    # A copy: safetensors refuses tensors that share memory.
    return tensor.clone(memory_format=torch.contiguous_format)
