"""Converts a published checkpoint file to a folder that this project serves."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tqdm_demo.checkpoints.folder_files import CONFIG_FILE, TENSOR_FILE, check_new
from tqdm_demo.checkpoints.model_card import published_card
from tqdm_demo.checkpoints.published.plan import Plan, converted_tensors
from tqdm_demo.checkpoints.published.reading import read_published
from tqdm_demo.checkpoints.published.recognition import plan_file, training_set
from tqdm_demo.checkpoints.tensor_file import TensorSpec, write_tensors
from tqdm_demo.config import ModelConfig
from tqdm_demo.config_json import to_json


def convert(
    checkpoint: Path,
    folder: Path,
    dtype: torch.dtype,
    backbone: Path | None = None,
    expected: str = "",
) -> None:
    """Converts a checkpoint file to a folder and prints what became of its tensors.

    Args:
        checkpoint: the published file.
        folder: is created; it must not exist, or be empty.
        dtype: that the tensors are stored in.
        backbone: DINOv2's own file, for Rein and SoMA.
        expected: title of the architecture that the file must hold; empty = any.

    Raises:
        ValueError: a file that is damaged, unsafe or of another model, or a folder that holds
            something. Then no folder is made.
        OSError: the disk is full, or the like.
    """
    check_new(folder)
    published = read_published(checkpoint)
    dino = None if backbone is None else read_published(backbone).tensors
    try:
        plan, tensors = plan_file(published.tensors, dino, _class_names(published.meta))
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    if expected not in ("", plan.model.title):
        raise ValueError(f"{checkpoint} holds {plan.model.title}, not {expected}")
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
    print(f"  python app.py --model {folder}")


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
