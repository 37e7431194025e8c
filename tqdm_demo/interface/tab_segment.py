"""Tab "Segment": one model's answer for the visitor's picture and class list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from tqdm_demo.class_list import ClassList
from tqdm_demo.interface import markup
from tqdm_demo.interface.parts import MAX_SIDE, PageParts
from tqdm_demo.preprocessing import read_image
from tqdm_demo.rendering import overlay

TITLE = "Segment"
ID = "segment"

Updates = dict[Any, Any]


def build_tab(page: PageParts) -> None:
    """Creates the tab inside the current ``gr.Tab`` and connects its events."""
    model = gr.Dropdown(
        [(entry.title, entry.source) for entry in page.shelf.entries],
        value=page.shelf.columns[0],
        label="Model",
        elem_id="model",
    )
    result = gr.Image(elem_id="result", show_label=False, interactive=False, format="jpeg")
    status = gr.HTML(elem_id="status")

    def on_change(
        picture: str | None, classes: ClassList, source: str, selected: str
    ) -> Iterator[Updates]:
        if picture is None or selected != ID:
            return
        try:
            image = read_image(picture, MAX_SIDE)
            answer = page.shelf.predictor(source).segment(image, classes.names)
        except ValueError as error:
            yield {status: markup.problem(str(error))}
            return
        yield {
            result: overlay(image, answer.label_map, classes.colours),
            status: markup.caption(answer),
        }

    model.input(lambda source: source, model, page.model, **page.light)
    gr.on(
        [*page.changes, page.model.change],
        on_change,
        [page.picture, page.classes, page.model, page.selected],
        [result, status],
        **page.latest,
    )
