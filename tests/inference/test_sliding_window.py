"""Windows against a slow version that keeps everything, and against the published code."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.checkpoints.published.plan import converted_tensors
from tqdm_demo.checkpoints.published.tqdm_models import plan_conversion
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.inference import sliding_window
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import cut_window
from tqdm_demo.inference.sliding_window import (
    SlidingWindow,
    Window,
    window_starts,
)
from tqdm_demo.inference.upsampling import bilinear_matrix, upsample_argmax
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.systems.trained import TrainedModel

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
WINDOW, STRIDE = (36, 28), (24, 19)
NAMES = 5


def maps(windows: list[Window]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random scores and similarities of windows: the same window, the same numbers."""
    drawn = []
    for window in windows:
        generator = torch.Generator().manual_seed(1000 * window.top + window.left)
        drawn.append(torch.rand(2, NAMES, 9, 7, generator=generator))
    return tuple(torch.stack(drawn).unbind(1))


def slow_means(size: tuple[int, int]) -> list[torch.Tensor]:
    """The published rule: every window resized, added, divided by the number of windows."""
    sums, count = [torch.zeros(NAMES, *size) for _ in range(2)], torch.zeros(size)
    down, right = (
        max(side - own + step - 1, 0) // step + 1
        for side, own, step in zip(size, WINDOW, STRIDE, strict=True)
    )
    for row in range(down):
        for column in range(right):
            bottom = min(row * STRIDE[0] + WINDOW[0], size[0])
            end = min(column * STRIDE[1] + WINDOW[1], size[1])
            top, left = bottom - WINDOW[0], end - WINDOW[1]
            for total, found in zip(sums, maps([Window(top, left)]), strict=True):
                total[:, top:bottom, left:end] += F.interpolate(found, WINDOW, mode="bilinear")[0]
            count[top:bottom, left:end] += 1
    return [total / count for total in sums]


@pytest.mark.parametrize("size", [(70, 50), (50, 71), (36, 28), (100, 29), (36, 28 + 19)])
@pytest.mark.parametrize("batch", [1, 3])
def test_overlapping_windows_are_averaged(size, batch, monkeypatch):
    monkeypatch.setattr("tqdm_demo.inference.sliding_window._LABELLED", 5)
    scores, similarity = slow_means(size)
    merged = SlidingWindow(WINDOW, STRIDE, batch).merge(maps, size, size)
    expected = scores.softmax(dim=0).argmax(dim=0).numpy()
    assert (merged.label_map == expected).mean() > 0.999  # but for ties
    assert merged.label_map.dtype == np.uint8
    assert torch.allclose(merged.scores, scores, atol=1e-6)
    assert torch.allclose(merged.similarity, similarity, atol=1e-6)


def test_the_weights_of_windows_that_start_alike_are_made_once(monkeypatch):
    made = []

    def make(positions, *sides):
        made.append(sides)
        return bilinear_matrix(positions, *sides)

    monkeypatch.setattr("tqdm_demo.inference.sliding_window.bilinear_matrix", make)
    sliding_window._weights.cache_clear()  # they are kept for the next picture
    size = (103, 91)
    for _ in range(2):
        SlidingWindow(WINDOW, STRIDE, 2).merge(maps, size, size)
    starts = [len(window_starts(*sides)) for sides in zip(size, WINDOW, STRIDE, strict=True)]
    assert starts == [4, 5]  # 20 windows
    assert len(made) == sum(starts)  # what is shown of a small picture has its pixels


def test_the_sums_of_a_large_picture_are_not_kept(monkeypatch):
    """The maps of many names are kept coarsely, and no tensor has the size of the picture."""
    monkeypatch.setattr("tqdm_demo.inference.sliding_window._SHOWN_PIXELS", 1000)
    size = (300, 150)
    merged = SlidingWindow(WINDOW, STRIDE, 4).merge(maps, size, size)
    assert merged.label_map.shape == size
    assert merged.scores.shape == merged.similarity.shape == (NAMES, 43, 22)
    scores, _ = slow_means(size)
    coarse = F.interpolate(scores[None], (43, 22), mode="bilinear")[0]
    # They differ beside the edges of windows only, where a resized map mixes both sides.
    assert ((merged.scores - coarse).abs() < 0.02).float().mean() > 0.7


