"""Views of pictures as training batches: resize, crop, flip, photometric distortion.

Views of pictures in memory are cut by one ``grid_sample`` on whatever device they are, those of
files one by one by numpy, to the same result. Chance comes from numpy generators only.
Source: mmsegmentation's Resize, RandomCrop, RandomFlip, PhotoMetricDistortion, Normalize and Pad.

Axes: B views; H W pixels of a picture; s side of the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.data.sampling import View
from tqdm_demo.vocabulary import IGNORED

BRIGHTNESS = 32.0  # added, of 255
CONTRAST = SATURATION = (0.5, 1.5)  # factors
HUE_STEPS = 18  # of 2 degrees, up or down


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        pixels: float32 (B, 3, s, s), normalised; 0 beyond the picture.
        labels: int64 (B, s, s) train ids; 255 = ignored, also beyond the picture.
    """

    pixels: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Distortion:
    """How the colours of one picture change.

    Attributes:
        brightness: added, of 255.
        contrast, saturation: factors.
        hue: degrees.
        contrast_first: contrast comes before saturation and hue, not after.
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    contrast_first: bool


def cut_views(
    images: torch.Tensor, labels: torch.Tensor, views: Sequence[View], crop: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cuts views out of their pictures, bilinearly (labels: nearest).

    Args:
        images: uint8 (B, H, W, 3), the picture of each view.
        labels: uint8 (B, H, W).
        views: the B views.
        crop: side s of the result.

    Returns:
        float32 (B, 3, s, s) in 0..255, int64 (B, s, s), and bool (B, s, s): inside the picture.
    """
    height, width = labels.shape[1:]
    grid = torch.stack(
        [_positions(views, crop, "x", width), _positions(views, crop, "y", height)]
    ).to(images.device)
    x, y = grid[0, :, None, :], grid[1, :, :, None]
    inside = (x.abs() < 1) & (y.abs() < 1)
    grid = torch.stack(torch.broadcast_tensors(x, y), dim=-1)
    # Beyond the edge the picture's own border is repeated, so that no black seeps in.
    sampling = {"padding_mode": "border", "align_corners": False}
    pixels = F.grid_sample(images.permute(0, 3, 1, 2).float(), grid, mode="bilinear", **sampling)
    classes = F.grid_sample(labels[:, None].float(), grid, mode="nearest", **sampling)
    return pixels, classes[:, 0].long().masked_fill(~inside, IGNORED), inside


def _positions(views: Sequence[View], crop: int, axis: str, side: int) -> torch.Tensor:
    """:func:`_edge_positions` of B views as (B, s), in grid_sample's unit: edges are -1 and 1."""
    rows = [_edge_positions(view, crop, axis, side) / side * 2 - 1 for view in views]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def _edge_positions(view: View, crop: int, axis: str, side: int) -> np.ndarray:
    """Where the s columns (axis x) or rows (y) of a view lie in its picture: float64 (s,).

    The unit is the picture's pixel, 0 and ``side`` are its edges. A flip mirrors what the view
    shows of the picture; padding stays on the right.
    """
    line = np.arange(crop) + 0.5
    if axis == "x" and view.flip:
        line = min(crop, round(side * view.scale) - view.left) - line
    return (line + (view.left if axis == "x" else view.top)) / view.scale


