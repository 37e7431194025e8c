"""The two files of a checkpoint folder, whatever model is in it: reading, checking, writing.

See :mod:`tqdm_demo.checkpoints.folder` for what the sections of ``config.json`` are.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError, safe_open

from tqdm_demo.atomic_files import replacing
from tqdm_demo.checkpoints.tensor_file import refuse_pointer
from tqdm_demo.config import ClipConfig, ModelConfig
from tqdm_demo.config_json import brief, from_json

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
CONFIG_FILE = "config.json"
TENSOR_FILE = "model.safetensors"
# What a folder's ``config.json`` calls its system, and those that tqdm is compared with.
TQDM = "tqdm"
RIVAL_SYSTEMS = ("rein", "soma", "tldr")
# Tensors that are read before the file is shut and opened again.
_AT_ONCE = 50

Config = TypeVar("Config")
Network = TypeVar("Network", bound="nn.Module")


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
    config_of_sections(_Records, sections, path)
    return sections


def config_of_sections(kind: type[Config], sections: Mapping[str, Any], path: Path) -> Config:
    """A configuration of the sections that are its fields.

    Raises:
        ValueError: a value of a wrong type.
    """
    known = {f.name for f in dataclasses.fields(kind)} & set(sections)
    try:
        return from_json(kind, {name: sections[name] for name in known})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def system_of(sections: Mapping[str, Any]) -> str:
    """The system that a folder's ``config.json`` names, ``tqdm`` where it names none."""
    return str(sections.get("system", TQDM))


def read_model_config(folder: Path) -> ModelConfig:
    """The architecture of a segmenter's folder.

    Raises:
        ValueError: as :func:`read_config`, or a setting that is wrong, with what it takes.
    """
    path, sections = Path(folder) / CONFIG_FILE, read_config(folder)
    if "model" not in sections:
        raise ValueError(f"{path} has no section 'model': no segmenter's folder")
    system = system_of(sections)
    if system != TQDM:
        raise ValueError(f"{path} is of the system {system!r}, not of tqdm")
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
    return config_of_sections(ClipConfig, sections, path)


def check_new(folder: Path) -> None:
    """Raises ValueError where a folder, or a file of that name, holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists already; name a new folder")


def build_network(make: Callable[[], Network], folder: Path) -> Network:
    """Makes a model of a configuration that may be anybody's.

    Raises:
        ValueError: it describes none that can be built.
    """
    try:
        return make()
    except Exception as error:  # which one depends on the setting, deep in open_clip and torch
        raise ValueError(
            f"{folder / CONFIG_FILE} describes no model that can be built: "
            f"{type(error).__name__}: {error}"
        ) from error


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors, in float32.

    Raises:
        ValueError: no such file, or one that is damaged.
    """
    path, tensors = folder / TENSOR_FILE, {}
    try:
        refuse_pointer(path)
        with safe_open(path, "pt") as file:
            names = list(file.keys())
        for start in range(0, len(names), _AT_ONCE):
            # Opened again and again: what has been read of a file stays in memory until it is shut.
            with safe_open(path, "pt") as file:
                for name in names[start : start + _AT_ONCE]:
                    tensor = file.get_tensor(name)
                    tensors[name] = tensor.float() if tensor.is_floating_point() else tensor
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    return tensors


def load_strictly(model: nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Puts tensors into a model, which takes them as its own.

    Raises:
        ValueError: tensors that are missing, not expected, or of another shape, all by name.
    """
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


def write_folder(
    folder: Path, sections: Mapping[str, Any], tensors: Mapping[str, Tensor], half: bool
) -> None:
    """Writes both files; each is replaced as a whole or not at all.

    Args:
        folder: is created.
        sections: of ``config.json``.
        tensors: by name.
        half: store float16.

    Raises:
        OSError: the disk is full, or the like; what was there before stays.
    """
    from safetensors.torch import save_file

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
    import torch

    tensor = tensor.detach().cpu()
    if half and tensor.dtype == torch.float32:
        tensor = tensor.half()
    # A copy: safetensors refuses tensors that share memory.
    return tensor.clone(memory_format=torch.contiguous_format)
