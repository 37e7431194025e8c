"""Converts a published checkpoint to a folder that this project serves.

    python -m tqdm_demo.convert CHECKPOINT.pth OUT_FOLDER [--dtype float32|float16]
    python -m tqdm_demo.convert REIN_OR_SOMA.pth OUT_FOLDER --backbone dinov2_vitl14_pretrain.pth

CHECKPOINT.pth is one of the three files of github.com/ByeongHyunPak/tqdm, or TLDR's
(github.com/ssssshwan/TLDR, ResNet-50); Rein's (github.com/w1oves/Rein) and SoMA's
(github.com/ysj9909/SoMA), both with DINOv2 ViT-L, need DINOv2's own file too. Which model it is
shows in its tensors. OUT_FOLDER gets config.json, model.safetensors and a model
card, all of them or nothing. Of the checkpoint nothing but tensors and plain values is read: a file
that asks for anything else, which could be a program, is refused. The tensors are mapped and
written one by one, so that the memory needed stays below 1.6 times the file (CLIP ViT-B/16), and
it takes seconds for ViT-B/16 and under a minute for EVA02-CLIP-L.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from tqdm_demo.checkpoints.folder import CONFIG_FILE, TENSOR_FILE
from tqdm_demo.checkpoints.model_card import published_card
from tqdm_demo.checkpoints.published.plan import Plan, converted_tensors
from tqdm_demo.checkpoints.published.recognition import plan_file, training_set
from tqdm_demo.checkpoints.tensor_file import TensorSpec, refuse_pointer, write_tensors
from tqdm_demo.config import ModelConfig
from tqdm_demo.config_json import to_json
from tqdm_demo.console import print_any_text

DTYPES = {"float32": torch.float32, "float16": torch.float16}

# Checkpoints of mmcv hold NumPy numbers (scores, rates) beside the tensors. These are the functions
# and types that a NumPy number is pickled with; they build numbers and nothing else.
_NUMBER, _NUMBER_MODULES = np.float64(0).__reduce__()[0], ("numpy.core", "numpy._core")
_SAFE = [
    *((_NUMBER, f"{module}.multiarray.scalar") for module in _NUMBER_MODULES),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "u1", "?")),
]


@dataclass(frozen=True)
class Published:
    """What a checkpoint file holds.

    Attributes:
        tensors: by published name, without the wrapping; mapped from the file where it allows it.
        meta: plain values that lie beside them.
    """

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; the arguments are those of the command line."""
    print_any_text()
    options = _parse(arguments)
    try:
        convert(options.checkpoint, options.folder, DTYPES[options.dtype], options.backbone)
    except (ValueError, OSError) as error:
        raise SystemExit(f"convert: {error}") from error