def resident(kind: str) -> int:
    """Bytes of this process in memory, now (VmRSS) or at most since the last reset (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(kind))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
@pytest.mark.parametrize("mode", ["windows", "single"])
def test_48_megapixels_take_less_memory_than_the_maps_of_the_names(mode):
    size = (8000, 6000)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = resident("VmRSS")
    if mode == "windows":
        windows = SlidingWindow((512, 512), (341, 341), 4)
        label_map = windows.merge(maps, size, size).label_map
    else:
        label_map = upsample_argmax(torch.rand(NAMES, 32, 24), size)
    assert label_map.shape == size and label_map.max() == NAMES - 1
    taken = resident("VmHWM") - before
    print(f"{mode}: {taken / 2**20:.0f} MiB for 48 megapixels")
    assert taken < 0.5 * NAMES * 4 * size[0] * size[1]


def test_the_last_windows_are_shifted_back_inside():
    assert window_starts(512, 512, 341) == [0]
    assert window_starts(640, 512, 341) == [0, 128]
    assert window_starts(960, 512, 341) == [0, 341, 448]
    assert len(window_starts(1024, 512, 341)) == 3 and len(window_starts(2048, 512, 341)) == 6
    assert len(window_starts(720, 512, 341)) == 2 and len(window_starts(1280, 512, 341)) == 4


@pytest.mark.parametrize(
    ("size", "resized"),
    [
        ((512, 512), (512, 512)),
        ((640, 960), (640, 960)),
        ((16, 16), (512, 512)),
        ((300, 400), (512, 683)),
        ((8000, 6000), (8000, 6000)),
        ((16, 3000), (512, 4096)),  # stretched, not enlarged 32 times
        ((9000, 16), (9000, 512)),
    ],
)
def test_small_pictures_are_enlarged_within_bounds(size, resized):
    assert SlidingWindow((512, 512), (341, 341), 4).resized_size(size) == resized


def test_a_cut_of_an_enlarged_picture_is_that_of_the_enlarged_picture():
    rows, columns = np.mgrid[0:40, 0:60]
    image = np.stack([rows * 5, columns * 4, rows + columns], axis=-1).astype(np.uint8)
    whole = np.asarray(cut_window(image, (120, 180), 0, 0, (120, 180))).astype(int)
    part = cut_window(image, (120, 180), 30, 77, (50, 64)).astype(int)
    assert part.shape == (50, 64, 3)
    assert np.abs(part - whole[30:80, 77:141]).max() <= 4
    same = cut_window(image, (40, 60), 3, 5, (7, 11))
    np.testing.assert_array_equal(same, image[3:10, 5:16])


@pytest.fixture(scope="module")
def published() -> tuple[Predictor, np.ndarray]:
    """The structure of the published CLIP ViT-B/16 model with stand-in values, and a picture."""
    spec = importlib.util.spec_from_file_location("weights", REFERENCE / "reference_weights.py")
    weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(weights)
    shapes = json.loads((REFERENCE / "clip_vit_b.keys.json").read_text())
    plan = plan_conversion({name: tuple(shape) for name, shape in shapes.items()})
    state = {name: _stand_in(weights, name, shapes[name]) for name, _, _ in plan.steps}
    with skip_init():
        segmenter = Segmenter(plan.config).eval()
    segmenter.load_state_dict(dict(converted_tensors(plan, state)), assign=True)
    return Predictor(TrainedModel(segmenter), window_batch=2), weights.reference_image(640, 960, 0)


def _stand_in(weights: ModuleType, name: str, shape: list[int]) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    return torch.from_numpy(np.asarray(weights.reference_tensor(name, tuple(shape))))


@pytest.mark.slow
def test_windows_equal_the_published_evaluation(published, monkeypatch):
    monkeypatch.setattr("tqdm_demo.inference.sliding_window._SHOWN_PIXELS", 640 * 960)
    predictor, image = published
    calls = []
    encode_names = predictor.model.encode_names
    monkeypatch.setattr(
        predictor.model, "encode_names", lambda names: calls.append(names) or encode_names(names)
    )
    result = predictor.segment(image)
    assert result.mode == "windows" and len(calls) == 1, "names are encoded once"
    expected = np.load(REFERENCE / "seed0" / "clip_vit_b.slide.npz")
    equal = (result.label_map == expected["label_map"]).mean()
    probabilities = torch.from_numpy(result.scores).softmax(dim=0)[:, ::32, ::32].numpy()
    difference = np.abs(probabilities - expected["probabilities"]).max()
    print(f"label map equal on {equal:.4%}, probabilities differ by at most {difference:.1e}")
    assert equal >= 0.999
    assert difference < 1e-3 * expected["probabilities"].max()
