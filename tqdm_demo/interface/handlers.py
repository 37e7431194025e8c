"""What happens when a visitor does something: every public method of :class:`Handlers` is an event.

Events yield dictionaries, component -> new value, one model after the other; a component that is
not in them stays as it is. So after a mistake the last good result stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from tqdm_demo.interface import markup
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.layout import Parts
from tqdm_demo.interface.models import MEANINGS, SCORE, Model
from tqdm_demo.predictor import Segmentation
from tqdm_demo.preprocessing import read_image
from tqdm_demo.rendering import heat_map, overlay, similarity_range
from tqdm_demo.vocabulary import CITYSCAPES_NAMES, colours_for, parse_names

# The long side of what is analysed and shown, in pixels.
MAX_SIDE = 1280

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Shown:
    """What a visitor's page shows: the last picture and list of names that were good.

    Attributes:
        picture: path of the picture's file; None = no picture yet.
        names: entries of the class list.
    """

    picture: str | None = None
    names: tuple[str, ...] = CITYSCAPES_NAMES


class Handlers:
    """The events of the page.

    Args:
        models: the columns.
        examples: the pictures of the gallery.
        parts: the components.
        shown: the state that holds :class:`Shown` for every visitor.
    """

    def __init__(
        self, models: Sequence[Model], examples: Sequence[Example], parts: Parts, shown: gr.State
    ) -> None:
        self.models = models
        self.examples = examples
        self.parts = parts
        self.shown = shown

    def on_open(self, shown: Shown, heat_name: str, view: str) -> Iterator[Updates]:
        """The page was opened: shows the first example."""
        if self.examples:
            yield from self._take(str(self.examples[0].path), shown, heat_name, view)

    def on_example(
        self, event: gr.SelectData, shown: Shown, heat_name: str, view: str
    ) -> Iterator[Updates]:
        """An example was chosen."""
        yield from self._take(str(self.examples[event.index].path), shown, heat_name, view)

    def on_picture(
        self, path: str | None, shown: Shown, heat_name: str, view: str
    ) -> Iterator[Updates]:
        """A picture was uploaded, pasted or taken, or the field was emptied."""
        if path is None:
            yield self._emptied(shown)
        else:
            yield from self._take(path, shown, heat_name, view)

    def on_names(self, text: str, shown: Shown, heat_name: str, view: str) -> Iterator[Updates]:
        """The class list was edited."""
        try:
            names = parse_names(text)
            for model in self._working:
                model.predictor.check(names)
            image = None if shown.picture is None else read_image(shown.picture, MAX_SIDE)
        except ValueError as error:
            yield {self.parts.names_problem: markup.problem(str(error))}
            return
        yield {self.parts.names_problem: "", self.shown: Shown(shown.picture, names)}
        if image is not None:
            yield from self._compare(image, names, heat_name, view)

    def on_heat(self, shown: Shown, heat_name: str, view: str) -> Iterator[Updates]:
        """Another name or another view was chosen for the heat maps."""
        if shown.picture is None or heat_name not in shown.names:
            return
        try:
            image = read_image(shown.picture, MAX_SIDE)
        except ValueError as error:
            yield {self.parts.columns[0].heat_caption: markup.problem(str(error))}
            return
        for model, column in zip(self.models, self.parts.columns, strict=True):
            if model.predictor is not None:
                result = model.predictor.segment(image, shown.names)
                drawn, caption = _draw_heat(image, model, result, heat_name, view)
                yield {column.heat: drawn, column.heat_caption: caption}

    @property
    def _working(self) -> list[Model]:
        return [model for model in self.models if model.predictor is not None]

    def _take(self, path: str, shown: Shown, heat_name: str, view: str) -> Iterator[Updates]:
        """Shows a new picture, or says what is wrong with it."""
        try:
            image = read_image(path, MAX_SIDE)
        except ValueError as error:
            yield {
                self.parts.picture: shown.picture,
                self.parts.picture_problem: markup.problem(str(error)),
            }
            return
        # Browsers turn a JPEG upright by themselves; other files come back as they were read,
        # because a browser may not show them, or not on white.
        as_it_is = path.lower().endswith((".jpg", ".jpeg"))
        yield {
            self.parts.picture: path if as_it_is else image,
            self.parts.picture_problem: "",
            self.shown: Shown(path, shown.names),
        }
        yield from self._compare(image, shown.names, heat_name, view)

    def _compare(
        self, image: np.ndarray, names: tuple[str, ...], heat_name: str, view: str
    ) -> Iterator[Updates]:
        """Runs one model after the other and shows each as soon as it is done."""
        if heat_name not in names:
            heat_name = names[0]
        parts = self.parts
        results: list[Segmentation | None] = [None] * len(self.models)
        yield {parts.heat_name: gr.Dropdown(choices=list(names), value=heat_name)}
        for index, (model, column) in enumerate(zip(self.models, parts.columns, strict=True)):
            if model.predictor is None:
                continue
            result = model.predictor.segment(image, names)
            results[index] = result
            heat, heat_caption = _draw_heat(image, model, result, heat_name, view)
            yield {
                column.prediction: overlay(image, result.label_map, colours_for(names)),
                column.caption: markup.caption(result),
                column.heat: heat,
                column.heat_caption: heat_caption,
                parts.legend: markup.legend(self.models, results),
            }

    def _emptied(self, shown: Shown) -> Updates:
        updates: Updates = {
            self.shown: Shown(None, shown.names),
            self.parts.picture_problem: "",
            self.parts.legend: "",
        }
        for model, column in zip(self.models, self.parts.columns, strict=True):
            updates |= {column.prediction: None, column.heat: None, column.heat_caption: ""}
            updates[column.caption] = markup.problem(model.problem)
        return updates


def _draw_heat(
    image: np.ndarray, model: Model, result: Segmentation, name: str, view: str
) -> tuple[np.ndarray, str]:
    """One name's heat map (H, W, 3) and the line below it."""
    index = result.names.index(name)
    if view == SCORE and model.predictor.kind != "zero-shot":
        maps, low, high = result.scores, 0.0, 1.0
    else:
        maps = result.similarity
        low, high = similarity_range(maps)
    meaning = MEANINGS[view, model.predictor.kind]
    return heat_map(image, maps[index], low, high), markup.heat_caption(meaning, low, high)