def convert(
    checkpoint: Path, folder: Path, dtype: torch.dtype, backbone: Path | None = None
) -> None:
    """Converts a checkpoint file to a folder and prints what became of its tensors.

    Args:
        checkpoint: the published file.
        folder: is created; it must not exist, or be empty.
        dtype: that the tensors are stored in.
        backbone: DINOv2's own file, for Rein and SoMA.

    Raises:
        ValueError: a file that is damaged, unsafe or of another model, or a folder that holds
            something. Then no folder is made.
        OSError: the disk is full, or the like.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists already; name a new folder")
    published = read_published(checkpoint)
    dino = None if backbone is None else read_published(backbone).tensors
    try:
        plan, tensors = plan_file(published.tensors, dino, _class_names(published.meta))
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    provenance = {
        "published": plan.model.title,
        "source": plan.model.source,
        "file": checkpoint.name,
        "bytes": checkpoint.stat().st_size,
        "steps": published.meta.get("iter"),
    }
    data = training_set(published.meta, checkpoint.stem)
    sections = {
        "system": plan.model.system,
        "model": to_json(plan.config),
        "training": {} if data is None else {"source": data},
        "provenance": {key: value for key, value in provenance.items() if value is not None},
        "results": {},
    }
    print(_report(plan, sections))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as partial:
        whole = Path(partial) / "whole"
        whole.mkdir()
        _write_tensors(whole / TENSOR_FILE, plan, tensors, dtype)
        text = json.dumps(sections, indent=2, ensure_ascii=False) + "\n"
        (whole / CONFIG_FILE).write_text(text, encoding="utf-8")
        (whole / "README.md").write_text(published_card(folder.name, sections), encoding="utf-8")
        os.replace(whole, folder)
    size = (folder / TENSOR_FILE).stat().st_size
    print(f"{folder}: {size / 2**20:.0f} MiB of {str(dtype).removeprefix('torch.')}")
    if plan.model.system == "tqdm":
        print(f"  python app.py --model {folder}")
    else:
        print(f"  The page serves no model of the system {plan.model.system!r} yet.")


def read_published(path: Path) -> Published:
    """Reads a checkpoint, running nothing that it holds.

    Accepts a bare state dict and one below ``state_dict``, with or without ``module.`` before
    every name.

    Raises:
        ValueError: a file that is missing, damaged, no checkpoint, or that cannot be read safely.
    """
    loaded = _load(path)
    state, meta = loaded, {}
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        state, meta = loaded["state_dict"], loaded.get("meta")
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in (state.items() if isinstance(state, dict) else ())
        if isinstance(value, Tensor) and value.layout == torch.strided
    }
    if not isinstance(state, dict) or len(tensors) < len(state):
        raise ValueError(f"{path} holds no state dict: not all of its entries are tensors")
    return Published(tensors, meta if isinstance(meta, dict) else {})


def _load(path: Path) -> Any:
    with open(path, "rb") as file:
        start = file.read(64)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise ValueError(f"{path} is a web page, no checkpoint: download the file itself")
    refuse_pointer(path)
    is_zip = start.startswith(b"PK")
    if is_zip and not _is_whole_zip(path):
        raise ValueError(f"{path} is damaged or not complete; download it again")
    if is_zip and (inside := _checkpoints_inside(path)):
        raise ValueError(f"{path} is an archive that contains {inside[0]}: unpack it first")
    try:
        with torch.serialization.safe_globals(_SAFE):
            # Files of an older format (no zip archive) cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} {_why_unsafe(str(error))}") from error
    except OSError:
        raise
    except Exception as error:  # of any class: torch trusts the file's bytes
        if "TorchScript" in str(error):
            raise ValueError(
                f"{path} is a TorchScript program (OpenAI's CLIP files are), no tqdm checkpoint"
            ) from error
        raise ValueError(f"{path} is damaged, or no checkpoint of PyTorch") from error


def _is_whole_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # of what claims to be one part of several
        return False


def _checkpoints_inside(path: Path) -> list[str]:
    """Checkpoint files in an archive; torch's own archives hold ``data.pkl`` and no such file."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return [name for name in names if name.lower().endswith((".pth", ".pt", ".ckpt", ".bin"))]


def _why_unsafe(message: str) -> str:
    """A sentence's end from torch's message, which also says how to switch the check off."""
    wanted = re.search(r"GLOBAL ([\w.]+)", message)
    if wanted is None:
        return "is damaged, or no checkpoint of PyTorch"
    return (
        f"asks for {wanted[1]}, which no published checkpoint needs. It could run a program, so "
        "it is not read; nothing of it was executed"
    )


def _class_names(meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The trained names as the file's own record has them."""
    names = meta.get("CLASSES")
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _write_tensors(
    path: Path, plan: Plan, published: Mapping[str, Tensor], dtype: torch.dtype
) -> None:
    specs = {
        ours: TensorSpec(torch.int64 if ours in plan.integers else dtype, shape)
        for ours, shape in plan.shapes.items()
    }
    steps = tqdm(converted_tensors(plan, published), total=len(specs), unit=" tensors")
    write_tensors(path, specs, steps)


def _report(plan: Plan, sections: Mapping[str, Any]) -> str:
    provenance, config = sections["provenance"], plan.config
    data = sections["training"].get("source", "a set that the file does not name")
    text = ""
    if isinstance(config, ModelConfig):
        text = f", {config.prompt_length} prompt tokens, {config.text_positions} text positions"
    lines = [
        f"{provenance['file']}: {provenance['bytes'] / 2**20:.0f} MiB, {plan.model.title}",
        f"  trained on {data}; {len(config.class_names)} classes{text}",
        f"  {len(plan.steps)} tensors converted to {len(plan.shapes)}",
    ]
    reasons = Counter(plan.dropped.values())
    for reason, count in reasons.items():
        example = next(name for name, why in plan.dropped.items() if why == reason)
        lines.append(f"  {count} tensors left out ({example} ...): {reason}")
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT.pth")
    parser.add_argument("folder", type=Path, metavar="OUT_FOLDER")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="float32")
    parser.add_argument(
        "--backbone", type=Path, metavar="FILE.pth", help="DINOv2's own file, for Rein and SoMA"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
