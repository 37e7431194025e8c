"""Pictures of any size in windows, and score maps back to pixels, in bounded memory.

The published evaluation: windows of the training size, starting a fixed step apart, the last ones
shifted back inside; the scores of a window are resized to it bilinearly, summed where windows
overlap and divided by their number. Here the sums are kept for one row of windows at a time.

Axes: B windows; H W the picture; h w a score map; K names; n m pixels that are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.inference.upsampling import bilinear_matrix, first_largest, pixel_positions

# Longest side that a small picture is enlarged to, in window sides.
_LONGEST = 8
# Pixels of the maps that are kept for display.
_SHOWN_PIXELS = 1 << 19
# Rows that are labelled at once: their means need memory, K times as much as the rows.
_LABELLED = 64
# Matrices that are kept: those of one picture, 256 KB each for windows of 512 pixels.
_KEPT = 64


@dataclass(frozen=True)
class Window:
    """One window: its upper left corner in the resized picture, in pixels."""

    top: int
    left: int


@dataclass(frozen=True)
class Merged:
    """Scores and labels of a whole picture, merged from its windows or made in one pass.

    Attributes:
        label_map: uint8 (H, W), the index of the largest score.
        scores: float32 (K, h, w), mean scores on a coarser grid over the whole picture.
        similarity: float32 (K, h, w), mean similarity on the same grid; None where there is none.
    """

    label_map: np.ndarray
    scores: Tensor
    similarity: Tensor | None = None


@dataclass(frozen=True)
class SlidingWindow:
    """Windows of one size that go over a picture of any size.

    Attributes:
        window: (height, width) of a window in pixels.
        stride: step between windows in pixels, down and to the right.
        batch: windows that are answered at once.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    batch: int

    def resized_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size (H, W) to which a picture of ``size`` is brought before it is cut into windows.

        It stays as it is where a window fits into it. A smaller one is enlarged until its sides
        are as long as a window's; a long strip is stretched rather than enlarged without bounds.

        NOTE(upstream): the published evaluation brings every picture to one large size first, so a
        picture that is smaller than a window never came up.
        """
        scale = max(1.0, *(side / own for side, own in zip(self.window, size, strict=True)))
        rows, columns = (
            max(own, side, min(round(own * scale), _LONGEST * side))
            for own, side in zip(size, self.window, strict=True)
        )
        return rows, columns

    def merge(
        self,
        answer: Callable[[list[Window]], Sequence[Tensor]],
        size: tuple[int, int],
        resized: tuple[int, int],
    ) -> Merged:
        """Runs all windows of a picture and merges their scores.

        Args:
            answer: scores, and similarity if there is one, each (B, K, ., .), of a list of windows.
            size: (H, W) of the result.
            resized: (H, W) of the picture that is cut, see :meth:`resized_size`.
        """
        window, stride = self.window, self.stride
        # The sums reach across the picture along its shorter side.
        turned = size[1] > size[0]
        if turned:
            size, resized, window, stride = (p[::-1] for p in (size, resized, window, stride))
        starts = [window_starts(*sides) for sides in zip(resized, window, stride, strict=True)]
        strip = _Strip(size, resized, window)
        shown = _Shown(resized, window)
        for top in starts[0]:
            strip.move_to(top)
            for lefts in _chunks(starts[1], self.batch):
                corners = [Window(left, top) if turned else Window(top, left) for left in lefts]
                found = [m.transpose(-1, -2) if turned else m for m in answer(corners)]
                for left, *maps in zip(lefts, *found, strict=True):
                    strip.add(left, maps[0])
                    shown.add(top, left, *maps)
        label_map, means = strip.finish(), shown.means()
        if turned:
            label_map = np.ascontiguousarray(label_map.T)
            means = [mean.transpose(1, 2) for mean in means]
        return Merged(label_map, *means)


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows start along one side, the last one shifted back inside.

    Args:
        length: of the side in pixels, at least ``window``.
        window: side of a window.
        stride: step from one window to the next.
    """
    count = math.ceil((length - window) / stride) + 1
    return [min(index * stride, length - window) for index in range(count)]


def shrink_maps(maps: Tensor) -> Tensor:
    """Maps (K, h, w) of at most half a million places: what is kept for display."""
    step = math.sqrt(maps.shape[1] * maps.shape[2] / _SHOWN_PIXELS)
    if step <= 1:
        return maps
    size = [int(side / step) for side in maps.shape[1:]]
    return F.adaptive_avg_pool2d(maps, size)


class _Axis:
    """One side of a grid of pixels that are asked for, laid over the resized picture."""

    def __init__(self, count: int, resized: int, window: int) -> None:
        self.count = count
        self.window = window
        self._positions = pixel_positions(count, resized)
        self._resized = resized

    def covered(self, start: int) -> tuple[int, int]:
        """First pixel in the window that starts at ``start``, and the first one behind it."""
        edges = torch.tensor([start, start + self.window]) - 0.5
        first, behind = torch.searchsorted(self._positions, edges.to(self._positions)).tolist()
        return first, behind

    def weights(self, start: int, cells: int, like: Tensor) -> Tensor:
        """Bilinear weights (n, cells) of the covered pixels over the cells of the window's map.

        They are kept, with the dtype and device of ``like``: a GPU would wait for every copy.
        """
        about = (self.count, self._resized, self.window, start, cells)
        return _weights(*about, like.dtype, like.device)


