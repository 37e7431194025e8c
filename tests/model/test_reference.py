"""The whole model against the published code, on its structure with stand-in values.

``tests/reference`` holds the tensor names of the published checkpoints (CLIP ViT-B/16 and
EVA02-CLIP-L/14-336), a function that fills them, and what the published code
(github.com/ByeongHyunPak/tqdm) computes from them. Run with ``-s`` to see the measured
differences. EVA02 takes about a minute and 5 GB of memory: ``-m "not heavy"`` leaves it out.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.checkpoints.published.plan import converted_tensors
from tqdm_demo.checkpoints.published.tqdm_models import Plan, plan_conversion
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.config import TrainConfig
from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.segmenter import Decoding, Segmenter
from tqdm_demo.training.losses import Targets, mask_losses, training_losses
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
DRAWS = 20
ENCODER = "image_encoder."

pytestmark = pytest.mark.slow

spec = importlib.util.spec_from_file_location("weights", REFERENCE / "reference_weights.py")
weights = importlib.util.module_from_spec(spec)
spec.loader.exec_module(weights)


@dataclass(frozen=True)
class Run:
    """What our model computes; arrays under the names and slices of the reference."""

    arrays: dict[str, np.ndarray]
    label_map: np.ndarray
    decoding: Decoding
    global_embedding: Tensor
    frozen_global_embedding: Tensor
    reference_text: Tensor
    expected: dict[str, np.ndarray]
    losses: dict[str, list[float]]


class StandIn(Mapping[str, Tensor]):
    """A published checkpoint whose values are made when they are asked for."""

    def __init__(self, shapes: dict[str, list[int]], copy_of_encoder: bool) -> None:
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.copy_of_encoder = copy_of_encoder

    def __getitem__(self, name: str) -> Tensor:
        if self.copy_of_encoder:
            name = name.replace("backbone.", "reg_E0.")
        shape = self.shapes[name]
        if name.endswith("num_batches_tracked"):
            return torch.zeros(shape, dtype=torch.int64)
        return torch.from_numpy(np.asarray(weights.reference_tensor(name, shape)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


@pytest.fixture(
    scope="module", params=["clip_vit_b", pytest.param("eva02_l", marks=pytest.mark.heavy)]
)
def run(request) -> Run:
    shapes = json.loads((REFERENCE / f"{request.param}.keys.json").read_text())
    published = StandIn(shapes, copy_of_encoder=False)
    plan = plan_conversion(published.shapes)
    with skip_init():
        segmenter = Segmenter(plan.config).eval()
    segmenter.load_state_dict(dict(converted_tensors(plan, published)), assign=True)
    image = torch.from_numpy(weights.reference_image(512, 512, 0)).permute(2, 0, 1) / 255
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (plan.config.image_mean, plan.config.image_std)
    )
    with torch.inference_mode():
        return _compute(
            segmenter,
            _frozen_encoder(plan, shapes),
            ((image - mean) / std)[None],
            dict(np.load(REFERENCE / "seed0" / f"{request.param}.npz")),
            json.loads((REFERENCE / "seed0" / f"{request.param}.losses.json").read_text()),
        )


def _frozen_encoder(plan: Plan, shapes: dict[str, list[int]]) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the copy of the image encoder that a checkpoint holds, ``reg_E0.*``."""
    steps = tuple(step for step in plan.steps if step[0].startswith("backbone."))
    copy = converted_tensors(dataclasses.replace(plan, steps=steps), StandIn(shapes, True))
    return ((name.removeprefix(ENCODER), tensor) for name, tensor in copy)


