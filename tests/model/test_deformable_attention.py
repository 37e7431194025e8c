import math

import pytest
import torch

from tqdm_demo.model import deformable_attention
from tqdm_demo.model.deformable_attention import DeformableAttention
from tqdm_demo.model.layers import pixel_centres

SIZES = [(2, 3), (4, 5)]


def bilinear(level: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """Value of a map (C, h, w) at a place in pixels, pixel centres at .5, zero outside."""
    channels, rows, columns = level.shape
    total = torch.zeros(channels)
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    for column in (left, left + 1):
        for row in (top, top + 1):
            if 0 <= row < rows and 0 <= column < columns:
                share = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
                total += share * level[:, row, column]
    return total


@torch.no_grad()
def test_it_equals_the_definition_written_as_loops():
    torch.manual_seed(0)
    batch, count, width, heads, points = 2, 4, 12, 3, 2
    layer = DeformableAttention(width, heads, len(SIZES), points)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    queries = torch.randn(batch, count, width)
    values = torch.randn(batch, sum(h * w for h, w in SIZES), width)
    reference = torch.rand(count, 2)
    offsets = layer.offsets(queries).view(batch, count, heads, len(SIZES), points, 2)
    weights = layer.weights(queries).view(batch, count, heads, -1).softmax(-1)
    weights = weights.view(batch, count, heads, len(SIZES), points)
    projected = layer.value(values)
    attended = torch.zeros(batch, count, width)
    for b in range(batch):
        for n in range(count):
            for a in range(heads):
                part = slice(a * width // heads, (a + 1) * width // heads)
                start = 0
                for level, (h, w) in enumerate(SIZES):
                    level_map = projected[b, start : start + h * w, part].T.view(-1, h, w)
                    start += h * w
                    for p in range(points):
                        x = float(reference[n, 0] * w + offsets[b, n, a, level, p, 0])
                        y = float(reference[n, 1] * h + offsets[b, n, a, level, p, 1])
                        share = weights[b, n, a, level, p]
                        attended[b, n, part] += share * bilinear(level_map, x, y)
    expected = layer.output(attended)
    torch.testing.assert_close(
        layer(queries, values, reference, SIZES), expected, atol=1e-5, rtol=1e-4
    )


def test_it_starts_with_one_direction_per_head_and_one_distance_per_point():
    layer = DeformableAttention(16, 4, 2, 3)
    offsets = layer.offsets(torch.randn(1, 1, 16)).view(4, 2, 3, 2)
    right, down = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for level in range(2):
        for point in range(3):
            torch.testing.assert_close(offsets[0, level, point], right * (point + 1))
            torch.testing.assert_close(offsets[1, level, point], down * (point + 1))
    assert not layer.weights(torch.randn(1, 16)).any()


def test_under_autocast_the_sampling_places_are_float32(monkeypatch):
    """They differ from those of a pass in float32 by the rounding of the offsets alone."""
    torch.manual_seed(0)
    layer = DeformableAttention(12, 3, 1, 2)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    size = (60, 300)  # bfloat16 tells neighbours apart up to 256 only
    features = torch.randn(1, size[0] * size[1], 12)
    grids = []

    def keep(maps, grid, **how):
        grids.append(grid)
        return sample(maps, grid, **how)

    sample = deformable_attention.F.grid_sample
    monkeypatch.setattr(deformable_attention.F, "grid_sample", keep)
    layer(features, features, pixel_centres(size, features), [size])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = torch.nn.LayerNorm(12, elementwise_affine=False)(features).bfloat16()
        offsets = layer.offsets(features)
        layer(features, rounded, pixel_centres(size, rounded), [size])
    exact, found = grids
    assert found.dtype == torch.float32
    pixels = (found - exact).abs() * torch.tensor((size[1], size[0])) / 2
    assert pixels.max() < offsets.abs().max().float() * 2**-6


@pytest.mark.parametrize("sizes", [SIZES, [(5, 2), (3, 7)], [(1, 3), (4, 5)]])
def test_inference_reads_the_same_points_as_training(sizes):
    torch.manual_seed(3)
    layer = DeformableAttention(12, 3, 2, 4)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=1.5)  # many points lie beyond the edges
    values = torch.randn(2, sum(h * w for h, w in sizes), 12)
    queries, reference = torch.randn(2, 6, 12), torch.rand(6, 2)
    trained = layer(queries, values, reference, sizes)
    with torch.inference_mode():
        answered = layer(queries, values, reference, sizes)
    torch.testing.assert_close(answered, trained.detach(), atol=1e-4, rtol=1e-5)
