"""A picture and class names in, a :class:`Segmentation` out; what was computed once is kept.

A picture is encoded once and a name is encoded once: an edited class list runs only what depends
on it. The caches are bounded, keyed by content and shared by all visitors; nothing here knows of
a current picture.

Axes: B = 1; H W the picture; h w a score map; K names; D text width; M trained classes.
"""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from tqdm_demo.cache import BoundedCache
from tqdm_demo.checkpoint import load_clip, load_segmenter, read_config, resolve_source
from tqdm_demo.preprocessing import model_size, read_image, to_pixels
from tqdm_demo.similarity import ZeroShotModel, check_tokens
from tqdm_demo.sources import ZERO_SHOT
from tqdm_demo.stages import Stages, compute_stages
from tqdm_demo.trained import TrainedModel
from tqdm_demo.vocabulary import check_names, split_synonyms, unknown_words

KEPT_PICTURES = 6
KEPT_NAMES = 2048


@dataclass(frozen=True)
class Effort:
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
        leanings: per entry the trained class whose rows it borrows; None = trained itself, or the
            model has no trained classes.
        unknown: per entry the words that the text tower never saw while it was trained.
        effort: what was computed and what was reused.
    """

    label_map: np.ndarray
    names: tuple[str, ...]
    scores: np.ndarray
    similarity: np.ndarray
    leanings: tuple[str | None, ...]
    unknown: tuple[tuple[str, ...], ...]
    effort: Effort

    @property
    def shares(self) -> tuple[float, ...]:
        """Every entry's share of the picture's pixels, 0 to 1."""
        counts = np.bincount(self.label_map.ravel(), minlength=len(self.names))
        return tuple((counts / self.label_map.size).tolist())


class Predictor:
    """One model with its caches. Safe to call from several threads."""

    def __init__(self, model: TrainedModel | ZeroShotModel) -> None:
        self.model = model
        self._pictures: BoundedCache[object] = BoundedCache(KEPT_PICTURES)
        self._names: BoundedCache[torch.Tensor] = BoundedCache(KEPT_NAMES)

    @classmethod
    def load(cls, source: str, device: str = "auto") -> Predictor:
        """Loads a model.

        Args:
            source: a bundled name (``streets-tqdm``), a checkpoint folder, or either of a CLIP
                after ``zero-shot:``.
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``.

        Raises:
            ValueError: an unknown source or device, or a folder that holds no such model.
        """
        chosen = choose_device(device)
        if source.startswith(ZERO_SHOT):
            folder = resolve_source(source.removeprefix(ZERO_SHOT))
            clip, config = load_clip(folder)
            return cls(ZeroShotModel(clip.to(chosen), config))
        folder = resolve_source(source)
        segmenter = load_segmenter(folder).to(chosen)
        return cls(TrainedModel(segmenter, _words(folder, segmenter.config.text_tower)))

    @property
    def kind(self) -> str:
        """``textual``, ``learned`` or ``zero-shot``."""
        return self.model.kind

    @property
    def default_names(self) -> tuple[str, ...]:
        """The names that are segmented where none are given."""
        return self.model.default_names

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
        self, image: Image.Image | np.ndarray, names: Sequence[str] | None = None
    ) -> Segmentation:
        """Labels every pixel of a picture with the best of ``names``.

        Args:
            image: uint8 (H, W, 3) RGB, or a PIL image of any kind.
            names: K entries; synonyms of one entry are separated by commas, the best counts.
                None = :attr:`default_names`.

        Raises:
            ValueError: an image of another shape or type, or names that :meth:`check` refuses.
        """
        pixels = read_image(image) if isinstance(image, Image.Image) else _checked(image)
        entries = self.check(self.default_names if names is None else names)
        groups = [split_synonyms(entry) for entry in entries]
        # Capitals make no difference to the text tower.
        flat = [name.lower() for group in groups for name in group]
        embeddings, encoded, names_ms = self._embeddings(flat)
        features, reused, picture_ms = self._features(pixels)
        start = time.perf_counter()
        answer = self.model.answer(features, embeddings, flat)
        scores = _best_of_groups(answer.scores, groups)
        similarity = _best_of_groups(answer.similarity, groups)
        label_map = winners(scores, pixels.shape[:2])
        effort = Effort(reused, encoded, picture_ms, names_ms, _since(start))
        firsts = np.cumsum([0] + [len(group) for group in groups[:-1]])
        return Segmentation(
            label_map=label_map,
            names=entries,
            scores=scores.float().cpu().numpy(),
            similarity=similarity.float().cpu().numpy(),
            leanings=tuple(answer.leanings[i] for i in firsts),
            unknown=tuple(unknown_words(entry, self.model.known_words) for entry in entries),
            effort=effort,
        )

    @torch.inference_mode()
    def stages(self, image: np.ndarray, names: Sequence[str] | None = None) -> Stages:
        """What the names look like at the stages of this model, see :mod:`tqdm_demo.stages`.

        Args:
            image: uint8 (H, W, 3) RGB.
            names: as :meth:`segment` takes them.

        Raises:
            ValueError: as :meth:`segment`.
        """
        entries = self.check(self.default_names if names is None else names)
        flat = [name for entry in entries for name in split_synonyms(entry.lower())]
        embeddings, _, _ = self._embeddings(flat)
        features, _, _ = self._features(_checked(image))
        return compute_stages(self.model, features, embeddings, entries)

    def _features(self, image: np.ndarray) -> tuple[object, bool, float]:
        """The picture's features, whether they were there, and the milliseconds they took."""
        start = time.perf_counter()
        digest = hashlib.sha256(np.ascontiguousarray(image)).digest()
        key = (image.shape, digest)

        def encode() -> object:
            model = self.model
            size = model_size(*image.shape[:2], area=model.input_area, multiple=model.multiple)
            return model.encode_image(to_pixels(image, size, model.mean, model.std))

        features, reused = self._pictures.get(key, encode)
        return features, reused, 0.0 if reused else _since(start)

    def _embeddings(self, names: Sequence[str]) -> tuple[torch.Tensor, int, float]:
        """(K, D) embeddings, how many of them were encoded now, and the milliseconds."""
        start = time.perf_counter()
        known = {name: self._names.peek(name) for name in names}
        missing = [name for name, value in known.items() if value is None]
        if missing:
            fresh = self.model.encode_names(missing)
            for name, value in zip(missing, fresh, strict=True):
                known[name] = value
                self._names.put(name, value)
        stacked = torch.stack([known[name] for name in names])
        return stacked, len(missing), _since(start)


