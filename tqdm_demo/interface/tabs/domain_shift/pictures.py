"""Panel "One class, many pictures": where one name is seen in up to twelve pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import COLOUR_MAP, shrink
from tqdm_demo.interface import markup
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.components.download_bar import build_download_bar
from tqdm_demo.interface.components.heat import SHARED, HeatLook, find_picked, heat_cell
from tqdm_demo.interface.components.image_grid import (
    AWAITED,
    Cell,
    Column,
    ImageGrid,
    make_grid,
    photo,
    with_cell,
)
from tqdm_demo.interface.parts import PageParts
from tqdm_demo.interface.tabs.domain_shift.controls import connect_run, run_buttons
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

TITLE = "One class, many pictures"
MOST = 12
LEAD = (
    f"Up to {MOST} pictures of yours, one name: does the model see it in all of them? Without "
    "pictures of your own, the examples are taken. The scale of every picture is that of your "
    "whole class list."
)
SIDE = 1024
SHOWN_SIDE = 480
# What may be shown, in the order of preference of a model's stages.
VIEWS = {
    "Similarity to the name": ("before", "clip", "after"),
    "Final mask": ("mask", "clip"),
}

Updates = dict[Any, Any]


@dataclass(frozen=True)
class PictureParts:
    """The components that the events write."""

    status: gr.HTML
    grid: gr.HTML


def build_panel(page: PageParts) -> PictureParts:
    """Creates the panel inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    with gr.Row(elem_classes="tab-controls"):
        # No file_types: gradio would refuse a file in its own words; ours come with the reading.
        files = gr.File(file_count="multiple", label=f"Pictures, up to {MOST}", height=150,
                        elem_id="many-files", scale=2, min_width=260)  # fmt: skip
        with gr.Column(scale=2, min_width=260):
            name = gr.Dropdown(
                list(CITYSCAPES_NAMES),
                value="car",
                allow_custom_value=True,
                label="Name, from your list or another",
                elem_id="many-name",
            )
            view = gr.Dropdown(list(VIEWS), value=next(iter(VIEWS)), filterable=False,
                               label="Show", elem_id="many-view")  # fmt: skip
        with gr.Column(scale=2, min_width=240):
            model = gr.Dropdown(
                [(entry.title, entry.source) for entry in page.models.entries],
                value=page.models.columns[0], label="Model", elem_id="many-model",
            )  # fmt: skip
            run, stop = run_buttons("Show the name", "many")
    build_download_bar(page, [model], "many")
    status = gr.HTML(elem_id="many-status")
    grid = make_grid("many-grid")
    parts = PictureParts(status, grid)

    def shown(classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from show_pictures(page, parts, classes, *values)

    def list_changed(classes: ClassList) -> gr.Dropdown:
        return gr.Dropdown(choices=list(classes.labels))

    page.classes.change(list_changed, page.classes, name, **page.light)
    connect_run(page, run, stop, shown, [page.classes, files, name, view, model], [status, grid])
    return parts


def show_pictures(
    page: PageParts,
    parts: PictureParts,
    classes: ClassList,
    files: Sequence[str] | None,
    name: str | None,
    view: str,
    source: str,
) -> Iterator[Updates]:
    """Fills the grid picture by picture; one that cannot be read says so in its place."""
    try:
        listed = find_picked(classes, [name or ""])
        pictures = _pictures(page, files)
        predictor = page.models.predictor(source)
        predictor.check(listed.classes)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error))}
        return
    columns = tuple(Column(title, "", (AWAITED, AWAITED)) for title, _ in pictures)
    look = HeatLook(COLOUR_MAP, SHARED)
    for index, (title, path) in enumerate(pictures):
        yield {
            parts.status: charts.progress(index, len(pictures), f"{title} …"),
            parts.grid: _grid(columns).value(),
        }
        try:
            image = page.models.pictures.read(path, SIDE)
            stages = predictor.stages(image, listed.classes)
        except ValueError as error:
            for row, text in enumerate((str(error), "")):
                columns = with_cell(columns, index, row, Cell(caption=text or "–"))
            continue
        kept = next((k for k in VIEWS[view] if getattr(stages, k) is not None), None)
        if kept is None:
            reason = stages.absent[VIEWS[view][0]]
            yield {parts.status: markup.problem(reason), parts.grid: None}
            return
        small = shrink(image, SHOWN_SIDE)
        alt = f"{listed.labels[0]} in {title}"
        cell = heat_cell(small, getattr(stages, kept), listed.rows[0], look, kept == "mask", alt)
        columns = with_cell(columns, index, 0, Cell(photo(small), title))
        columns = with_cell(columns, index, 1, cell)
    yield {parts.status: "", parts.grid: _grid(columns).value()}


def _pictures(page: PageParts, files: Sequence[str] | None) -> list[tuple[str, Path]]:
    if not files:
        return [(example.caption, example.path) for example in page.examples[:MOST]]
    if len(files) > MOST:
        raise ValueError(f"{len(files)} pictures are too many: {MOST} at most.")
    return [(Path(file).name, Path(file)) for file in files]


def _grid(columns: tuple[Column, ...]) -> ImageGrid:
    return ImageGrid(columns, rows=("", ""), aspect=3 / 2, layout="cards")
