"""One model's answer for one picture and class list, and how the page words it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.segmentation import Segmentation, Timings
from tqdm_demo.interface.components.viewer import ViewerData, viewer_data
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import MAX_SIDE

# Of a list of so few names every one that is missing in the picture is told.
FEW = 6


@dataclass(frozen=True)
class SegmentRequest:
    """What is asked of a model.

    Attributes:
        picture: path of the file.
        classes: the list.
        source: of the model.
    """

    picture: str
    classes: ClassList
    source: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model said.

    Attributes:
        request: what was asked.
        token: by which the browser asks for more; nobody can guess it.
        title: of the model.
        zero_shot: whether the model was never trained to segment.
        result: the segmentation of the picture, whose longer side is at most :data:`MAX_SIDE`.
    """

    request: SegmentRequest
    token: str
    title: str
    zero_shot: bool
    result: Segmentation

    @property
    def classes(self) -> ClassList:
        """The list that was asked for."""
        return self.request.classes


class AnswerStore:
    """Asks models and keeps the last answers, for clicks, downloads and repeated questions.

    Args:
        models: the models; the answers are kept in their cache, for all users together.
    """

    def __init__(self, models: ModelManager) -> None:
        self.models = models
        self._answers = models.cache.section()
        self._secret = secrets.token_bytes(16)

    def ask(self, request: SegmentRequest) -> tuple[Answer, bool]:
        """The answer, and whether it was there already.

        Raises:
            ValueError: the picture or the model cannot be had, or the model cannot read a name.
        """
        content = repr(request).encode()
        token = hashlib.blake2b(content, key=self._secret, digest_size=16).hexdigest()

        def make() -> Answer:
            image = self.models.pictures.read(request.picture, MAX_SIDE)
            title = self.models.entry(request.source).title
            predictor = self.models.predictor(request.source)
            result = predictor.segment(image, request.classes)
            return Answer(request, token, title, predictor.kind == "zero-shot", result)

        return self._answers.get(token, make)

    def read_pixel(self, payload: Any) -> dict[str, Any] | None:
        """What the viewer asks for when a pixel was clicked; it comes from a browser.

        Args:
            payload: ``{"token": text, "place": [x, y]}``.

        Returns:
            ``order``, ``scores`` and ``similarities`` of all classes, best first; None where the
            answer is not kept any more, or where the payload makes no sense.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("token"), str):
            return None
        answer = self._answers.peek(payload["token"])
        place = payload.get("place")
        if answer is None or not isinstance(place, list) or len(place) != 2:
            return None
        height, width = answer.result.label_map.shape
        x, y = place
        if type(x) is not int or type(y) is not int or not (0 <= x < width and 0 <= y < height):
            return None
        return asdict(read_pixel(answer.result, (x, y)))

    def to_viewer(self, answer: Answer) -> ViewerData:
        """The answer as the viewer takes it.

        Raises:
            ValueError: the picture is not there any more.
        """
        return viewer_data(
            self.models.pictures.read(answer.request.picture, MAX_SIDE),
            answer.result.label_map,
            answer.result.scores,
            list(answer.classes.labels),
            list(answer.classes.colours),
            [note(answer, index) for index in range(len(answer.classes.labels))],
            answer.title,
            answer.token,
        )


def note(answer: Answer, index: int) -> str:
    """What a user should know of a name: its nearest trained class, the words that are unknown."""
    if answer.classes.everything_else and index == len(answer.classes.labels) - 1:
        return "what the list does not name"
    remarks = [f"this model has no class “{name}”" for name in answer.result.missing[index]]
    nearest_class = answer.result.nearest_classes[index]
    if nearest_class is not None:
        remarks.append(
            f"not trained: nearest trained class “{nearest_class.name}”, "
            f"similarity {nearest_class.similarity:.2f}"
        )
    if unknown := answer.result.unknown[index]:
        words = ", ".join(f"“{word}”" for word in unknown)
        remarks.append(f"this CLIP never read {words}")
    return "; ".join(remarks)


def tell_fit(answer: Answer) -> str:
    """A sentence where nothing of the list is in the picture, or some of it is not."""
    result = answer.result
    if result.matches is None:
        return ""
    count = len(result.matches) - answer.classes.everything_else
    named = sorted(zip(result.matches[:count], answer.classes.labels[:count], strict=True))
    if not named:
        return ""
    best, label = named[-1]
    if best < result.faint:
        return (
            f"Nothing in your list fits this picture. The best match is “{label}” with {best:.2f}; "
            f"what is there has {result.faint:.2f} or more."
        )
    faint = [f"“{name}” ({match:.2f})" for match, name in named if match < result.faint]
    if not faint:
        return ""
    told = ", ".join(faint[-FEW:][::-1])
    more = f" and {len(faint) - FEW} more" if len(faint) > FEW else ""
    return f"Nothing here is close to {told}{more} (best match in brackets)."


def timing(timings: Timings) -> str:
    """What was computed and how long each part took, in one line."""
    parts = []
    if not timings.picture_reused:
        parts.append(f"picture encoded in {duration(timings.picture_ms)}")
    if timings.names_encoded:
        plural = "s" if timings.names_encoded > 1 else ""
        parts.append(f"{timings.names_encoded} new name{plural} in {duration(timings.names_ms)}")
    parts.append(f"decoded in {duration(timings.decode_ms)}")
    if timings.picture_reused:
        parts.append("picture features reused")
    return " · ".join(parts)


def duration(milliseconds: float) -> str:
    """Milliseconds or seconds, in words."""
    if milliseconds < 1000:
        return f"{max(milliseconds, 1):.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


@dataclass(frozen=True)
class PixelValues:
    """All K classes at one pixel, best score first.

    Attributes:
        order: indices into the class list.
        scores: in that order.
        similarities: cosines, in that order; None where the model compares nothing with names.
    """

    order: list[int]
    scores: list[float]
    similarities: list[float] | None


def read_pixel(result: Segmentation, place: tuple[int, int]) -> PixelValues:
    """Reads scores and similarities where a pixel (x, y) of the picture lies in their maps."""
    height, width = result.label_map.shape
    right, down = (place[0] + 0.5) / width, (place[1] + 0.5) / height
    scores = _column(result.scores, right, down)
    compared = result.similarity is not None
    similarities = _column(result.similarity, right, down) if compared else np.zeros_like(scores)
    # The label map decides where two classes are as good as equal.
    winner = int(result.label_map[place[1], place[0]])
    order = sorted(range(len(scores)), key=lambda k: (k != winner, -scores[k], -similarities[k]))
    cosines = [float(similarities[k]) for k in order] if compared else None
    return PixelValues(order, [float(scores[k]) for k in order], cosines)


def _column(maps: np.ndarray, right: float, down: float) -> np.ndarray:
    """(K,) values of maps (K, h, w), between the four nearest cells, as the label map is made."""
    height, width = maps.shape[1:]
    return _between(_between(maps, down * height - 0.5, 1), right * width - 0.5, 1)


def _between(values: np.ndarray, place: float, axis: int) -> np.ndarray:
    last = values.shape[axis] - 1
    place = min(max(place, 0.0), float(last))
    low = int(place)
    share = place - low
    return (1 - share) * values.take(low, axis) + share * values.take(min(low + 1, last), axis)
