"""Intersection over union from a confusion matrix that is summed over pictures.

Axes: M classes; H W pixels.
"""

from __future__ import annotations

import numpy as np


class ConfusionMatrix:
    """Counts of (labelled class, predicted class) over all pixels seen so far.

    Attributes:
        counts: int64 (M, M); row = label, column = prediction.
    """

    def __init__(self, classes: int):
        self.counts = np.zeros((classes, classes), np.int64)

    def update(self, label_map: np.ndarray, labels: np.ndarray) -> None:
        """Adds pictures.

        Args:
            label_map: integers (..., H, W) in 0..M-1, the prediction.
            labels: integers of the same shape; what is not in 0..M-1 (such as 255) is ignored.

        Raises:
            ValueError: shapes differ, or a prediction is outside 0..M-1.
        """
        classes = len(self.counts)
        if label_map.shape != labels.shape:
            raise ValueError(f"the prediction is {label_map.shape}, the labels {labels.shape}")
        known = labels < classes
        predicted = label_map[known]
        if predicted.size and not 0 <= predicted.min() <= predicted.max() < classes:
            raise ValueError(f"predictions reach {predicted.max()}; classes are 0..{classes - 1}")
        pairs = labels[known].astype(np.int64)
        pairs *= classes  # in place: large pictures take long enough
        pairs += predicted.astype(np.int64, copy=False)
        self.counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    @property
    def present(self) -> np.ndarray:
        """bool (M,): classes that occur in the labels."""
        return self.counts.sum(1) > 0

    def iou(self) -> np.ndarray:
        """float64 (M,) in [0, 1]; NaN for a class that occurs in no label."""
        overlap = np.diag(self.counts)
        union = self.counts.sum(0) + self.counts.sum(1) - overlap
        return np.where(self.present, overlap / np.maximum(union, 1), np.nan)

    def accuracy(self) -> float:
        """The share of the labelled pixels that are right, in [0, 1]; NaN without any."""
        total = self.counts.sum()
        return float(np.trace(self.counts) / total) if total else float("nan")

    def miou(self) -> float:
        """The mean IoU over the classes that occur in the labels, in [0, 1].

        Raises:
            ValueError: no labelled pixel has been seen.
        """
        if not self.present.any():
            raise ValueError("no labelled pixel was counted: there is no mean IoU")
        return float(np.nanmean(self.iou()))
