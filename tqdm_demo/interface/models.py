"""The shelf of models that the page offers, and the words with which it introduces them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tqdm_demo.devices import release_memory
from tqdm_demo.predictor import Effort, Predictor
from tqdm_demo.sources import BUNDLED, CURATED, describe, locate

# Columns that the page opens with.
COLUMNS = 3

TITLES = {
    "textual": ("tqdm", "queries made from your words"),
    "learned": ("Learned queries", "the same model, no text in its decoder"),
    "zero-shot": ("Zero-shot CLIP", "never trained to segment"),
}
SIMILARITY = "similarity"
SCORE = "score"
VIEWS = {SIMILARITY: "Similarity of image and word", SCORE: "Score that decides"}
MEANINGS = {
    (SIMILARITY, "textual"): (
        "Cosine of its patch embeddings and its text query for the name, which has passed the "
        "learned prompt and the context decoder. It steers the answer, it is not the answer."
    ),
    (SIMILARITY, "learned"): (
        "Cosine of its patch embeddings and CLIP’s embedding of the name: CLIP’s own map where "
        "its image tower was kept frozen. Its answer makes no use of it."
    ),
    (SIMILARITY, "zero-shot"): (
        "Cosine of CLIP’s patch embeddings and of the name, averaged over a few sentences. "
        "The largest wins: this is the answer."
    ),
    (SCORE, "textual"): "Class probability times mask probability. The largest wins.",
    (SCORE, "learned"): "Class probability times mask probability. The largest wins.",
    (SCORE, "zero-shot"): "CLIP has no other score: (1 + cosine) / 2. The largest wins.",
}


@dataclass(frozen=True)
class ModelEntry:
    """One model on the shelf.

    Attributes:
        source: what ``Predictor.load`` takes; also the model's name in the API.
        title: short, for column heads and menus.
        about: one honest line: what it was trained on, measured mIoU where it is known.
        kind: ``textual``, ``learned``, ``zero-shot``; empty = not known before it is loaded.
    """

    source: str
    title: str
    about: str
    kind: str


class ModelShelf:
    """All models that can be chosen; a few of them are loaded. Safe to use from several threads.

    Args:
        sources: models to put first, see :mod:`tqdm_demo.sources`. The bundled ones and
            open_clip's follow.
        device: of all models: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        max_models: how many stay loaded; the one that was not used for the longest time goes.
        load: makes a predictor of a source and a device.

    Attributes:
        columns: the sources that the page opens with.

    Raises:
        ValueError: ``max_models`` below 1.
    """

    def __init__(
        self,
        sources: Sequence[str] = (),
        device: str = "auto",
        max_models: int = 4,
        load: Callable[[str, str], Predictor] = Predictor.load,
    ) -> None:
        if max_models < 1:
            raise ValueError(f"max_models is {max_models}; at least one model must stay loaded")
        known = dict.fromkeys((*sources, *BUNDLED, *(model.source for model in CURATED)))
        self._entries = {source: _entry(source) for source in known}
        columns = dict.fromkeys((*(sources or BUNDLED[:1]), *BUNDLED[1:]))
        self.columns = tuple(columns)[:COLUMNS]
        self.device = device
        self.max_models = max_models
        self._load = load
        self._loaded: OrderedDict[str, Predictor] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """All models, in the order of a menu."""
        return tuple(self._entries.values())

    def entry(self, source: str) -> ModelEntry:
        """What is known of one model.

        Raises:
            ValueError: it is not on the shelf.
        """
        if source not in self._entries:
            raise ValueError(f"There is no model {source!r}; there are {', '.join(self._entries)}.")
        return self._entries[source]

    def is_loaded(self, source: str) -> bool:
        """Whether :meth:`predictor` would answer at once."""
        with self._lock:
            return source in self._loaded

    def predictor(self, source: str) -> Predictor:
        """A model, loaded where it is not; keep no reference, or its memory is never given back.

        Raises:
            ValueError: it is not on the shelf or cannot be had; a sentence for the visitor.
                The models that are loaded stay.
        """
        self.entry(source)
        found = self._find(source)
        if found is not None:
            return found
        locate(source)  # downloads; what cannot be had fails here, before another model goes
        with self._loading:  # one at a time: two would need the memory of both
            found = self._find(source)
            if found is not None:
                return found
            self._make_room()
            predictor = self._load(source, self.device)
            with self._lock:
                self._loaded[source] = predictor
                self._entries[source] = replace(self._entries[source], kind=predictor.kind)
            return predictor

    def _find(self, source: str) -> Predictor | None:
        with self._lock:
            if source in self._loaded:
                self._loaded.move_to_end(source)
            return self._loaded.get(source)

    def _make_room(self) -> None:
        with self._lock:
            dropped = [
                self._loaded.popitem(last=False)
                for _ in range(len(self._loaded) - self.max_models + 1)
            ]
        if dropped:
            dropped.clear()
            release_memory()


@dataclass(frozen=True)
class Model:
    """One column of the page.

    Attributes:
        source: as ``Predictor.load`` takes it; also its name in the API.
        predictor: None where it could not be loaded.
        problem: why not, in a sentence; empty otherwise.
    """

    source: str
    predictor: Predictor | None
    problem: str = ""

    @property
    def title(self) -> str:
        """What the column is called."""
        return TITLES[self.predictor.kind][0] if self.predictor else self.source

    @property
    def subtitle(self) -> str:
        """What it is, in a few words."""
        return TITLES[self.predictor.kind][1] if self.predictor else "not available"


def load_models(shelf: ModelShelf, sources: Sequence[str]) -> list[Model]:
    """Loads some of the shelf; a model that cannot be had becomes a column that says so.

    Raises:
        ValueError: none of them could be loaded.
    """
    models = []
    for source in dict.fromkeys(sources):
        try:
            models.append(Model(source, shelf.predictor(source)))
        except ValueError as error:
            models.append(Model(source, None, str(error)))
    if not any(model.predictor for model in models):
        raise ValueError("no model could be loaded:\n" + "\n".join(m.problem for m in models))
    return models


def describe_effort(effort: Effort) -> str:
    """What was computed and what was reused, as a line for the visitor."""
    picture = (
        "picture features reused"
        if effort.picture_reused
        else f"picture encoded in {_time(effort.picture_ms)}"
    )
    count = effort.names_encoded
    names = "no new name to encode"
    if count:
        plural = "s" if count > 1 else ""
        names = f"{count} new name{plural} encoded in {_time(effort.names_ms)}"
    return f"{picture}, {names}, decoded in {_time(effort.decode_ms)}"


def _time(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{max(milliseconds, 1):.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def _entry(source: str) -> ModelEntry:
    known = describe(source)
    return ModelEntry(known.source, known.title, known.about, known.kind)
