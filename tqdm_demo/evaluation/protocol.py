"""How a picture is read when a model is measured: windows, scales, flips.

Axes: H W the picture; K names; h w a score map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.inference.preprocessing import model_size
from tqdm_demo.inference.upsampling import upsample_argmax

SINGLE, WINDOWS = "single", "windows"


class Segments(Protocol):
    """What is asked of a predictor, see :class:`tqdm_demo.inference.predictor.Predictor`."""

    default_mode: str

    def segment(self, image: np.ndarray, names: Sequence[str], **how: object) -> object:
        """A segmentation with ``label_map`` and ``scores``."""


@dataclass(frozen=True)
class EvaluationProtocol:
    """How pictures are read.

    Attributes:
        mode: "single" or "windows"; None = as the data set is tested, or as the model prefers.
        scales: sizes relative to the test size whose scores are averaged.
        flip: average with the mirrored picture, at every scale.
    """

    mode: str | None = None
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False

    def __post_init__(self) -> None:
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"scales are {self.scales}; they must be positive numbers")


def label_picture(
    predictor: Segments,
    image: np.ndarray,
    names: Sequence[str],
    protocol: EvaluationProtocol,
    box: tuple[int, int] | None = None,
) -> np.ndarray:
    """The index of the best name for every pixel: uint8 (H, W).

    With several scales or flips the mean scores decide. NOTE(upstream): the published averages
    softmax values at full resolution; here scores are averaged, on a grid of at most half a million
    points. Pictures are resized bicubically, there bilinearly.

    Args:
        predictor: the model.
        image: uint8 (H, W, 3) RGB.
        names: K names.
        protocol: how; with a mode.
        box: (width, height) into which the picture is resized before windows are cut, its shape
            kept; None = as it is.

    Raises:
        ValueError: several scales for a model that reads one size only, at once.
    """
    if protocol.scales == (1.0,) and not protocol.flip:
        resized = _resized_size(predictor, image, protocol.mode, box, 1.0)
        how = {"mode": protocol.mode, "resized": resized, "label_all": True}
        return predictor.segment(image, names, **how).label_map
    total = None
    # The scale that is closest to 1 lends its grid to all.
    for scale in sorted(protocol.scales, key=lambda scale: abs(scale - 1)):
        resized = _resized_size(predictor, image, protocol.mode, box, scale)
        for mirrored in (False, True)[: 1 + protocol.flip]:
            picture = np.ascontiguousarray(image[:, ::-1]) if mirrored else image
            found = predictor.segment(
                picture, names, mode=protocol.mode, resized=resized, label_all=True
            )
            scores = torch.from_numpy(found.scores)[None]
            scores = scores.flip(-1) if mirrored else scores
            if total is None:
                total = scores
            else:
                total = total + F.interpolate(scores, total.shape[-2:], mode="bilinear")
    return upsample_argmax(total[0], image.shape[:2])


def fit_into(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest (H, W) of the shape of ``size`` inside a box, whichever way that lies.

    Published (mmcv): the longer side is at most the box's longer, the shorter its shorter.
    """
    scale = min(max(box) / max(size), min(box) / min(size))
    height, width = (int(side * scale + 0.5) for side in size)
    return height, width


def _resized_size(
    predictor: Segments,
    image: np.ndarray,
    mode: str | None,
    box: tuple[int, int] | None,
    scale: float,
) -> tuple[int, int] | None:
    """(H, W) at which the picture is read at one scale; None = what the predictor does itself."""
    size = image.shape[:2]
    if mode == WINDOWS:
        base = size if box is None else fit_into(size, box)
        return None if base == size and scale == 1 else _times(base, scale)
    if scale == 1:
        return None
    model = predictor.model
    if model.fixed_size:
        raise ValueError("this model reads pictures of one size only: use windows, or one scale")
    area = model.input_size[0] * model.input_size[1]
    base = model_size(*size, area=area, multiple=model.size_multiple)
    return _times(base, scale)


def _times(size: tuple[int, int], scale: float) -> tuple[int, int]:
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width
