"""Which published system a checkpoint file holds, and the plan of its conversion."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from tqdm_demo.checkpoints.published.dino_models import REIN, SOMA, MergedSoma
from tqdm_demo.checkpoints.published.plan import Plan, PublishedModel, make_plan
from tqdm_demo.checkpoints.published.tldr_models import TLDR
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

DINO_FILE = "dinov2_vitl14_pretrain.pth"
# A tensor of DINOv2's own file, which other vision transformers name differently.
_DINO_MARKER = "blocks.0.ls1.gamma"
_REIN_OTHER = ("backbone.reins.learnable_tokens", "decode_head.query_feat.weight")

# Training sets in the names of the files that are published (SoMA's; Rein's name none).
_TRAINED_ON = (
    ("_g2cbm", "GTA5"),
    ("_gs2cbm", "GTA5, SYNTHIA"),
    ("_gsu2cbm", "GTA5, SYNTHIA, UrbanSyn"),
    ("_c2bm", "Cityscapes"),
    ("citys2acdc", "Cityscapes"),
    ("_acdc", "Cityscapes, ACDC"),
)


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
        if _REIN_OTHER[0] in tensors or any(n.startswith("backbone.reins.") for n in tensors):
            raise ValueError("this is a Rein of another kind than the one on DINOv2 ViT-L/14")
        return plan_conversion(shapes, class_names), tensors
    config = dataclasses.replace(model.config, class_names=tuple(class_names or CITYSCAPES_NAMES))
    return make_plan(model, config, shapes), tensors


def trained_on(file_name: str) -> str | None:
    """The training set that a published file's name tells, or None."""
    return next((data for mark, data in _TRAINED_ON if re.search(mark, file_name)), None)


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
    if model is REIN and _REIN_OTHER[1] in release:
        raise ValueError("this is a Rein of another kind: it has queries of its own")
    if model is SOMA:
        return MergedSoma(release, dino)
    return {**release, **dino}
