"""Which picture and which part of it comes next: rare-class sampling and random crops.

Source: the published ``mmseg/datasets/ug_dataset.py`` and mmsegmentation's RandomCrop. A class is
drawn first, then a picture that shows enough of it, then crops until one shows enough of it.

Axes: N pictures; H W pixels of a picture; M classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TEMPERATURE = 100.0  # published; so high that all classes are drawn about equally often
PICTURE_SHARE = 3000 / 512**2  # a picture counts for a class from this share of a crop's area on
CROP_SHARE = PICTURE_SHARE / 2
CROP_DRAWS = 11  # the first draw and up to ten more until the crop shows enough of the class
BOX_DRAWS = 10  # until no class fills more than MAJORITY of the crop
MAJORITY = 0.75


@dataclass(frozen=True)
class View:
    """A square part of a resized picture.

    Attributes:
        picture: index of the picture.
        scale: pixels of the resized picture per pixel of the picture.
        top, left: corner of the crop, in pixels of the resized picture; the crop may reach beyond
            the picture's bottom and right edges.
        flip: mirrored left to right after the crop.
    """

    picture: int
    scale: float
    top: int
    left: int
    flip: bool


class ViewSampler:
    """Draws random views of labelled pictures.

    Args:
        labels: uint8 (N, H, W) train ids, 255 = not labelled; may be memory-mapped.
        classes: number of classes M.
        crop: side of the crops in pixels.
        resize_range: smallest and largest scale.
        rare_classes: draw a class first; otherwise pictures are drawn uniformly.

    Raises:
        ValueError: no picture shows enough of any class.
    """

    def __init__(
        self,
        labels: np.ndarray,
        classes: int,
        crop: int,
        resize_range: tuple[float, float],
        rare_classes: bool = True,
    ):
        self.labels, self.crop, self.resize_range = labels, crop, resize_range
        self._classes: np.ndarray | None = None
        if rare_classes:
            counts = np.stack([np.bincount(m.ravel(), minlength=256)[:classes] for m in labels])
            shown = counts > PICTURE_SHARE * crop**2
            self._classes = np.flatnonzero(shown.any(0))
            if not len(self._classes):
                raise ValueError(f"no picture shows {PICTURE_SHARE * crop**2:.0f} px of any class")
            self._pictures = [np.flatnonzero(shown[:, c]) for c in self._classes]
            self._odds = class_odds(counts.sum(0))[self._classes]
            self._odds /= self._odds.sum()

    def draw(self, rng: np.random.Generator) -> View:
        """The next view."""
        if self._classes is None:
            return self._draw_view(int(rng.integers(len(self.labels))), rng)[0]
        chosen = int(rng.choice(len(self._classes), p=self._odds))
        picture = int(rng.choice(self._pictures[chosen]))
        for _ in range(CROP_DRAWS):
            view, counts = self._draw_view(picture, rng)
            if counts[self._classes[chosen]] * view.scale**2 > CROP_SHARE * self.crop**2:
                break
        return view

    def _draw_view(self, picture: int, rng: np.random.Generator) -> tuple[View, np.ndarray]:
        """A view and how many of the picture's own pixels of every label (256,) it shows."""
        labels = self.labels[picture]
        height, width = labels.shape
        scale = float(rng.uniform(*self.resize_range))
        free_y = max(round(height * scale) - self.crop, 0)
        free_x = max(round(width * scale) - self.crop, 0)
        for _ in range(BOX_DRAWS):
            top, left = int(rng.integers(free_y + 1)), int(rng.integers(free_x + 1))
            rows, columns = (
                slice(round(start / scale), round((start + self.crop) / scale))
                for start in (top, left)
            )
            counts = np.bincount(labels[rows, columns].ravel(), minlength=256)
            known = counts[:255]
            if np.count_nonzero(known) > 1 and known.max() < MAJORITY * known.sum():
                break
        return View(picture, scale, top, left, bool(rng.random() < 0.5)), counts


def class_odds(pixels: np.ndarray) -> np.ndarray:
    """softmax((1 - share) / TEMPERATURE) of the pixel counts (M,) of all classes: float64 (M,)."""
    shares = pixels / max(pixels.sum(), 1)
    odds = np.exp((1 - shares) / TEMPERATURE)
    return odds / odds.sum()
