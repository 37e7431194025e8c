"""The batches of a training: sample ``i`` of step ``s`` depends on (seed, s, i) and nothing else.

So a resumed training sees the pictures that it would have seen, and several processes together see
those of one process with the larger batch. Drawn streets are kept in memory (on the GPU, where
there is one); files are read ahead by threads.

Axes: B pictures of a batch; H W pixels of a picture; s side of the crop; M classes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.augmentation import (
    Batch,
    Distortion,
    cut_view,
    cut_views,
    distort,
    draw_distortion,
)
from tqdm_demo.data.datasets import TRAIN_SEEDS, DataSource, FileSource, StreetSource
from tqdm_demo.data.file_source import PictureFiles, read_picture
from tqdm_demo.data.sample_index import open_index
from tqdm_demo.data.sampling import ViewSampler
from tqdm_demo.data.street_pool import CACHE_DIR, StreetPool
from tqdm_demo.inference.preprocessing import normalise

INDEX = "class-index.json"
_TRIES = 20  # pictures in a row that may turn out to be broken
_STEPS_AHEAD = 2


@dataclass(frozen=True)
class Colours:
    """What normalising takes: mean and standard deviation of R, G and B in [0, 1]."""

    mean: Sequence[float]
    std: Sequence[float]


class PooledCrops:
    """Batches of pictures of one size that are in memory.

    Args:
        images: uint8 (N, H, W, 3), may be memory-mapped.
        labels: uint8 (N, H, W) train ids or 255, likewise.
        classes: number of classes M.
        config: augmentation, batch size and seed.
        colours: for normalising.
        device: where batches are made; a GPU keeps all pictures there as uint8.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        config: TrainConfig,
        colours: Colours,
        device: torch.device,
    ):
        self.config, self.colours, self.broken = config, colours, {}
        counts = np.stack([np.bincount(m.ravel(), minlength=256)[:classes] for m in labels])
        self._sampler = _make_sampler(counts, config)
        self._labels = labels
        self._pictures = (images, labels)
        if device.type != "cpu":
            self._pictures = tuple(torch.from_numpy(a[:]).to(device) for a in (images, labels))

    def draw(self, step: int, part: int = 0) -> Batch:
        """Part ``part`` of the batch of step ``step``, see :func:`sample_rngs`."""
        views, distortions = [], []
        for rng in sample_rngs(self.config, step, part):
            pick = self._sampler.pick(rng)
            views.append(self._sampler.draw_view(pick, self._labels[pick.picture], rng))
            distortions.append(draw_distortion(rng))
        chosen = [view.picture for view in views]
        images, labels = (torch.as_tensor(pictures[chosen]) for pictures in self._pictures)
        pixels, classes, inside = cut_views(images, labels, views, self.config.crop)
        return _finish(pixels, classes, inside, distortions, self.config, self.colours)

    def close(self) -> None:
        """Nothing to do: there are no threads."""


@dataclass(frozen=True)
class _Sample:
    """One crop: uint8 (s, s, 3), uint8 (s, s), bool (s, s)."""

    pixels: np.ndarray
    labels: np.ndarray
    inside: np.ndarray
    distortion: Distortion


