"""A picture and class names in, a :class:`Segmentation` out; what was computed once is kept.

A picture is encoded once and a name is encoded once: an edited class list runs only what depends
on it. The caches are bounded, keyed by content and shared by all users.

Axes: B windows; H W the picture; h w a score map; K classes; N names with their synonyms; D text
width.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tqdm_demo.checkpoints.loading import load_model
from tqdm_demo.class_list import ClassList
from tqdm_demo.devices import choose_device
from tqdm_demo.inference.assembly import assemble_segmentation, assemble_stages
from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.inference.encoded import Names, Picture, kept_embeddings
from tqdm_demo.inference.precision import Autocast, choose_precision, probe
from tqdm_demo.inference.preprocessing import cut_window, read_image, to_pixels
from tqdm_demo.inference.segmentation import Segmentation, Timings
from tqdm_demo.inference.sliding_window import Merged, SlidingWindow, Window, shrink_maps
from tqdm_demo.inference.stages import Stages
from tqdm_demo.inference.upsampling import upsample_argmax
from tqdm_demo.systems.cuda_graphs import use_cuda_graphs
from tqdm_demo.systems.system import Features, System
from tqdm_demo.systems.tokens import check_tokens

SINGLE, WINDOWS = MODES = ("single", "windows")
# Features of pictures: those of one 512 x 512 window of a ViT-B model take 24 MB.
KEPT_BYTES = 640 * 1024**2
# Makes what is held while a model runs, so that others can wait for it.
Turn = Callable[[], AbstractContextManager[None]]
Result = TypeVar("Result")


class Predictor:
    """One model with its caches. Safe to call from several threads.

    Args:
        model: what is asked.
        window_batch: windows that are encoded at once.
        cache: of features and embeddings, models may share it; None = its own, KEPT_BYTES large.
        turn: gives what is held while the model runs, for a slice of the work (one picture in one
            pass, one batch of windows, the names) at a time; several models may share it.
        autocast: gives the context in which pictures are encoded and decoded, for its precision.
    """

    def __init__(
        self,
        model: System,
        window_batch: int = 4,
        cache: BoundedCache[Any] | None = None,
        turn: Turn = nullcontext,
        autocast: Autocast = nullcontext,
    ) -> None:
        if window_batch < 1:
            raise ValueError(f"window_batch is {window_batch}; it must be at least 1")
        self.model = model
        self.window_batch = window_batch
        cache = BoundedCache(KEPT_BYTES, size_in_bytes) if cache is None else cache
        self._cache = cache.section()
        self._turn = turn
        self._autocast = autocast

    @classmethod
    def load(
        cls,
        source: str,
        device: str = "auto",
        window_batch: int = 4,
        cache: BoundedCache[Any] | None = None,
        turn: Turn = nullcontext,
        precision: str = "float32",
        cuda_graphs: bool = False,
    ) -> Predictor:
        """Loads a model, from the network only what is not on this machine.

        Args:
            source: see :mod:`tqdm_demo.checkpoints.sources`.
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``.
            window_batch: see the class, as for ``cache`` and ``turn``.
            precision: ``auto``, ``float32`` or ``bfloat16``, see :mod:`.precision`.
            cuda_graphs: record the networks for every size of input that comes again, see
                :mod:`tqdm_demo.systems.cuda_graphs`; on a GPU only.

        Raises:
            ValueError: an unknown source, device or precision, or a folder without such a model.
        """
        chosen = choose_device(device)
        model = load_model(source, chosen)

        def label(autocast: Autocast) -> np.ndarray:
            trial = cls(model, window_batch, autocast=autocast)
            return trial.segment(probe(model.input_size), mode=SINGLE).label_map

        autocast = choose_precision(precision, chosen, label)
        if cuda_graphs:
            use_cuda_graphs(model, chosen)
        return cls(model, window_batch, cache, turn, autocast)

    def forget(self) -> None:
        """Drops all that is kept of pictures and names."""
        self._cache.clear()

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
        """How pictures are read where no mode is given."""
        return SINGLE if self.model.window_stride is None else WINDOWS

    def check(self, classes: ClassList) -> None:
        """Looks whether this model can read all names of a list.

        Raises:
            ValueError: a name that is too long for the text tower, or has nothing that it reads.
        """
        if self.model.longest_name is not None:
            names = [name for entry in classes.entries for name in entry.names]
            check_tokens(names, self.model.longest_name)

    @torch.inference_mode()
    def segment(
        self,
        image: Image.Image | np.ndarray,
        names: Sequence[str] | ClassList | None = None,
        mode: str | None = None,
        resized: tuple[int, int] | None = None,
        label_all: bool = False,
    ) -> Segmentation:
        """Labels every pixel of a picture with the best of ``names``.

        Args:
            image: uint8 (H, W, 3) RGB, or a PIL image of any kind.
            names: K classes: one text each, synonyms separated by commas, the best counts; or a
                list that was parsed before. None = :attr:`default_names`.
            mode: one of :data:`MODES`: ``single`` resizes the picture to the model's size,
                ``windows`` goes over it in windows of that size; None = :attr:`default_mode`.
            resized: (H, W) to which the picture is resized before it is read, or cut into windows;
                None = the model's size, and windows of the picture as it is.
            label_all: a model that knows a fixed list of classes gives every pixel the best of
                ``names``, as the others do; else pixels of other classes stay unlabelled.

        Raises:
            ValueError: another kind of image, refused names (:meth:`check`), or another mode.
        """
        mode = mode or self.default_mode
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
        pixels = read_image(image) if isinstance(image, Image.Image) else image
        classes, picture = self._parse(names), Picture.of(pixels, resized)
        text = self._encode_names(classes)
        start = time.perf_counter()
        read = self._in_windows if mode == WINDOWS else self._at_once
        merged = read(picture, text, not label_all)
        decode_ms = 1000 * (time.perf_counter() - start) - picture.encode_ms
        encode_ms = picture.encode_ms, text.encode_ms
        timings = Timings(picture.reused, text.encoded, *encode_ms, decode_ms)
        return assemble_segmentation(self.model, classes, text, merged, timings, mode)

    @torch.inference_mode()
    def stages(self, image: np.ndarray, names: Sequence[str] | ClassList | None = None) -> Stages:
        """Similarity maps of the names at this model's stages.

        See :mod:`tqdm_demo.inference.stages`.

        Args:
            image: uint8 (H, W, 3) RGB; it is read in one pass, whatever its size.
            names: as :meth:`segment` takes them.

        Raises:
            ValueError: as :meth:`segment`.
        """
        classes = self._parse(names)
        return self.read(image, classes, partial(assemble_stages, classes))

    @torch.inference_mode()
    def read(
        self,
        image: np.ndarray,
        names: Sequence[str] | ClassList,
        use: Callable[[System, Features, Names], Result],
    ) -> Result:
        """Encodes a picture, in one pass, and names, and uses both in this model's turn."""
        picture, text = Picture.of(image), self._encode_names(self._parse(names))
        with self._turn():
            features = self._encode_picture(picture)
            with self._autocast():
                return use(self.model, features, text)

    def keep(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """What is kept under a key; where there is nothing, it is made in this model's turn."""
        with self._turn(), torch.inference_mode():
            return self._cache.get(key, make)[0]

    def _parse(self, names: Sequence[str] | ClassList | None) -> ClassList:
        if isinstance(names, ClassList):
            return names
        return ClassList.from_names(self.default_names if names is None else names)

    def _encode_names(self, classes: ClassList) -> Names:
        """Embeddings of all names; those that were not met before are encoded.

        Raises:
            ValueError: a name that the text tower cannot read.
        """
        start = time.perf_counter()
        # Lower case: capitals make no difference to the text tower.
        names = tuple(name.lower() for entry in classes.entries for name in entry.names)

        def encode(missing: list[str]) -> Tensor:
            self.check(classes)
            with self._turn():
                return self.model.encode_names(missing)

        embeddings, encoded = kept_embeddings(self._cache, names, encode)
        counts = [len(entry.names) for entry in classes.entries]
        encode_ms = 1000 * (time.perf_counter() - start)
        return Names(names, counts, embeddings, encoded, encode_ms)

    def _at_once(self, picture: Picture, text: Names, may_leave: bool) -> Merged:
        """Answers in one pass; see :meth:`_answer`."""
        with self._turn():
            maps = [m[0] for m in self._answer(self._encode_picture(picture), text, may_leave)]
        return Merged(upsample_argmax(maps[0], picture.size), *map(shrink_maps, maps))

    def _in_windows(self, picture: Picture, text: Names, may_leave: bool) -> Merged:
        """Answers in windows of the model's size."""
        model, window, stride = self.model, self.model.input_size, self.model.window_stride
        # Two thirds of a window, rounded down, is the published step: 341 of 512.
        strides = tuple(stride or max(1, 2 * side // 3) for side in window)
        windows = SlidingWindow(window, strides, self.window_batch)
        resized = windows.resized_size(picture.resized or picture.size)

        def answer(corners: list[Window]) -> list[Tensor]:
            def pixels() -> Tensor:
                cuts = [cut_window(picture.image, resized, w.top, w.left, window) for w in corners]
                return torch.cat([to_pixels(cut, window, model.mean, model.std) for cut in cuts])

            with self._turn():
                # A picture of one window is the same picture in one pass.
                part = ("whole", window) if resized == window else (resized, *corners)
                return self._answer(self._encode(picture, part, pixels), text, may_leave)

        return windows.merge(answer, picture.size, resized)

    def _answer(self, features: Features, text: Names, may_leave: bool) -> list[Tensor]:
        """Scores (B, K + R, h, w), and similarity (B, K, h, w) if there is one.

        Args:
            features: of a picture or of windows.
            text: the names.
            may_leave: the last R scores are those of trained classes that the list does not name:
                pixels where one of them is the largest stay unlabelled. Otherwise R is 0.
        """
        with self._autocast():
            maps = self.model.answer(features, text.embeddings, text.names)
        scores = text.best(maps.scores).float()
        if may_leave and maps.others is not None:
            scores = torch.cat((scores, maps.others.float()), dim=1)
        return [scores] if maps.similarity is None else [scores, text.best(maps.similarity).float()]

    def _encode_picture(self, picture: Picture) -> Features:
        """Features of the whole picture, resized to the model's size."""
        model, size = self.model, picture.size_for(self.model)
        return self._encode(
            picture, ("whole", size), lambda: to_pixels(picture.image, size, model.mean, model.std)
        )

    def _encode(self, picture: Picture, part: Hashable, pixels: Callable[[], Tensor]) -> Features:
        start = time.perf_counter()

        def encode() -> Features:
            with self._autocast():
                return self.model.encode_image(pixels())

        features, reused = self._cache.get((picture.key, part), encode)
        if not reused:
            picture.reused = False
            picture.encode_ms += 1000 * (time.perf_counter() - start)
        return features
