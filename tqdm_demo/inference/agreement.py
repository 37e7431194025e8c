"""Figures for the page: how far two label maps agree, how good one is, how clear pixels are.

Axes: H W a label map; h w a similarity map; K entries of the class list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.vocabulary import IGNORED


@dataclass(frozen=True)
class Confusion:
    """Pixels that one label map calls ``first`` and another ``second``.

    Attributes:
        first: index into the class list.
        second: index into the class list.
        share: of all pixels, 0 to 1.
    """

    first: int
    second: int
    share: float


@dataclass(frozen=True)
class Clarity:
    """How clearly pixels prefer their own class.

    Attributes:
        mean: of ``margins`` where they count.
        nearest: the share of the pixels that count, 0 to 1, with a margin above 0.
        margins: float32 (h, w), not a number where a pixel does not count.
    """

    mean: float
    nearest: float
    margins: np.ndarray


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """The share of pixels, 0 to 1, with the same label in two label maps (H, W).

    Raises:
        ValueError: maps of different sizes.
    """
    _check_sizes(first, second)
    return float(np.mean(first == second))


def confusions(first: np.ndarray, second: np.ndarray, most: int = 5) -> tuple[Confusion, ...]:
    """The pairs of classes that two label maps (H, W) disagree in, the largest first.

    Args:
        first: uint8, index into the class list.
        second: likewise.
        most: how many pairs at most.

    Raises:
        ValueError: maps of different sizes.
    """
    _check_sizes(first, second)
    differ = first != second
    pairs = first[differ].astype(np.int32) * 256 + second[differ]
    values, counts = np.unique(pairs, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return tuple(
        Confusion(int(values[i]) // 256, int(values[i]) % 256, float(counts[i] / first.size))
        for i in order
    )


def mean_iou(prediction: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean intersection over union, 0 to 1, over the classes that are in the ground truth.

    A class that is predicted and nowhere in the ground truth has no term of its own; it costs the
    classes whose pixels it takes. Pixels whose ground truth is 255 do not count.

    Args:
        prediction: uint8 (H, W).
        truth: uint8 (H, W).

    Returns:
        None where no pixel counts.

    Raises:
        ValueError: maps of different sizes.
    """
    _check_sizes(prediction, truth)
    counted = truth != IGNORED
    if not counted.any():
        return None
    confusion = ConfusionMatrix(256)  # a prediction may be any uint8, also 255
    confusion.update(prediction[counted], truth[counted])
    return confusion.miou()


def relabel(truth: np.ndarray, truth_names: Sequence[str], classes: ClassList) -> np.ndarray:
    """A ground truth in the classes of another list.

    Args:
        truth: uint8 (H, W), index into ``truth_names``; 255 = not known.
        truth_names: what its ids mean.
        classes: K classes; one stands for a true class that has one of its names.

    Returns:
        uint8 (H, W), index into ``classes``; 255 where none stands for the true class.
    """
    words = {
        name.lower(): index for index, entry in enumerate(classes.entries) for name in entry.names
    }
    table = np.full(256, IGNORED, np.uint8)
    table[: len(truth_names)] = [words.get(name.lower(), IGNORED) for name in truth_names]
    return table[truth]


def clarity(similarity: np.ndarray, labels: np.ndarray) -> Clarity:
    """Pixel semantic clarity: how much more similar pixels are to their own class than to others.

    The margin of a pixel is its similarity to the embedding of its own class minus the largest
    similarity to any other entry of the list; clarity is the mean margin. 0 means that on average
    another class is as near as the own one; of cosines it lies in [-2, 2]. The measure is this
    project's: the authors' slides show clarity as pictures only.

    Args:
        similarity: float (K, h, w), cosine of every pixel with every entry, K at least 2.
        labels: uint8 (H, W), every pixel's own class: the ground truth where it is known, else
            what was predicted; 255 = does not count. Read at the centre of every map pixel.

    Raises:
        ValueError: fewer than two entries, or labels of which no pixel counts.
    """
    count, height, width = similarity.shape
    if count < 2:
        raise ValueError("Clarity compares classes: the list needs at least two.")
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(int)
    own = labels[rows[:, None], columns]
    counted = own != IGNORED
    if not counted.any():
        raise ValueError("No pixel belongs to a class of the list.")
    index = np.where(counted, own, 0)[None].astype(int)
    own_similarity = np.take_along_axis(similarity, index, axis=0)[0]
    others = similarity.astype(np.float32, copy=True)
    np.put_along_axis(others, index, -np.inf, axis=0)
    margins = np.where(counted, own_similarity - others.max(axis=0), np.nan).astype(np.float32)
    return Clarity(float(margins[counted].mean()), float((margins[counted] > 0).mean()), margins)


def _check_sizes(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"label maps of different sizes: {first.shape} and {second.shape}")
