"""The models that the page offers: described at once, loaded when they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm_demo.checkpoints.sources import (
    BUNDLED,
    CURATED,
    PUBLISHED_SOURCES,
    Description,
    describe,
    is_missing,
    locate,
)
from tqdm_demo.devices import is_out_of_memory, release_memory
from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.interface.fetching import Fetching
from tqdm_demo.interface.picture_files import PictureFiles
from tqdm_demo.interface.turns import FairTurns, GradioJobs

if TYPE_CHECKING:
    from tqdm_demo.inference.predictor import Predictor

# Columns that the page opens with.
COLUMNS = 3
# A program that names no model sends photographs more often than drawn streets.
PHOTOGRAPHS = "photos-tqdm"
# The button that starts a download.
DOWNLOAD = "Download the weights"
# Megabytes of all that is kept; see ModelManager.
CACHE_MB = 1024


def load_predictor(source: str, device: str, **more: Any) -> Predictor:
    """:meth:`.Predictor.load`; imports torch, which takes longer than to show the page."""
    from tqdm_demo.inference.predictor import Predictor

    return Predictor.load(source, device, **more)


class ModelManager:
    """All models that can be chosen; a few of them are loaded. Safe to use from several threads.

    Args:
        sources: models to put first, see :mod:`tqdm_demo.checkpoints.sources`. The bundled, the
            published and open_clip's follow.
        device: of all models: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        max_models: how many stay loaded; the one that was not used for the longest time goes.
            While one is loaded, memory takes one more.
        load: makes a predictor of a source, a device, and ``cache`` and ``turn`` as in
            :class:`Predictor`.
        cache_mb: what all that is kept may take, in megabytes of 2**20 bytes: decoded pictures,
            features of pictures, embeddings of names and answers, of all models together.
        fixed: offer the given and the bundled models alone.

    Attributes:
        columns: the sources that the page opens with.
        default: the source that answers a program which names none.
        cache: where all that is kept is.
        pictures: reads picture files.
        turns: at the models, for all users.

    Raises:
        ValueError: ``max_models`` below 1, or ``cache_mb``.
    """

    def __init__(
        self,
        sources: Sequence[str] = (),
        device: str = "auto",
        max_models: int = 4,
        load: Callable[..., Predictor] = load_predictor,
        cache_mb: int = CACHE_MB,
        fixed: bool = False,
    ) -> None:
        if max_models < 1:
            raise ValueError(f"max_models is {max_models}; at least one model must stay loaded")
        if cache_mb < 1:
            raise ValueError(f"cache_mb is {cache_mb}; it must be at least 1")
        curated = (model.source for model in CURATED)
        more = () if fixed else (*PUBLISHED_SOURCES, *curated)
        known = dict.fromkeys((*sources, *BUNDLED, *more))
        self._entries = {source: describe(source) for source in known}
        columns = dict.fromkeys((*(sources or BUNDLED[:1]), *BUNDLED[1:]))
        self.columns = tuple(columns)[:COLUMNS]
        self._given = frozenset(sources)
        self._fetching = Fetching()
        self.default = self.columns[0] if sources else PHOTOGRAPHS
        self.device = device
        self.max_models = max_models
        self.cache: BoundedCache[Any] = BoundedCache(cache_mb * 2**20, size_in_bytes)
        self.pictures = PictureFiles(self.cache)
        self.turns = FairTurns(GradioJobs())
        self._load = partial(load, cache=self.cache, turn=self.turns.turn)
        self._loaded: OrderedDict[str, Predictor] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    @property
    def entries(self) -> tuple[Description, ...]:
        """All models, in the order of a menu."""
        return tuple(self._entries.values())

    def entry(self, source: str) -> Description:
        """What is known of one model.

        Raises:
            ValueError: the page does not offer it.
        """
        if source not in self._entries:
            raise ValueError(f"There is no model {source!r}; there are {', '.join(self._entries)}.")
        return self._entries[source]

    def is_loaded(self, source: str) -> bool:
        """Whether :meth:`predictor` would answer at once; to be shown, see also :meth:`loaded`."""
        with self._lock:
            return source in self._loaded

    def loaded(self, source: str) -> Predictor | None:
        """A model if it is loaded, else None; never waits for one."""
        with self._lock:
            if source in self._loaded:
                self._loaded.move_to_end(source)
            return self._loaded.get(source)

    def is_missing(self, source: str) -> bool:
        """Whether a user has to ask for the download first: it is large, and has terms of its own.

        Models that were given at the start are downloaded without asking.
        """
        return source not in self._given and is_missing(source)

    def check_present(self, *sources: str) -> None:
        """Looks whether models can be asked without a download of :meth:`is_missing`.

        Raises:
            ValueError: the page does not offer one, or its weights are missing; a sentence.
        """
        for source in sources:
            title = self.entry(source).title
            if self.is_missing(source):
                raise ValueError(
                    f"The weights of “{title}” are not downloaded yet: press “{DOWNLOAD}” on the "
                    "page, where this model is chosen."
                )

    def fetch(self, source: str) -> Iterator[tuple[str, float]]:
        """Downloads a model that is missing, see :meth:`.Fetching.fetch`.

        Raises:
            ValueError: the page does not offer it, or it cannot be had; a sentence for the user.
        """
        self.entry(source)
        return self._fetching.fetch(source)

    def predictor(self, source: str) -> Predictor:
        """A model, loaded where it is not; keep no reference, or its memory is never given back.

        Raises:
            ValueError: the page does not offer it, or it cannot be had; a sentence for the user.
                The models that are loaded stay.
        """
        self.entry(source)
        found = self.loaded(source)
        if found is not None:
            return found
        self.check_present(source)
        locate(source)  # downloads, while other models can still be loaded
        with self._loading:  # one at a time: two would need the memory of both
            found = self.loaded(source)
            if found is not None:
                return found
            predictor = self._load_beside(source)
            self._make_room()
            with self._lock:
                self._loaded[source] = predictor
                self._entries[source] = replace(self._entries[source], kind=predictor.kind)
            return predictor

    def _load_beside(self, source: str) -> Predictor:
        """Loads before another model goes, so that a damaged one costs none.

        Where memory does not take one more, the one that was not used for the longest time goes
        first.
        """
        try:
            return self._load(source, self.device)
        except (MemoryError, RuntimeError) as error:
            if len(self._loaded) < self.max_models or not is_out_of_memory(error):
                raise
        self._make_room()  # outside of the handler, whose traceback would hold what was loaded
        return self._load(source, self.device)

    def _make_room(self) -> None:
        with self._lock:
            dropped = [
                self._loaded.popitem(last=False)
                for _ in range(len(self._loaded) - self.max_models + 1)
            ]
        for _, predictor in dropped:
            predictor.forget()
        if dropped:
            del predictor
            dropped.clear()
            release_memory()
