"""Which picture and which part of it comes next: rare-class sampling and random crops.

Source: the published ``mmseg/datasets/ug_dataset.py`` and mmsegmentation's Resize and RandomCrop. A
class is drawn first, then a picture that shows enough of it, then crops until one shows enough.

Axes: N pictures; H W pixels of a picture; M classes; s side of the crop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tqdm_demo.vocabulary import IGNORED

PICTURE_SHARE = 3000 / 512**2  # a picture counts for a class from this share of a crop's area on
CROP_SHARE = PICTURE_SHARE / 2
CROP_DRAWS = 11  # the first draw and up to ten more until the crop shows enough of the class
BOX_DRAWS = 11  # ten boxes are tried until no class fills more than MAJORITY; then any is taken
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


@dataclass(frozen=True)
class Pick:
    """A picture, and the class for which it was drawn (None = for none)."""

    picture: int
    train_id: int | None


class ViewSampler:
    """Draws random views of labelled pictures.

    Args:
        counts: int (N, M), pixels of every class in every picture.
        crop: side of the crops in pixels.
        resize_range: smallest and largest scale.
        rare_classes: draw a class first; otherwise pictures are drawn uniformly.
        temperature: T of :func:`class_odds`.

    Raises:
        ValueError: no picture shows enough of any class.
    """

    def __init__(
        self,
        counts: np.ndarray,
        crop: int,
        resize_range: tuple[float, float],
        rare_classes: bool = True,
        temperature: float = 100.0,
    ):
        self.count, self.crop, self.resize_range = len(counts), crop, resize_range
        self.classes: np.ndarray | None = None
        if rare_classes:
            shown = counts > PICTURE_SHARE * crop**2
            self.classes = np.flatnonzero(shown.any(0))
            if not len(self.classes):
                raise ValueError(f"no picture shows {PICTURE_SHARE * crop**2:.0f} px of any class")
            self._pictures = [np.flatnonzero(shown[:, c]) for c in self.classes]
            self._odds = class_odds(counts.sum(0), temperature)[self.classes]
            self._odds /= self._odds.sum()

    def pick(self, rng: np.random.Generator) -> Pick:
        """A class and a picture that shows enough of it; or just a picture."""
        if self.classes is None:
            return Pick(int(rng.integers(self.count)), None)
        chosen = int(rng.choice(len(self.classes), p=self._odds))
        return Pick(int(rng.choice(self._pictures[chosen])), int(self.classes[chosen]))

    def draw_view(self, pick: Pick, labels: np.ndarray, rng: np.random.Generator) -> View:
        """A view of the picture that was picked, with labels uint8 (H, W)."""
        for _ in range(CROP_DRAWS if pick.train_id is not None else 1):
            view, counts = self._draw_once(pick.picture, labels, rng)
            if pick.train_id is not None and counts[pick.train_id] > CROP_SHARE * self.crop**2:
                break
        return view

    def _draw_once(
        self, picture: int, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[View, np.ndarray]:
        """A view, and how many of its pixels have every label: int (256,)."""
        height, width = labels.shape
        scale = float(rng.uniform(*self.resize_range))
        free_y = max(round(height * scale) - self.crop, 0)
        free_x = max(round(width * scale) - self.crop, 0)
        for _ in range(BOX_DRAWS):
            top, left = int(rng.integers(free_y + 1)), int(rng.integers(free_x + 1))
            rows = nearest_places(top, scale, self.crop, height)
            columns = nearest_places(left, scale, self.crop, width)
            counts = np.bincount(labels[np.ix_(rows, columns)].ravel(), minlength=256)
            known = counts[:IGNORED]
            if np.count_nonzero(known) > 1 and known.max() < MAJORITY * known.sum():
                break
        return View(picture, scale, top, left, bool(rng.random() < 0.5)), counts


def nearest_places(start: int, scale: float, crop: int, side: int) -> np.ndarray:
    """Rows (or columns) of a picture that a crop shows: int (up to s,), fewer beyond its edge.

    Args:
        start: first row of the crop in the resized picture.
        scale: of the resized picture.
        crop: side s of the crop.
        side: height (or width) of the picture.
    """
    places = np.floor((start + np.arange(crop) + 0.5) / scale).astype(np.int64)
    return places[places < side]


def class_odds(pixels: np.ndarray, temperature: float) -> np.ndarray:
    """softmax((1 - share) / temperature) of the pixel counts (M,) of all classes: float64 (M,)."""
    shares = pixels / max(pixels.sum(), 1)
    logits = (1 - shares) / temperature
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()