@lru_cache(_KEPT)
def _weights(
    count: int,
    resized: int,
    window: int,
    start: int,
    cells: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """See :meth:`_Axis.weights`."""
    axis = _Axis(count, resized, window)
    first, behind = axis.covered(start)
    positions = pixel_positions(count, resized)[first:behind] - start
    return bilinear_matrix(positions, window, cells).to(device, dtype)


class _Strip:
    """Summed scores of the current row of windows; rows that no later one touches are labels."""

    def __init__(
        self, size: tuple[int, int], resized: tuple[int, int], window: tuple[int, int]
    ) -> None:
        self._rows, self._columns = map(_Axis, size, resized, window)
        self._size = size
        self._labels: Tensor | None = None  # uint8 (H, W), where the scores are
        # (K + 1, rows of the strip, W); the last plane counts windows.
        self._sums: Tensor | None = None
        self._first = 0  # row of the picture that the strip begins with
        self._top = 0

    def move_to(self, top: int) -> None:
        """Goes on to the row of windows that starts at ``top``."""
        first, behind = self._rows.covered(top)
        self._top = top
        if self._sums is None:
            return
        done = first - self._first
        self._label(done)
        kept = self._sums[:, done:]
        self._first = first
        fresh = kept.new_zeros(len(kept), behind - first - kept.shape[1], kept.shape[2])
        self._sums = torch.cat((kept, fresh), dim=1)

    def add(self, left: int, scores: Tensor) -> None:
        """Adds the scores (K, h, w) of the window that starts at the column ``left``."""
        if self._sums is None:
            first, behind = self._rows.covered(self._top)
            self._sums = scores.new_zeros(len(scores) + 1, behind - first, self._columns.count)
        first, behind = self._columns.covered(left)
        resized = _resized(scores, self._rows, self._columns, self._top, left)
        self._sums[:-1, :, first:behind] += resized
        self._sums[-1, :, first:behind] += 1

    def finish(self) -> np.ndarray:
        """The label map (H, W)."""
        self._label(self._sums.shape[1])
        return self._labels.cpu().numpy()

    def _label(self, count: int) -> None:
        """Labels the first rows of the strip."""
        row = self._first
        if self._labels is None:
            self._labels = self._sums.new_zeros(self._size, dtype=torch.uint8)
        step = _LABELLED if self._sums.is_cpu else max(count, 1)  # few launches
        for block in self._sums[:, :count].split(step, dim=1):
            means = block[:-1] / block[-1]
            # NOTE(upstream): the largest of the softmax. Where all scores are tiny it is the same
            # for several names in float32, and the first of them wins.
            labels = first_largest(means.softmax(dim=0))
            self._labels[row : row + len(labels)] = labels
            row += len(labels)


class _Shown:
    """Mean scores and similarities on a grid that is coarse enough to be kept."""

    def __init__(self, resized: tuple[int, int], window: tuple[int, int]) -> None:
        step = max(1, math.ceil(math.sqrt(resized[0] * resized[1] / _SHOWN_PIXELS)))
        counts = (math.ceil(side / step) for side in resized)
        self._rows, self._columns = map(_Axis, counts, resized, window)
        self._windows = torch.zeros(self._rows.count, self._columns.count)
        self._sums: list[Tensor] = []

    def add(self, top: int, left: int, *maps: Tensor) -> None:
        """Adds maps (K, ., .) of the window at (``top``, ``left``)."""
        if not self._sums:
            self._windows = self._windows.to(maps[0])
            self._sums = [m.new_zeros(len(m), *self._windows.shape) for m in maps]
        rows = slice(*self._rows.covered(top))
        columns = slice(*self._columns.covered(left))
        self._windows[rows, columns] += 1
        for sums, values in zip(self._sums, maps, strict=True):
            sums[:, rows, columns] += _resized(values, self._rows, self._columns, top, left)

    def means(self) -> tuple[Tensor, ...]:
        """The means (K, h, w) of what was added."""
        return tuple(sums.div_(self._windows) for sums in self._sums)


def _resized(scores: Tensor, rows: _Axis, columns: _Axis, top: int, left: int) -> Tensor:
    """A window's map (K, h, w) at the pixels (n, m) of the grid that it covers.

    NOTE(upstream): the map is laid over the whole window, also that of EVA, whose last patches end
    8 pixels before the right and the lower edge; so it is stretched by 512 / 504, as there.
    """
    down = rows.weights(top, scores.shape[1], scores)
    right = columns.weights(left, scores.shape[2], scores)
    return down @ scores @ right.T


def _chunks(values: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
