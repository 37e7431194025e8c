import dataclasses
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.checkpoints.published.dino_models import REIN, SOMA, MergedSoma
from tqdm_demo.checkpoints.published.plan import converted_tensors, make_plan
from tqdm_demo.checkpoints.published.tldr_models import TLDR
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
FILES = {"rein_dinov2_l": REIN, "tldr_r50": TLDR}


def shapes_of(file):
    return {
        n: tuple(s) for n, s in json.loads((REFERENCE / f"{file}.keys.json").read_text()).items()
    }


def plan_of(model, shapes):
    config = dataclasses.replace(model.config, class_names=CITYSCAPES_NAMES)
    return make_plan(model, config, shapes)


@pytest.mark.parametrize("file", FILES)
def test_every_published_tensor_has_its_place(file):
    plan = plan_of(FILES[file], shapes_of(file))
    ours = [name for _, _, names in plan.steps for name in names]
    assert sorted(ours) == sorted(plan.shapes)  # each once, none left over


def test_only_what_training_needs_is_left_out():
    assert set(plan_of(REIN, shapes_of("rein_dinov2_l")).dropped) == {"mask_token"}
    dropped = plan_of(TLDR, shapes_of("tldr_r50")).dropped
    assert {name.split(".")[0] for name in dropped} == {"imnet_model", "p_wct"}


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda s: s.pop("backbone.reins.scale"), "missing: backbone.reins.scale"),
        (lambda s: s.pop("blocks.7.attn.qkv.bias"), "missing: blocks.7.attn.qkv.bias"),
        (lambda s: s.update({"pos_embed": (1, 257, 1024)}), r"shape of pos_embed: \(1, 257"),
        (lambda s: s.update({"decode_head.query_embed.weight": (100, 256)}), "unknown: decode_"),
    ],
)
def test_another_structure_is_refused_by_name(change, told):
    shapes = shapes_of("rein_dinov2_l")
    change(shapes)
    with pytest.raises(ValueError, match=told):
        plan_of(REIN, shapes)


def test_patches_and_positions_are_resized_as_published():
    plan = plan_of(REIN, shapes_of("rein_dinov2_l"))
    names = ("pos_embed", "patch_embed.proj.weight")
    few = dataclasses.replace(plan, steps=tuple(s for s in plan.steps if s[0] in names))
    torch.manual_seed(0)
    table, kernel = torch.randn(1, 1370, 1024), torch.randn(1024, 3, 14, 14)
    found = dict(converted_tensors(few, {"pos_embed": table, "patch_embed.proj.weight": kernel}))
    grid = table[0, 1:].T.reshape(1, 1024, 37, 37)
    resized = F.interpolate(grid, size=(32, 32), mode="bicubic", align_corners=False)
    positions = found["backbone.vit.pos_embed"]
    assert torch.equal(positions[0, 0], table[0, 0])
    assert torch.equal(positions[0, 1:], resized[0].flatten(1).T)
    expected = F.interpolate(kernel, size=(16, 16), mode="bicubic", align_corners=False)
    assert torch.equal(found["backbone.vit.patch_embed.proj.weight"], expected)


class TestSoma:
    """Width 4, hidden width 6, rank 2."""

    def files(self):
        torch.manual_seed(1)
        dino = {
            "blocks.8.attn.qkv.weight": torch.randn(12, 4),
            "blocks.8.attn.qkv.bias": torch.randn(12),
            "blocks.8.mlp.fc1.weight": torch.randn(6, 4),
            "blocks.8.norm1.bias": torch.randn(4),
            "blocks.8.norm1.weight": torch.randn(4),
            "mask_token": torch.zeros(1, 4),
        }
        at = "backbone.model.blocks.8"
        release = {f"{at}.attn.{c}.bias": torch.randn(4) for c in "qkv"}
        for layer, rows in (("attn.q", 4), ("attn.v", 4), ("mlp.fc1", 6)):
            release[f"{at}.{layer}.lora_A.weight"] = torch.randn(2, 4)
            release[f"{at}.{layer}.lora_B.weight"] = torch.randn(rows, 2)
        release[f"{at}.norm1.bias"] = torch.randn(4)
        release["backbone.model.mask_token"] = torch.zeros(1, 4)
        release["decode_head.cls_embed.bias"] = torch.randn(3)
        return release, dino

    def test_pairs_are_added_to_dinov2s_weights(self):
        release, dino = self.files()
        merged, at = MergedSoma(release, dino), "backbone.model.blocks.8"
        x = torch.randn(4)

        def adapted(weight, layer):
            a, b = (release[f"{at}.{layer}.lora_{k}.weight"] for k in "AB")
            return weight @ x + b @ (a @ x)

        q, k, v = dino["blocks.8.attn.qkv.weight"].chunk(3)
        expected = torch.cat((adapted(q, "attn.q"), k @ x, adapted(v, "attn.v")))
        torch.testing.assert_close(merged["blocks.8.attn.qkv.weight"] @ x, expected)
        fc1 = adapted(dino["blocks.8.mlp.fc1.weight"], "mlp.fc1")
        torch.testing.assert_close(merged["blocks.8.mlp.fc1.weight"] @ x, fc1)

    def test_biases_are_somas_own(self):
        release, dino = self.files()
        merged, at = MergedSoma(release, dino), "backbone.model.blocks.8"
        expected = torch.cat([release[f"{at}.attn.{c}.bias"] for c in "qkv"])
        assert torch.equal(merged["blocks.8.attn.qkv.bias"], expected)
        assert merged["blocks.8.norm1.bias"] is release[f"{at}.norm1.bias"]
        assert merged["blocks.8.norm1.weight"] is dino["blocks.8.norm1.weight"]

    def test_it_reads_like_one_file(self):
        release, dino = self.files()
        merged = MergedSoma(release, dino)
        assert list(merged) == [*dino, "decode_head.cls_embed.bias"]
        assert len(merged) == len(dino) + 1

    def test_every_published_tensor_has_its_place(self):
        shapes = shapes_of("soma_dinov2_l")
        ours = ("backbone.", "decode_head.")
        one_file = {n: s for n, s in shapes.items() if not n.startswith("backbone.")}
        plan = plan_of(SOMA, one_file)
        reached = [name for _, _, names in plan.steps for name in names]
        assert sorted(reached) == sorted(plan.shapes)
        merged = MergedSoma(*[
            {n: torch.empty(s, device="meta") for n, s in shapes.items() if n.startswith(ours) == k}
            for k in (True, False)
        ])  # fmt: skip
        assert {n: tuple(merged[n].shape) for n in merged} == one_file
