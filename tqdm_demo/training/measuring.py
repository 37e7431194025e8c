"""mIoU of pictures while a network is trained.

Axes: B images; M trained classes; H W pixels; h w a score map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, islice
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tqdm_demo.data.datasets import LabelledPicture
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.inference.preprocessing import model_size, to_pixels
from tqdm_demo.inference.sliding_window import SlidingWindow, Window
from tqdm_demo.training.distributed import sum_over_processes
from tqdm_demo.training.validation import ValidationPictures, shown_labels

_MEASURED_AT_ONCE = 8
# Scores (B, M, h, w) of normalised pixels (B, 3, H, W).
Scores = Callable[[Tensor], Tensor]


class Readable(Protocol):
    """What is read of a configuration."""

    class_names: tuple[str, ...]
    image_mean: tuple[float, float, float]
    image_std: tuple[float, float, float]
    input_size: tuple[int, int]
    size_multiple: int


@torch.no_grad()  # not inference_mode, which FSDP's gathered weights do not survive
def measure(
    pictures: Sequence[LabelledPicture],
    config: Readable,
    scores: Scores,
    device: torch.device,
) -> ConfusionMatrix:
    """Counts what a network, as it is now, says about labelled pictures.

    Several processes count each the pictures that they are given; all of them get the sum. Classes
    that occur in no label are left out of the argmax. The network's mode is the caller's business.

    Args:
        pictures: to be measured on.
        config: of the network; with ``window_stride`` it reads windows.
        scores: of the network.
        device: where the network is.
    """
    confusion = ConfusionMatrix(len(config.class_names))
    present = _present(pictures, len(config.class_names), device)

    def chosen(pixels: Tensor) -> Tensor:
        return scores(pixels)[:, present.to(device)]

    for _, alike in groupby(pictures, key=lambda picture: picture.labels.shape):
        while part := list(islice(alike, _MEASURED_AT_ONCE)):
            found = _label_maps([p.image for p in part], config, chosen)
            confusion.update(present.numpy()[found], np.stack([picture.labels for picture in part]))
    counts = torch.from_numpy(confusion.counts).to(device)
    confusion.counts = sum_over_processes(counts).cpu().numpy()
    return confusion


def _present(pictures: Sequence[LabelledPicture], classes: int, device: torch.device) -> Tensor:
    """int64, the classes that any process' pictures show; on the CPU."""
    read = isinstance(pictures, ValidationPictures)
    own = pictures.shown if read else shown_labels(pictures)
    shown = torch.from_numpy(own.astype(np.int64)).to(device)
    return sum_over_processes(shown).cpu()[:classes].nonzero()[:, 0]


def _label_maps(images: Sequence[np.ndarray], config: Readable, scores: Scores) -> np.ndarray:
    """The best class (B, H, W) of pictures of one size."""
    stride = getattr(config, "window_stride", None)
    if stride is not None:
        return np.stack([_windowed(image, config, scores, stride) for image in images])
    area = config.input_size[0] * config.input_size[1]
    if getattr(config, "keeps_size", False):
        area = min(area, images[0].shape[0] * images[0].shape[1])
    size = model_size(*images[0].shape[:2], area=area, multiple=config.size_multiple)
    pixels = [to_pixels(image, size, config.image_mean, config.image_std) for image in images]
    resized = F.interpolate(scores(torch.cat(pixels)), images[0].shape[:2], mode="bilinear")
    return resized.argmax(1).cpu().numpy()


def _windowed(image: np.ndarray, config: Readable, scores: Scores, stride: int) -> np.ndarray:
    """The best class (H, W) of one picture in windows of the training size, as published."""
    height, width = config.input_size
    windows = SlidingWindow(config.input_size, (stride, stride), _MEASURED_AT_ONCE)
    resized = windows.resized_size(image.shape[:2])
    pixels = to_pixels(image, resized, config.image_mean, config.image_std)

    def answer(corners: list[Window]) -> list[Tensor]:
        parts = [pixels[..., w.top : w.top + height, w.left : w.left + width] for w in corners]
        return [scores(torch.cat(parts))]

    return windows.merge(answer, image.shape[:2], resized).label_map