def _compute(
    segmenter: Segmenter,
    frozen_encoder: Iterator[tuple[str, Tensor]],
    pixels: Tensor,
    expected: dict[str, np.ndarray],
    losses: dict[str, list[float]],
) -> Run:
    features = segmenter.encode_image(pixels)
    embeddings = segmenter.encode_text(open_clip.tokenize(list(CITYSCAPES_NAMES)))
    sentences = open_clip.tokenize([f"a clean origami of a {name}" for name in CITYSCAPES_NAMES])
    reference_text = F.normalize(segmenter.encode_text(sentences, with_prompt=False), dim=-1)
    assignment = QueryAssignment.trained(len(CITYSCAPES_NAMES))
    decoding = segmenter.decode(features, embeddings, assignment)
    scores = segmenter.semantic_scores(decoding.predictions[-1], assignment)
    scores = F.interpolate(scores, (512, 512), mode="bilinear", align_corners=False)[0]
    segmenter.image_encoder.load_state_dict(dict(frozen_encoder), assign=True)
    frozen_global_embedding = segmenter.image_encoder.run_tower(pixels).global_embedding
    pyramid, pixel_features = features.pyramid, decoding.pixels
    arrays = {
        "text_embeddings": embeddings,
        "conditioned_text": decoding.text_queries[0],
        "reference_text": reference_text,
        "global_embedding": features.global_embedding[0],
        "score_map": decoding.score_map[0],
        "pyramid0": pyramid[0][0, ::16, ::8, ::8],
        "pyramid1": pyramid[1][0, ::16, ::4, ::4],
        "pyramid2": pyramid[2][0, ::16, ::2, ::2],
        "pyramid3": pyramid[3][0, ::16],
        "mask_features": pixel_features.mask_features[0, ::8, ::8, ::8],
        "memory_s32": pixel_features.memories[2][0, ::8],
        "memory_s8": pixel_features.memories[0][0, ::8, ::4, ::4],
        "class_logits": torch.cat([p.class_logits for p in decoding.predictions]),
        "mask_logits": decoding.predictions[-1].mask_logits[0, :, ::4, ::4],
    }
    return Run(
        arrays={name: tensor.numpy() for name, tensor in arrays.items()},
        label_map=scores.argmax(0).numpy(),
        decoding=decoding,
        global_embedding=features.global_embedding,
        frozen_global_embedding=frozen_global_embedding,
        reference_text=reference_text,
        expected=expected,
        losses=losses,
    )


def labels() -> Tensor:
    stored = np.load(REFERENCE / "seed0" / "labels.npz")["labels"]
    return torch.from_numpy(stored).long()[None]


@pytest.mark.parametrize(
    "stage, tolerance",
    [
        ("text_embeddings", 1e-4),
        ("conditioned_text", 1e-4),
        ("reference_text", 1e-4),
        ("global_embedding", 1e-4),
        ("score_map", 1e-4),
        ("pyramid0", 1e-4),
        ("pyramid1", 1e-4),
        ("pyramid2", 1e-4),
        ("pyramid3", 1e-4),
        ("mask_features", 1e-4),
        ("memory_s32", 1e-4),
        ("memory_s8", 1e-4),
        ("class_logits", 1e-4),
        ("mask_logits", 1e-3),
    ],
)
def test_stage(run, stage, tolerance):
    ours, expected = run.arrays[stage], run.expected[stage]
    assert ours.shape == expected.shape
    difference = np.abs(ours - expected).max() / np.abs(expected).max()
    print(f"{stage}: {difference:.1e} of the largest value")
    assert difference <= tolerance


def test_label_map(run):
    share = (run.label_map == run.expected["label_map"]).mean()
    print(f"label map: equal on {share:.4%}")
    assert share >= 0.999


def test_losses_without_chance(run):
    losses = training_losses(
        run.decoding,
        Targets.whole(labels()),
        run.global_embedding,
        run.frozen_global_embedding,
        run.reference_text,
        TrainConfig(points_per_mask=16),
    )
    ours = {
        "reg.textual.loss": losses.textual,
        "reg.visual.loss": losses.visual,
        "scr_map.loss_seg": losses.pixel_text,
    }
    ours |= {_key(i, "cls"): loss for i, loss in enumerate(losses.classes)}
    for name, loss in ours.items():
        print(f"{name}: {float(loss):.6f}, published {run.losses[name][0]:.6f}")
        assert float(loss) == pytest.approx(run.losses[name][0], rel=1e-4)


def test_losses_on_sampled_points(run):
    torch.manual_seed(0)
    points = TrainConfig().points_per_mask
    targets = Targets.whole(labels())
    draws = [mask_losses(run.decoding.predictions, targets, points)[1:] for _ in range(DRAWS)]
    draws = torch.stack([torch.stack(draw) for draw in draws])  # (draws, mask or dice, L)
    for index in range(draws.shape[2]):
        for kind, ours in zip(("mask", "dice"), draws[:, :, index].T, strict=True):
            mean, deviation = run.losses[_key(index, kind)]
            error = ((ours.var().item() + deviation**2) / DRAWS) ** 0.5
            distance = (ours.mean().item() - mean) / error
            print(f"{_key(index, kind)}: {ours.mean():.4f}, published {mean:.4f}: {distance:+.1f}")
            assert abs(distance) < 4
            assert 0.4 < ours.std().item() / deviation < 2.5


def _key(index: int, kind: str) -> str:
    """The published name of a loss of prediction ``index``, 0 to 9."""
    return f"decode.loss_{kind}" if index == 9 else f"decode.d{index}.loss_{kind}"
