import json
from pathlib import Path

import pytest
import torch

from tqdm_demo.checkpoints.published.recognition import plan_file, training_set

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


def tensors_of(file):
    shapes = json.loads((REFERENCE / f"{file}.keys.json").read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def two_files(file):
    tensors = tensors_of(file)
    release = {n: t for n, t in tensors.items() if n.startswith(("backbone.", "decode_head."))}
    return release, {n: t for n, t in tensors.items() if n not in release}


@pytest.mark.parametrize(
    "file, system", [("clip_vit_b", "tqdm"), ("eva02_l", "tqdm"), ("tldr_r50", "tldr")]
)
def test_files_that_stand_alone(file, system):
    tensors = tensors_of(file)
    plan, taken = plan_file(tensors, None)
    assert plan.model.system == system and taken is tensors
    assert len(plan.config.class_names) == 19


@pytest.mark.parametrize("file, system", [("rein_dinov2_l", "rein"), ("soma_dinov2_l", "soma")])
def test_files_that_need_dinov2s(file, system):
    release, dino = two_files(file)
    names = tuple(map(str, range(19)))
    plan, taken = plan_file(release, dino, names)
    assert plan.model.system == system and plan.config.class_names == names
    assert {name for name, _, _ in plan.steps} | set(plan.dropped) == set(taken)
    with pytest.raises(ValueError, match=r"holds no backbone.*--backbone dinov2_vitl14_pretrain"):
        plan_file(release, None)
    with pytest.raises(ValueError, match="behind --backbone is not DINOv2's"):
        plan_file(release, release)
    with pytest.raises(ValueError, match="this is DINOv2's own file"):
        plan_file(dino, None)


def test_a_second_file_that_nobody_needs_is_refused():
    _, dino = two_files("rein_dinov2_l")
    with pytest.raises(ValueError, match="--backbone is for Rein and SoMA"):
        plan_file(tensors_of("tldr_r50"), dino)


def test_reins_of_other_kinds_are_refused():
    release, dino = two_files("rein_dinov2_l")
    query = {"decode_head.query_feat.weight": torch.empty(100, 256, device="meta")}
    with pytest.raises(ValueError, match="queries of its own"):
        plan_file({**release, **query}, dino)
    full = {n: t for n, t in release.items() if "learnable_tokens" not in n}
    full["backbone.reins.learnable_tokens"] = torch.empty(24, 100, 1024, device="meta")
    with pytest.raises(ValueError, match="Rein of another kind"):
        plan_file(full, None)


@pytest.mark.parametrize(
    "config, file_name, expected",
    [
        ("train=dict(\n  type='UGDataset', source=dict(\n type='GTADataset',", "a-city", "GTA5"),
        ("source=dict(type='CityscapesDataset'", "a", "Cityscapes"),
        ("source=dict(type='OtherDataset'", "a", "OtherDataset"),
        ("", "tqdm-clip-vit-b-gta", "GTA5"),
        ("", "tqdm-eva02-clip-vit-l-city", "Cityscapes"),
        ("", "capacity", None),
        ("", "soma_dinov2-L_g2cbm_best", "GTA5"),
        ("", "soma_dinov2-L_gsu2cbm_1024x1024_best", "GTA5, SYNTHIA, UrbanSyn"),
        ("", "soma_dinov2-L_c2bm_best", "Cityscapes"),
        ("", "iter_40000_published", None),
    ],
)
def test_the_training_set_is_read_from_the_file_or_its_name(config, file_name, expected):
    assert training_set({"config": config}, file_name) == expected
