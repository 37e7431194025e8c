"""Panel "Two pictures of one place": day and night, summer and snow, a photo and a painting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import agreement
from tqdm_demo.inference.rendering import overlay, shrink
from tqdm_demo.inference.segmentation import Segmentation
from tqdm_demo.interface import markup
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.components.image_grid import (
    AWAITED,
    Cell,
    Column,
    ImageGrid,
    label_pixels,
    make_grid,
    photo,
)
from tqdm_demo.interface.components.saving import FigureSaving
from tqdm_demo.interface.parts import MAX_SIDE, PageParts
from tqdm_demo.interface.tabs.domain_shift.controls import connect_run, run_buttons
from tqdm_demo.streets.domains import apply_domain

TITLE = "Two pictures of one place"
LEAD = (
    "Day and night, summer and snow, a photo and a painting of it: the first picture is yours from "
    "the left, the second goes here; without one it is yours through the filter “Night”. Same "
    "class names, same colours; point at one to read both."
)
FIRST, SECOND = "First picture", "Second picture"
# Stands in for a second picture, so that the panel shows what it does.
STAND_IN = "night"
SHOWN_SIDE = 1024
# Pictures whose shapes differ by less than this are compared pixel by pixel.
_SAME_SHAPE = 0.02

Updates = dict[Any, Any]


@dataclass(frozen=True)
class PairParts:
    """The components that the events write."""

    status: gr.HTML
    grid: gr.HTML
    shares: gr.HTML


@dataclass(frozen=True)
class Side:
    """One of the two pictures: its heading, a line below, pixels (H, W, 3), what was found."""

    title: str
    note: str
    image: np.ndarray
    result: Segmentation


def build_panel(page: PageParts) -> PairParts:
    """Creates the panel inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    with gr.Row(elem_classes="tab-controls"):
        # No file_types: gradio would refuse a file in its own words; ours come with the reading.
        second = gr.File(label=SECOND, height=120, elem_id="pair-second", scale=3, min_width=260)
        with gr.Column(scale=2, min_width=240):
            model = gr.Dropdown(
                [(entry.title, entry.source) for entry in page.models.entries],
                value=page.models.columns[0], label="Model", elem_id="pair-model",
            )  # fmt: skip
            run, stop = run_buttons("Compare the two", "pair")
    page.menus.append(model)
    page.followers.append(model)
    status = gr.HTML(elem_id="pair-status")
    grid = make_grid("pair-grid")
    saving = FigureSaving(page, grid, "pair")
    shares = gr.HTML(elem_id="pair-shares")
    parts = PairParts(status, grid, shares)

    def compared(picture: str | None, classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from saving.keep(show_pair(page, parts, picture, classes, *values))

    inputs = [page.picture, page.classes, second, model]
    connect_run(page, run, stop, compared, inputs, [status, grid, shares, saving.token])
    return parts


def show_pair(
    page: PageParts,
    parts: PairParts,
    picture: str | None,
    classes: ClassList,
    second: str | None,
    source: str,
) -> Iterator[Updates]:
    """Segments both pictures, one after the other, then tells how the shares differ."""
    try:
        if picture is None:
            raise ValueError("Choose the first picture on the left.")
        first = page.models.pictures.read(picture, MAX_SIDE)
        if second is None:
            note, other = "yours, through the filter “Night”", apply_domain(STAND_IN, first)
        else:
            note, other = Path(second).name, page.models.pictures.read(second, MAX_SIDE)
        sides: list[Side] = []
        for title, text, image in ((FIRST, "yours", first), (SECOND, note, other)):
            yield {
                parts.status: charts.progress(len(sides), 2, f"{title} …"),
                parts.grid: _grid(first, sides, classes).value(),
                parts.shares: "",
            }
            result = page.models.predictor(source).segment(image, classes)
            sides.append(Side(title, text, image, result))
    except ValueError as error:
        yield {parts.status: markup.problem(str(error))}
        return
    yield {
        parts.status: _same(*sides),
        parts.grid: _grid(first, sides, classes).value(),
        parts.shares: charts.share_table(
            [side.title for side in sides],
            classes.labels,
            classes.colours,
            [side.result.shares for side in sides],
            change=True,
        ),
    }


def _same(first: Side, second: Side) -> str:
    """How much of the two is the same, where their pixels can be laid over each other."""
    labels, other = first.result.label_map, second.result.label_map
    if abs(_aspect(labels) / _aspect(other) - 1) > _SAME_SHAPE:
        return markup.line(
            "The two have different shapes: what is shown of the second is cut to the shape of the "
            "first, the shares are those of the whole pictures."
        )
    size = labels.shape[1], labels.shape[0]
    laid = np.asarray(Image.fromarray(other).resize(size, Image.Resampling.NEAREST))
    share = charts.percent(agreement(labels, laid))
    return markup.line(f"{share} of the pixels have the same class, if the camera stood still.")


def _aspect(image: np.ndarray) -> float:
    return image.shape[1] / image.shape[0]


def _grid(first: np.ndarray, sides: list[Side], classes: ClassList) -> ImageGrid:
    columns = [Column(side.title, side.note, _cells(side, classes)) for side in sides]
    missing = (FIRST, SECOND)[len(sides) :]
    columns += [Column(title, "", (AWAITED, AWAITED)) for title in missing]
    return ImageGrid(
        tuple(columns),
        rows=("Picture", "Classes"),
        labels=classes.labels,
        colours=classes.colours,
        aspect=_aspect(first),
        layout="pair",
    )


def _cells(side: Side, classes: ClassList) -> tuple[Cell, Cell]:
    labels = side.result.label_map
    pixels = label_pixels(labels)
    drawn = shrink(overlay(side.image, labels, classes.colours), SHOWN_SIDE)
    return (
        Cell(photo(shrink(side.image, SHOWN_SIDE)), side.title, pixels=pixels),
        Cell(photo(drawn), f"Classes: {side.title}", pixels=pixels),
    )
