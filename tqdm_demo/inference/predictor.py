"""A picture and class names in, a :class:`Segmentation` out; what was computed once is kept.

A picture is encoded once and a name is encoded once: an edited class list runs only what depends
on it. The caches are bounded, keyed by content and shared by all visitors; nothing here knows of
a current picture.

Axes: H W the picture; h w a score map; K entries; N names with their synonyms; D text width.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from tqdm_demo.checkpoints.sources import load_model
from tqdm_demo.devices import choose_device
from tqdm_demo.inference.cache import BoundedCache
from tqdm_demo.inference.look import Features, Look, size_in_bytes
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.inference.stages import Stages, compute_stages
from tqdm_demo.systems.trained import NearestClass, TrainedModel
from tqdm_demo.systems.zero_shot import ZeroShotModel, check_tokens
from tqdm_demo.vocabulary import check_names, split_synonyms, unknown_words

SINGLE, WINDOWS = MODES = ("single", "windows")
# Features of pictures: those of one 512 x 512 window of a ViT-B model take 69 MB.
KEPT_BYTES = 640 * 1024**2
KEPT_NAMES = 2048


@dataclass(frozen=True)
class Timings:
    """What one answer took.

    Attributes:
        picture_reused: the picture's features were there already.
        names_encoded: how many names the text tower read now.
        picture_ms: encoding the picture, milliseconds; 0 if reused.
        names_ms: encoding the new names, milliseconds.
        decode_ms: everything after that, milliseconds.
    """

    picture_reused: bool
    names_encoded: int
    picture_ms: float
    names_ms: float
    decode_ms: float


@dataclass(frozen=True)
class Segmentation:
    """What a model says about a picture.

    Attributes:
        label_map: uint8 (H, W) of the picture, index into ``names``.
        names: K entries, as they were asked for.
        scores: float32 (K, h, w), not below 0; resized to the picture, the largest wins.
        similarity: float32 (K, h, w), cosine of the model's patch embeddings and its embedding
            of the name (of tqdm: after prompt and context decoder).
        nearest_classes: per entry the trained class whose rows it borrows; None = trained itself,
            or the model has no trained classes.
        unknown: per entry the words that the text tower never saw while it was trained.
        timings: what was computed and what was reused.
        method: how the similarity was made, one of ``similarity.METHODS``.
        mode: how the picture was read, one of :data:`MODES`. In windows, maps are means.
    """

    label_map: np.ndarray
    names: tuple[str, ...]
    scores: np.ndarray
    similarity: np.ndarray
    nearest_classes: tuple[NearestClass | None, ...]
    unknown: tuple[tuple[str, ...], ...]
    timings: Timings
    method: str = "plain"
    mode: str = "single"

    @property
    def shares(self) -> tuple[float, ...]:
        """Every entry's share of the picture's pixels, 0 to 1."""
        counts = np.bincount(self.label_map.ravel(), minlength=len(self.names))
        return tuple((counts / self.label_map.size).tolist())


class Predictor:
    """One model with its caches. Safe to call from several threads.

    Args:
        model: what is asked.
        window_batch: windows that are encoded at once.
    """

    def __init__(self, model: TrainedModel | ZeroShotModel, window_batch: int = 4) -> None:
        if window_batch < 1:
            raise ValueError(f"window_batch is {window_batch}; it must be at least 1")
        self.model = model
        self.window_batch = window_batch
        self._features: BoundedCache[Features] = BoundedCache(KEPT_BYTES, size_in_bytes)
        self._names: BoundedCache[torch.Tensor] = BoundedCache(KEPT_NAMES)

    @classmethod
    def load(cls, source: str, device: str = "auto", window_batch: int = 4) -> Predictor:
        """Loads a model, from the network only what is not on this machine.

        Args:
            source: see :mod:`tqdm_demo.checkpoints.sources`.
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``.
            window_batch: windows that are encoded at once.

        Raises:
            ValueError: an unknown source or device, or a folder that holds no such model.
        """
        chosen = choose_device(device)
        return cls(load_model(source, chosen), window_batch)

    @property
    def kind(self) -> str:
        """``textual``, ``learned`` or ``zero-shot``."""
        return self.model.kind

    @property
    def default_names(self) -> tuple[str, ...]:
        """The names that are segmented where none are given."""
        return self.model.default_names

    @property
    def default_mode(self) -> str:
        """How pictures are read where no mode is given: windows where the model is made for it."""
        return SINGLE if self.model.window_stride is None else WINDOWS

    def check(self, names: Sequence[str]) -> tuple[str, ...]:
        """Tidies names and looks whether this model can read them.

        Raises:
            ValueError: what :func:`tqdm_demo.vocabulary.check_names` refuses, or a name that is
                too long for the text tower.
        """
        entries = check_names(names)
        flat = [name for entry in entries for name in split_synonyms(entry)]
        check_tokens(self.model.tokenizer, flat, self.model.longest_name)
        return entries

    @torch.inference_mode()
    def segment(
        self,
        image: Image.Image | np.ndarray,
        names: Sequence[str] | None = None,
        mode: str | None = None,
        resized: tuple[int, int] | None = None,
    ) -> Segmentation:
        """Labels every pixel of a picture with the best of ``names``.

        Args:
            image: uint8 (H, W, 3) RGB, or a PIL image of any kind.
            names: K entries; synonyms of one entry are separated by commas, the best counts.
                None = :attr:`default_names`.
            mode: one of :data:`MODES`: ``single`` resizes the picture to the model's size,
                ``windows`` goes over it in windows of that size; None = :attr:`default_mode`.
            resized: (H, W) at which the picture is read, as :class:`Look` takes it.

        Raises:
            ValueError: an image of another shape or type, names that :meth:`check` refuses, or
                another mode.
        """
        mode = mode or self.default_mode
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
        pixels = read_image(image) if isinstance(image, Image.Image) else _checked(image)
        entries = self.check(self.default_names if names is None else names)
        groups = [split_synonyms(entry.lower()) for entry in entries]
        embeddings, encoded, names_ms = self._embeddings(groups)
        look = Look(self.model, self._features, pixels, embeddings, groups, resized)
        start = time.perf_counter()
        merged = look.in_windows(self.window_batch) if mode == WINDOWS else look.at_once()
        decode_ms = 1000 * (time.perf_counter() - start) - look.encode_ms
        firsts = np.cumsum([0] + [len(group) for group in groups[:-1]])
        nearest_classes = self.model.nearest_classes(look.names, embeddings)
        return Segmentation(
            label_map=merged.label_map,
            names=entries,
            scores=merged.scores.float().cpu().numpy(),
            similarity=merged.similarity.float().cpu().numpy(),
            nearest_classes=tuple(nearest_classes[i] for i in firsts),
            unknown=tuple(unknown_words(entry, self.model.known_words) for entry in entries),
            timings=Timings(look.reused, encoded, look.encode_ms, names_ms, decode_ms),
            method=self.model.method,
            mode=mode,
        )

    @torch.inference_mode()
    def stages(self, image: np.ndarray, names: Sequence[str] | None = None) -> Stages:
        """Similarity maps of the names at this model's stages.

        See :mod:`tqdm_demo.inference.stages`.

        Args:
            image: uint8 (H, W, 3) RGB; it is read in one pass, whatever its size.
            names: as :meth:`segment` takes them.

        Raises:
            ValueError: as :meth:`segment`.
        """
        entries = self.check(self.default_names if names is None else names)
        groups = [split_synonyms(entry.lower()) for entry in entries]
        embeddings, _, _ = self._embeddings(groups)
        look = Look(self.model, self._features, _checked(image), embeddings, groups)
        return compute_stages(self.model, look.features(), embeddings, entries)

    def _embeddings(self, groups: Sequence[Sequence[str]]) -> tuple[torch.Tensor, int, float]:
        """(N, D) of all names, how many of them were encoded now, and the milliseconds."""
        start = time.perf_counter()
        # Lower case: capitals make no difference to the text tower.
        names = [name for group in groups for name in group]
        known = {name: self._names.peek(name) for name in names}
        missing = [name for name, value in known.items() if value is None]
        if missing:
            fresh = self.model.encode_names(missing)
            for name, value in zip(missing, fresh, strict=True):
                known[name] = value
                self._names.put(name, value)
        stacked = torch.stack([known[name] for name in names])
        return stacked, len(missing), 1000 * (time.perf_counter() - start)


def _checked(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"image is {image.dtype} {image.shape}; it takes uint8 (H, W, 3), RGB")
    return image
