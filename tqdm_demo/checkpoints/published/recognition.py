"""Which published system a checkpoint file holds, and the plan of its conversion."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tqdm_demo.checkpoints.published.dino_models import REIN, SOMA, MergedSoma
from tqdm_demo.checkpoints.published.plan import Plan, PublishedModel, make_plan
from tqdm_demo.checkpoints.published.tldr_models import TLDR
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

DINO_FILE = "dinov2_vitl14_pretrain.pth"
# A tensor of DINOv2's own file, which other vision transformers name differently.
_DINO_MARKER = "blocks.0.ls1.gamma"
_REINS, _OWN_QUERIES = "backbone.reins.", "decode_head.query_feat.weight"

# Training set by the class of data set that tqdm's code names, and by the names of the files.
_DATA_SETS = {"GTADataset": "GTA5", "CityscapesDataset": "Cityscapes", "SynthiaDataset": "SYNTHIA"}
_FILE_NAMES = {
    "gta": "GTA5",
    "city": "Cityscapes",
    "syn": "SYNTHIA",
    "g2cbm": "GTA5",
    "gs2cbm": "GTA5, SYNTHIA",
    "gsu2cbm": "GTA5, SYNTHIA, UrbanSyn",
    "c2bm": "Cityscapes",
    "acdc": "Cityscapes, ACDC",
}


def plan_file(
    tensors: Mapping[str, Tensor],
    backbone: Mapping[str, Tensor] | None,
    class_names: Sequence[str] | None = None,
) -> tuple[Plan, Mapping[str, Tensor]]:
    """Recognises a checkpoint by its tensors and plans its conversion.

    Args:
        tensors: of the release file, by published name.
        backbone: of DINOv2's own file, which Rein and SoMA need beside theirs; None = not given.
        class_names: the trained names; None = the 19 of Cityscapes.

    Returns:
        The plan, and the tensors that it takes (of both files where there are two).

    Raises:
        ValueError: another model's checkpoint, a second file that is missing or not wanted, or
            tensors that do not fit, by their published names.
    """
    model = next((m for m in (REIN, SOMA, TLDR) if m.marker in tensors), None)
    if model in (REIN, SOMA):
        tensors = _two_files(model, tensors, backbone)
    elif _DINO_MARKER in tensors:
        raise ValueError(
            "this is DINOv2's own file: name the file of Rein or SoMA, and this one "
            "behind --backbone"
        )
    elif backbone is not None:
        raise ValueError("--backbone is for Rein and SoMA; this file is of neither")
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if model is None:
        if any(name.startswith(_REINS) for name in tensors):
            raise ValueError("this is a Rein of another kind than the one on DINOv2 ViT-L/14")
        return plan_conversion(shapes, class_names), tensors
    config = dataclasses.replace(model.config, class_names=tuple(class_names or CITYSCAPES_NAMES))
    return make_plan(model, config, shapes), tensors


def training_set(meta: Mapping[str, Any], file_name: str) -> str | None:
    """What a checkpoint was trained on: as its own configuration says, else as its file is named.

    Args:
        meta: what lies beside the tensors; ``config`` is the text of the training's configuration.
        file_name: tqdm's files end in -gta and -city, SoMA's have such as _g2cbm; Rein's and TLDR's
            tell nothing.
    """
    source = re.search(r"source=dict\(\s*type='(\w+)'", str(meta.get("config", "")))
    if source is not None:
        return _DATA_SETS.get(source[1], source[1])
    ends = (data for word, data in _FILE_NAMES.items() if re.search(rf"[-_]{word}", file_name))
    return next(ends, None)


def _two_files(
    model: PublishedModel, release: Mapping[str, Tensor], dino: Mapping[str, Tensor] | None
) -> Mapping[str, Tensor]:
    if dino is None:
        raise ValueError(
            f"this file of {model.title} holds no backbone: name DINOv2's own file too, "
            f"--backbone {DINO_FILE}"
        )
    if _DINO_MARKER not in dino:
        raise ValueError(f"the file behind --backbone is not DINOv2's {DINO_FILE}")
    if model is REIN and _OWN_QUERIES in release:
        raise ValueError("this is a Rein of another kind: it has queries of its own")
    if model is SOMA:
        return MergedSoma(release, dino)
    return {**release, **dino}