def choose_device(device: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: another word, or a device that this machine does not have.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, there in present.items() if there)
    if device not in present:
        raise ValueError(f"device is {device!r}; it must be auto, {', '.join(present)}")
    if not present[device]:
        raise ValueError(f"device {device!r} is not available on this machine")
    return torch.device(device)


def release_memory() -> None:
    """Gives back what a model held that nobody refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def winners(scores: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """Resizes scores (K, h, w) to ``size`` = (H, W) and takes the largest: uint8 (H, W).

    One name after the other, so that a picture of 40 megapixels needs three maps and not K.
    """
    best = torch.full(size, -torch.inf, device=scores.device)
    labels = torch.zeros(size, dtype=torch.uint8, device=scores.device)
    for index, score in enumerate(scores.float()):
        resized = F.interpolate(score[None, None], size, mode="bilinear")[0, 0]
        labels.masked_fill_(resized > best, index)
        best = torch.maximum(best, resized)
    return labels.cpu().numpy()


def _words(folder: Path, text_tower: str | None) -> frozenset[str]:
    """The words that the text tower saw: recorded with the CLIP that it comes from."""
    owner = folder
    if text_tower is not None:
        sibling = folder.resolve().parent / text_tower
        owner = sibling if sibling.is_dir() else resolve_source(text_tower)
    return frozenset(read_config(owner).get("words", ()))


def _checked(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"image is {image.dtype} {image.shape}; it takes uint8 (H, W, 3), RGB")
    return image


def _best_of_groups(maps: torch.Tensor, groups: Sequence[Sequence[str]]) -> torch.Tensor:
    parts = maps.split([len(group) for group in groups])
    return torch.stack([part.amax(dim=0) for part in parts])


def _since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)
