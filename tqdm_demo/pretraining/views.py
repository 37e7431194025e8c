"""Random views of labelled pictures for the CLIP pre-training: zoomed crops, flips, colour casts.

Axes: B pictures of a batch; H W pixels of the picture; oH oW pixels of the view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of one size.

    Attributes:
        images: uint8 (N, H, W, 3) RGB, may be memory-mapped.
        labels: uint8 (N, H, W) concepts, 255 = not labelled.
        domains: per picture, its domain's name and phrase.
        labelled: the concepts that the labels tell apart; Cityscapes' where nothing is said.
    """

    images: np.ndarray
    labels: np.ndarray
    domains: list[tuple[str, str]]
    labelled: tuple[int, ...] = tuple(range(19))


@dataclass(frozen=True)
class Views:
    """A batch of views.

    Attributes:
        images: uint8 (B, oH, oW, 3) RGB.
        labels: uint8 (B, oH, oW) concepts, 255 = not labelled.
        domains: per view, its domain's name and phrase.
        labelled: per view, the concepts that its labels tell apart.
    """

    images: torch.Tensor
    labels: torch.Tensor
    domains: list[tuple[str, str]]
    labelled: list[tuple[int, ...]]


def draw_views(
    pictures: Pictures,
    count: int,
    size: tuple[int, int],
    zoom: tuple[float, float],
    rng: np.random.Generator,
    shares: np.ndarray | None = None,
) -> Views:
    """``count`` random views of random pictures.

    Args:
        pictures: what to draw from.
        count: number of views B.
        size: (oH, oW) in pixels.
        zoom: range of output pixels per picture pixel, drawn log-uniformly; raised where a view
            would not fit into the picture.
        rng: source of chance.
        shares: float (N,), probability of each picture; None = all alike.
    """
    chosen = np.sort(rng.choice(len(pictures.images), count, p=shares))
    height, width = pictures.labels.shape[1:]
    least = max(size[0] / height, size[1] / width)
    zooms = np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]), count)).clip(min=least)
    share_y, share_x = size[0] / zooms / height, size[1] / zooms / width
    flip = rng.choice([-1.0, 1.0], count)
    matrix = np.zeros((count, 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 1, 1] = share_x * flip, share_y
    matrix[:, 0, 2] = (1 - share_x) * rng.uniform(-1, 1, count)
    matrix[:, 1, 2] = (1 - share_y) * rng.uniform(-1, 1, count)
    grid = F.affine_grid(torch.from_numpy(matrix), (count, 3, *size), align_corners=False)
    images = torch.from_numpy(pictures.images[chosen]).permute(0, 3, 1, 2).float()
    labels = torch.from_numpy(pictures.labels[chosen])[:, None].float()
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    labels = F.grid_sample(labels, grid, "nearest", padding_mode="border", align_corners=False)
    images = _colour_cast(images, rng).permute(0, 2, 3, 1).round().to(torch.uint8)
    domains = [pictures.domains[n] for n in chosen]
    labelled = [pictures.labelled] * count
    return Views(images, labels[:, 0].to(torch.uint8), domains, labelled)


def join_views(parts: list[Views]) -> Views:
    """Several batches of one view size as one."""
    return Views(
        torch.cat([p.images for p in parts]),
        torch.cat([p.labels for p in parts]),
        [domain for p in parts for domain in p.domains],
        [labelled for p in parts for labelled in p.labelled],
    )


def _colour_cast(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Random brightness, contrast and gain of each channel of (B, 3, oH, oW) in 0..255; a third
    lies under an even haze of any colour."""
    count = len(images)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.1, (count, 3, 1, 1)))).float()
    contrast = torch.from_numpy(np.exp(rng.normal(0, 0.15, (count, 1, 1, 1)))).float()
    brightness = torch.from_numpy(rng.normal(0, 14, (count, 1, 1, 1))).float()
    images = (images - 128) * contrast * gain + 128 + brightness
    dense = rng.uniform(0, 0.5, (count, 1, 1, 1)) * (rng.random((count, 1, 1, 1)) < 1 / 3)
    colour = torch.from_numpy(rng.uniform(60, 255, (count, 3, 1, 1))).float()
    return images.lerp(colour, torch.from_numpy(dense).float()).clamp(0, 255)
