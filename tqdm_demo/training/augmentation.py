"""Views of pictures as training batches: resize, crop, flip, photometric distortion, normalise.

All views of a batch are cut by one ``grid_sample``, on whatever device the pictures are; chance
comes from numpy generators only, so that a resumed training continues exactly.
Source: mmsegmentation's Resize, RandomCrop, RandomFlip, PhotoMetricDistortion, Normalize and Pad.

Axes: B views; H W pixels of a picture; s side of the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.config import TrainConfig
from tqdm_demo.training.sampling import View, ViewSampler

IGNORED = 255
BRIGHTNESS = 32.0  # added, of 255
CONTRAST = SATURATION = (0.5, 1.5)  # factors
HUE = 36.0  # degrees; OpenCV's 18 steps of 2 degrees


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        pixels: float32 (B, 3, s, s), normalised; 0 beyond the picture.
        labels: int64 (B, s, s) train ids; 255 = ignored, also beyond the picture.
    """

    pixels: torch.Tensor
    labels: torch.Tensor


class BatchMaker:
    """Random training batches of labelled pictures.

    Args:
        images: uint8 (N, H, W, 3), may be memory-mapped.
        labels: uint8 (N, H, W) train ids or 255, likewise.
        classes: number of classes M.
        config: augmentation and batch size.
        mean: of R, G and B in [0, 1], as is ``std``.
        std: see ``mean``.
        device: where batches are made; a GPU keeps all pictures there as uint8.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        config: TrainConfig,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ):
        self.config, self.mean, self.std, self.device = config, mean, std, device
        self._sampler = ViewSampler(
            labels, classes, config.crop, config.resize_range, config.rare_classes
        )
        self._pictures = (images, labels)
        if device.type != "cpu":
            self._pictures = tuple(torch.from_numpy(a[:]).to(device) for a in (images, labels))

    def draw(self, rng: np.random.Generator) -> Batch:
        """The next batch; all chance comes from ``rng``."""
        views = [self._sampler.draw(rng) for _ in range(self.config.batch_size)]
        chosen = [view.picture for view in views]
        images, labels = (torch.as_tensor(pictures[chosen]) for pictures in self._pictures)
        pixels, classes, inside = cut_views(images, labels, views, self.config.crop)
        if self.config.photometric:
            pixels = distort(pixels, rng)
        pixels = normalise(pixels, self.mean, self.std)
        return Batch(pixels.masked_fill(~inside[:, None], 0), classes)


def normalise(images: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """float (B, 3, H, W) in 0..255 to (pixel / 255 - mean) / std of each channel."""
    scale = 1 / (255 * images.new_tensor(std))
    shift = images.new_tensor(mean) / images.new_tensor(std)
    return images * scale.view(3, 1, 1) - shift.view(3, 1, 1)


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
    """Where the s columns (axis x) or rows (y) of every view lie in its picture, as (B, s).

    The unit is grid_sample's: -1 and 1 are the picture's outer edges. A flip mirrors what the view
    shows of the picture; padding stays on the right.
    """
    centres = np.arange(crop) + 0.5
    rows = []
    for view in views:
        line = centres + (view.left if axis == "x" else view.top)
        if axis == "x" and view.flip:
            line = view.left + min(crop, round(side * view.scale)) - centres
        rows.append(line / (side * view.scale) * 2 - 1)
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def distort(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Photometric distortion of float (B, 3, H, W) in 0..255, each step with probability 1/2.

    Brightness, then contrast (for half of the pictures it comes last), saturation, hue.
    NOTE(upstream): values stay real numbers between the steps; the original rounds each to uint8.
    """
    count = len(images)

    def sometimes(low: float, high: float, neutral: float) -> torch.Tensor:
        values = np.where(rng.random(count) < 0.5, rng.uniform(low, high, count), neutral)
        return torch.from_numpy(values.astype(np.float32)).to(images.device).view(-1, 1, 1, 1)

    contrast = sometimes(*CONTRAST, neutral=1)
    first = torch.from_numpy(rng.random(count) < 0.5).to(images.device).view(-1, 1, 1, 1)
    images = (images + sometimes(-BRIGHTNESS, BRIGHTNESS, neutral=0)).clamp(0, 255)
    images = (images * torch.where(first, contrast, 1)).clamp(0, 255)
    images = scale_saturation(images, sometimes(*SATURATION, neutral=1))
    images = turn_hue(images, sometimes(-HUE, HUE, neutral=0))
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