def cut_view(
    image: np.ndarray, labels: np.ndarray, view: View, crop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts one view out of a picture of any size, touching only what it shows.

    Args:
        image: uint8 (H, W, 3).
        labels: uint8 (H, W).
        view: which part.
        crop: side s of the result.

    Returns:
        What :func:`cut_views` gives for one picture, rounded: uint8 (s, s, 3), uint8 (s, s) and
        bool (s, s).
    """
    height, width = labels.shape
    y = _edge_positions(view, crop, "y", height)
    x = _edge_positions(view, crop, "x", width)
    inside = ((y > 0) & (y < height))[:, None] & ((x > 0) & (x < width))
    above, below, share_y = _neighbours(y, height)
    before, after, share_x = _neighbours(x, width)
    # Columns first: a flipped view may need them in any order, rows are contiguous.
    first, last = int(above.min()), int(below.max()) + 1
    strip = image[first:last]
    share_x = share_x[:, None].astype(np.float32)
    strip = strip[:, before] * (1 - share_x) + strip[:, after] * share_x
    share_y = share_y[:, None, None].astype(np.float32)
    pixels = strip[above - first] * (1 - share_y) + strip[below - first] * share_y
    rows = np.floor(y).astype(np.int64).clip(0, height - 1)
    columns = np.floor(x).astype(np.int64).clip(0, width - 1)
    ids = np.where(inside, labels[np.ix_(rows, columns)], np.uint8(IGNORED))
    return np.round(pixels).astype(np.uint8), ids, inside


def _neighbours(places: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels before and after each place (0 and ``side`` are edges), and the latter's share."""
    centres = (places - 0.5).clip(0, side - 1)
    before = np.floor(centres).astype(np.int64)
    return before, np.minimum(before + 1, side - 1), centres - before


def draw_distortion(rng: np.random.Generator) -> Distortion:
    """Each change with probability 1/2; hue in OpenCV's steps of 2 degrees, as published."""
    applied = rng.random(4) < 0.5
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    contrast, saturation = rng.uniform(*CONTRAST), rng.uniform(*SATURATION)
    hue = 2.0 * rng.integers(-HUE_STEPS, HUE_STEPS)
    return Distortion(
        brightness=float(brightness) if applied[0] else 0.0,
        contrast=float(contrast) if applied[1] else 1.0,
        saturation=float(saturation) if applied[2] else 1.0,
        hue=float(hue) if applied[3] else 0.0,
        contrast_first=bool(rng.random() < 0.5),
    )


def distort(images: torch.Tensor, distortions: Sequence[Distortion]) -> torch.Tensor:
    """Photometric distortion of float (B, 3, H, W) in 0..255, one of ``distortions`` for each.

    Brightness, then contrast (for half of the pictures it comes last), saturation, hue.
    NOTE(upstream): values stay real numbers between the steps; the original rounds each to uint8.
    """

    def values(name: str) -> torch.Tensor:
        column = [float(getattr(distortion, name)) for distortion in distortions]
        return torch.tensor(column, device=images.device).view(-1, 1, 1, 1)

    contrast, first = values("contrast"), values("contrast_first") > 0
    images = (images + values("brightness")).clamp(0, 255)
    images = (images * torch.where(first, contrast, 1)).clamp(0, 255)
    images = scale_saturation(images, values("saturation"))
    images = turn_hue(images, values("hue"))
    return (images * torch.where(first, 1, contrast)).clamp(0, 255)


def scale_saturation(images: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """HSV saturation times ``factor`` (B, 1, 1, 1), at most 1, of float (B, 3, H, W) in 0..255.

    Value and hue stay, so every channel keeps its place between the smallest and the largest.
    """
    value = images.amax(1, keepdim=True)
    saturation = (value - images.amin(1, keepdim=True)) / value.clamp(min=1e-6)
    factor = torch.minimum(factor, 1 / saturation.clamp(min=1e-6))
    return value - (value - images) * factor


def turn_hue(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """HSV hue plus ``degrees`` (B, 1, 1, 1) of float (B, 3, H, W) in 0..255."""
    value = images.amax(1, keepdim=True)
    chroma = value - images.amin(1, keepdim=True)
    red, green, blue = images.split(1, dim=1)
    safe = chroma.clamp(min=1e-6)
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    # Channel n of a colour: value - chroma * clip(min(k, 4 - k), 0, 1), k = (n + hue) mod 6.
    offsets = images.new_tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1)
    place = (offsets + sector + degrees / 60) % 6
    return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)
