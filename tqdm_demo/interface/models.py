"""The models that the page compares, and the words with which it introduces them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm_demo.predictor import Effort, Predictor

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


def load_models(sources: Sequence[str], device: str) -> list[Model]:
    """Loads what is there; a model that is missing becomes a column that says so.

    Raises:
        ValueError: none of the sources could be loaded.
    """
    models = []
    for source in dict.fromkeys(sources):
        try:
            models.append(Model(source, Predictor.load(source, device)))
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
