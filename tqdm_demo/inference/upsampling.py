"""Score maps to the labels of pixels: bilinear resizing, without K maps of the picture's size.

Axes: H W the picture; h w a score map; K names; n pixels that are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

# Values of one block of resized scores.
_BLOCK = 1 << 24
# Side of a tile in pixels, and what rounding may add to a score, as a share of the largest.
_TILE = 128
_ROUNDING = 1e-5
# Matrices that are kept, of a side and a device each.
_KEPT = 16


def upsample_argmax(scores: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Resizes scores (K, h, w) to ``size`` = (H, W) and takes the largest: uint8 (H, W).

    On a CPU only those names are resized, tile by tile, that can win there: a resized score lies
    between those of the cells around it, so a name whose largest cell is below the smallest cell
    of another one is out. Elsewhere a few rows at a time, all names.
    """
    rows, columns = (
        _matrix(side, cells, scores.dtype, scores.device)
        for side, cells in zip(size, scores.shape[1:], strict=True)
    )
    if scores.is_cpu:
        return _label_tiles(scores, _tiles(rows), _tiles(columns))
    return _label_rows(scores, rows, columns)


@lru_cache(_KEPT)
def _matrix(side: int, cells: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return bilinear_matrix(pixel_positions(side, side), side, cells).to(device, dtype)


def _label_rows(scores: Tensor, rows: Tensor, columns: Tensor) -> np.ndarray:
    """See :func:`upsample_argmax`; the labels leave their device once."""
    wide = scores @ columns.T
    step = max(1, _BLOCK // (len(scores) * len(columns)))
    parts = [first_largest(block @ wide) for block in rows.split(step)]
    return torch.cat(parts).cpu().numpy()


def first_largest(maps: Tensor) -> Tensor:
    """Which of K <= 255 maps (K, n, m) is the largest, the first of several: uint8 (n, m).

    ``max`` gives the same, in four times the time on a CPU: it does not use vector instructions.
    """
    if not maps.is_cpu:
        return maps.max(dim=0).indices.to(torch.uint8)
    ranks = torch.arange(len(maps), 0, -1, dtype=torch.uint8, device=maps.device)
    best = ((maps == maps.amax(dim=0)).view(torch.uint8) * ranks[:, None, None]).amax(dim=0)
    if not best.all():  # not a number equals nothing
        return maps.max(dim=0).indices.to(torch.uint8)
    return len(maps) - best


@dataclass(frozen=True)
class _Tile:
    """One side of a tile.

    Attributes:
        pixels: of the picture.
        cells: of the score map that they lie between.
        weights: float32 (pixels, cells), bilinear.
    """

    pixels: slice
    cells: slice
    weights: Tensor


def _tiles(matrix: Tensor) -> list[_Tile]:
    """Cuts :func:`bilinear_matrix` (n, cells) into tiles of :data:`_TILE` pixels."""
    tiles = []
    for start, part in zip(range(0, len(matrix), _TILE), matrix.split(_TILE), strict=True):
        used = part.any(dim=0).nonzero()[:, 0]
        cells = slice(int(used[0]), int(used[-1]) + 1)
        weights = part[:, cells].contiguous()
        tiles.append(_Tile(slice(start, start + len(part)), cells, weights))
    return tiles


def _label_tiles(scores: Tensor, rows: list[_Tile], columns: list[_Tile]) -> np.ndarray:
    """See :func:`upsample_argmax`."""
    labels = torch.empty(rows[-1].pixels.stop, columns[-1].pixels.stop, dtype=torch.uint8)
    margin = _ROUNDING * scores.abs().max()
    for row in rows:
        strip = scores[:, row.cells]
        high, low = strip.amax(dim=1), strip.amin(dim=1)
        for column in columns:
            bound = low[:, column.cells].amin(dim=1).max() - margin
            # Not below, rather than above: what is not finite stays in.
            able = (~(high[:, column.cells].amax(dim=1) < bound)).nonzero()[:, 0]
            tile = labels[row.pixels, column.pixels]
            if len(able) == 1:
                tile.fill_(able[0])
                continue
            small = strip[able, :, column.cells]
            resized = row.weights @ (small @ column.weights.T)
            tile.copy_(able[first_largest(resized).long()])
    return labels.numpy()


def bilinear_matrix(positions: Tensor, length: int, cells: int) -> Tensor:
    """The weights (n, cells) with which bilinear resizing makes pixels of the cells of a map.

    ``torch.nn.functional.interpolate`` without aligned corners, at any positions.

    Args:
        positions: (n,) in pixels; the centre of the first pixel is 0.
        length: pixels that the map covers.
        cells: of the map along this side.
    """
    places = ((positions + 0.5) * (cells / length) - 0.5).clamp(0, cells - 1)
    below = places.floor().long()
    above = (below + 1).clamp(max=cells - 1)
    share = (places - below).float()
    weights = torch.zeros(len(positions), cells)
    index = torch.arange(len(positions))
    weights[index, below] += 1 - share
    weights[index, above] += share
    return weights


def pixel_positions(count: int, length: int) -> Tensor:
    """Positions of ``count`` pixel centres that share ``length`` pixels, float64."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) * (length / count) - 0.5