class FileCrops:
    """Batches of pictures that are read from disk when they are needed, or a little earlier.

    Args:
        files: the pictures.
        counts: int (N, M) pixels of every class in each.
        config: augmentation, batch size and seed.
        colours: for normalising.
        device: where batches go.
        workers: reading threads; 0 = read in :meth:`draw`.
        broken: names of pictures that are left out already, and why; grows.
        cache: folder of filtered pictures.
    """

    def __init__(
        self,
        files: Sequence[PictureFiles],
        counts: np.ndarray,
        config: TrainConfig,
        colours: Colours,
        device: torch.device,
        workers: int,
        broken: dict[str, str],
        cache: Path = CACHE_DIR,
    ):
        self.files, self.config, self.colours, self.broken = files, config, colours, broken
        self._sampler, self._cache = _make_sampler(counts, config), cache
        self._device, self._lock = device, threading.Lock()
        self._executor = ThreadPoolExecutor(workers) if workers else None
        self._ahead: dict[tuple[int, int], list[Future[_Sample]]] = {}

    def draw(self, step: int, part: int = 0) -> Batch:
        """Part ``part`` of the batch of step ``step``, see :func:`sample_rngs`.

        Raises:
            OSError: one picture after the other cannot be read.
        """
        if self._executor is None:
            samples = [self._read(rng) for rng in sample_rngs(self.config, step, part)]
        else:
            last = max(step, min(step + _STEPS_AHEAD, self.config.steps - 1))
            for later in range(step, last + 1):
                self._submit(later, part)
            samples = [future.result() for future in self._ahead.pop((step, part))]
        pixels, labels, inside = (
            torch.from_numpy(np.stack([getattr(sample, name) for sample in samples]))
            for name in ("pixels", "labels", "inside")
        )
        return _finish(
            pixels.to(self._device).permute(0, 3, 1, 2).float(),
            labels.to(self._device).long(),
            inside.to(self._device),
            [sample.distortion for sample in samples],
            self.config,
            self.colours,
        )

    def close(self) -> None:
        """Ends the threads; what they have read ahead is dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _submit(self, step: int, part: int) -> None:
        if (step, part) not in self._ahead:
            rngs = sample_rngs(self.config, step, part)
            self._ahead[step, part] = [self._executor.submit(self._read, rng) for rng in rngs]

    def _read(self, rng: np.random.Generator) -> _Sample:
        """One sample; in place of a picture that cannot be read another one is picked."""
        for _ in range(_TRIES):
            pick = self._sampler.pick(rng)
            try:
                picture = read_picture(self.files[pick.picture], self._cache)
            except ValueError as error:
                self._report(self.files[pick.picture].name, str(error))
                continue
            view = self._sampler.draw_view(pick, picture.labels, rng)
            crop = cut_view(picture.image, picture.labels, view, self.config.crop)
            return _Sample(*crop, draw_distortion(rng))
        reasons = "; ".join(list(self.broken.values())[-3:])
        raise OSError(f"{_TRIES} pictures in a row cannot be read, such as: {reasons}")

    def _report(self, name: str, reason: str) -> None:
        with self._lock:
            if name not in self.broken:
                self.broken[name] = reason
                tqdm.write(f"left out, {len(self.broken)} so far: {reason}")


CropSource = PooledCrops | FileCrops


def open_crops(
    sources: Sequence[DataSource],
    config: TrainConfig,
    classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
    work: Path,
    cache: Path = CACHE_DIR,
    size: tuple[int, int] = (256, 128),
    workers: int = 2,
) -> CropSource:
    """The training batches of some sources.

    Args:
        sources: all drawn, or all on disk.
        config: augmentation, batch size, seed, number of drawn scenes.
        classes: number of classes M.
        mean: of R, G and B in [0, 1], as is ``std``.
        std: see ``mean``.
        device: where batches are wanted.
        work: folder of the training, where the index of files is kept.
        cache: folder of painted and filtered pictures.
        size: (width, height) of painted pictures.
        workers: processes that paint or count, and threads that read.

    Raises:
        ValueError: drawn and real sources at once, or no usable picture.
    """
    colours = Colours(mean, std)
    if all(isinstance(source, StreetSource) for source in sources):
        domains = [source.domain for source in sources]
        pool = StreetPool.open(domains, config.scenes, TRAIN_SEEDS, size, cache, workers)
        return PooledCrops(pool.images, pool.labels, classes, config, colours, device)
    if not all(isinstance(source, FileSource) for source in sources):
        specs = ", ".join(source.spec for source in sources)
        raise ValueError(f"drawn streets and pictures on disk cannot be mixed: {specs}")
    index = open_index(sources, work / INDEX, classes, workers)
    if index.broken:
        names = ", ".join(list(index.broken)[:3])
        tqdm.write(f"{len(index.broken)} pictures are left out, see {work / INDEX}: {names} ...")
    return FileCrops(
        index.files, index.counts, config, colours, device, workers, dict(index.broken), cache
    )


def sample_rngs(config: TrainConfig, step: int, part: int) -> list[np.random.Generator]:
    """The sources of chance of the B samples of one part of a step's batch.

    Sample k of part p is sample ``i = p * batch_size + k`` of the step, so that the parts of a
    smaller batch, one after the other, are the first part of a larger one.
    """
    first = part * config.batch_size
    samples = range(first, first + config.batch_size)
    return [np.random.default_rng((config.seed, step, sample)) for sample in samples]


def _make_sampler(counts: np.ndarray, config: TrainConfig) -> ViewSampler:
    return ViewSampler(
        counts, config.crop, config.resize_range, config.rare_classes, config.rare_temperature
    )


def _finish(
    pixels: torch.Tensor,
    labels: torch.Tensor,
    inside: torch.Tensor,
    distortions: Sequence[Distortion],
    config: TrainConfig,
    colours: Colours,
) -> Batch:
    """Distorts and normalises float (B, 3, s, s) in 0..255; beyond the pictures it becomes 0."""
    if config.photometric:
        pixels = distort(pixels, distortions)
    pixels = normalise(pixels, colours.mean, colours.std)
    return Batch(pixels.masked_fill(~inside[:, None], 0), labels)
