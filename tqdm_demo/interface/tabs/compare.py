"""Tab "Compare": one picture, several models, the ground truth where it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import agreement, confusions, mean_iou, relabel
from tqdm_demo.inference.rendering import difference, overlay, shrink
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
from tqdm_demo.interface.examples import find_example, read_truth
from tqdm_demo.interface.parts import MAX_SIDE, MOST_MODELS, PageParts, when_shown
from tqdm_demo.interface.tabs.figure_order import figure_sources, in_figure_order
from tqdm_demo.vocabulary import CITYSCAPES_NAMES, IGNORED

TITLE = "Compare"
ID = "compare"
LEAD = (
    "The same picture and class list for several models. Point at one result to read all of them "
    "at that place; click a picture to enlarge it. The columns are in the order of the paper’s "
    "figure."
)
TRUTH = "Ground truth"
FIGURE_BUTTON = "As in the paper’s figure"
SHOWN_SIDE = 1024

Updates = dict[Any, Any]


@dataclass(frozen=True)
class CompareParts:
    """The components that the events write.

    Attributes:
        status: what is going on, or what went wrong.
        grid: the pictures.
        differing: how the two chosen answers differ.
        shares: every class's share of the picture.
        asked: state, what the grid answers; nothing is computed where that is asked again.
    """

    status: gr.HTML
    grid: gr.HTML
    differing: gr.HTML
    shares: gr.HTML
    asked: gr.State


@dataclass(frozen=True)
class Shown:
    """One answer on the grid.

    Attributes:
        title: of the model, or "Ground truth".
        note: a line about it.
        labels: uint8 (H, W), index into the class list; 255 = no listed class.
    """

    title: str
    note: str
    labels: np.ndarray


def build_tab(page: PageParts) -> CompareParts:
    """Creates the tab inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    models, figure, first, second = _build_controls(page)
    page.menus.append(models)
    page.followers.append(models)
    status = gr.HTML(elem_id="compare-status")
    grid = make_grid("compare-grid")
    saving = FigureSaving(page, grid, "compare")
    with gr.Row(elem_classes="compare-figures"):
        with gr.Column(min_width=300, scale=3):
            shares = gr.HTML(elem_id="compare-shares")
        with gr.Column(min_width=260, scale=2):
            differing = gr.HTML(elem_id="compare-differing")
    parts = CompareParts(status, grid, differing, shares, gr.State(None))

    def changed(
        selected: str, last: Any, picture: str | None, classes: ClassList,
        sources: list[str], *pair: str,
    ) -> Iterator[Updates]:  # fmt: skip
        asked = (picture, classes, tuple(sources), pair)
        if selected != ID or asked == last:
            # gradio empties all outputs of a generator that yields nothing.
            yield gr.skip()
            return
        yield from saving.keep(on_change(page, parts, *asked))

    def models_changed(sources: list[str]) -> tuple[gr.Dropdown, gr.Dropdown]:
        titles = [page.models.entry(source).title for source in sources]
        pair = (titles[-1:] or [None])[0], (titles[:1] or [None])[0]
        return tuple(gr.Dropdown(choices=[*titles, TRUTH], value=value) for value in pair)

    def as_in_the_figure(source: str) -> list[str]:
        models = page.models
        return figure_sources(models.entries, models.entry(source), models.is_missing)

    figure.click(as_in_the_figure, page.model, models, **page.light)
    models.change(models_changed, models, [first, second], **page.light)
    inputs = [page.selected, parts.asked, page.picture, page.classes, models, first, second]
    outputs = [status, grid, differing, shares, parts.asked, saving.token]
    triggers = [*page.changes, models.change, first.input, second.input]
    gr.on(triggers, changed, inputs, outputs, js=when_shown(ID), **page.latest)
    return parts


def _build_controls(page: PageParts) -> tuple[gr.Dropdown, gr.Button, gr.Dropdown, gr.Dropdown]:
    """The models, the button for those of the figure, and the two whose difference is shown."""
    shown = in_figure_order([page.models.entry(source) for source in page.models.columns])
    chosen, titles = [entry.source for entry in shown], [entry.title for entry in shown]
    with gr.Row(elem_classes="tab-controls"):
        models = gr.Dropdown(
            [(entry.title, entry.source) for entry in page.models.entries],
            value=chosen,
            multiselect=True,
            max_choices=MOST_MODELS,
            label=f"Models, up to {MOST_MODELS}",
            elem_id="compare-models",
            scale=3,
            min_width=300,
        )
        figure = gr.Button(FIGURE_BUTTON, elem_id="compare-figure", size="sm", min_width=160,
                           scale=0)  # fmt: skip
        first, second = (
            gr.Dropdown([*titles, TRUTH], value=value, label=label, filterable=False,
                        elem_id=name, min_width=160)
            for value, label, name in (
                (titles[-1], "Where this one …", "compare-first"),
                (titles[0], "… differs from this", "compare-second"),
            )
        )  # fmt: skip
    return models, figure, first, second


def on_change(
    page: PageParts,
    parts: CompareParts,
    picture: str | None,
    classes: ClassList,
    sources: Sequence[str],
    pair: Sequence[str | None],
) -> Iterator[Updates]:
    """The picture, the class list, the models, the pair or the open tab has changed."""
    if picture is None or not sources:
        what = "picture" if picture is None else "model"
        yield {
            parts.status: markup.line(f"Choose a {what} first."),
            parts.grid: None,
            parts.differing: "",
            parts.shares: "",
            parts.asked: None,
        }
        return
    try:
        page.models.check_present(*sources)
        image = page.models.pictures.read(picture, MAX_SIDE)
        truth = read_truth(find_example(page.examples, picture), image.shape[:2])
        if truth is not None:
            truth = relabel(truth, CITYSCAPES_NAMES, classes)
        yield from _fill(page, parts, image, truth, classes, sources, pair)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error)), parts.asked: None}
        return
    yield {parts.asked: (picture, classes, sources, pair)}


def _fill(
    page: PageParts,
    parts: CompareParts,
    image: np.ndarray,
    truth: np.ndarray | None,
    classes: ClassList,
    sources: Sequence[str],
    pair: Sequence[str | None],
) -> Iterator[Updates]:
    """Shows one model after the other, then how two of them differ."""
    entries = in_figure_order([page.models.entry(source) for source in sources])
    sources, titles = [e.source for e in entries], [e.title for e in entries]
    waiting = not all(map(page.models.is_loaded, sources))
    answers: list[Shown] = []
    for done, (source, title) in enumerate(zip(sources, titles, strict=True)):
        if done or waiting:
            yield _update(parts, image, truth, classes, titles, answers)
        text = f"{title} segments the picture …"
        yield {parts.status: charts.progress(done, len(sources), text)}
        result = page.models.predictor(source).segment(image, classes)
        answers.append(Shown(title, _judged(result.label_map, truth), result.label_map))
    if truth is not None:
        answers.append(Shown(TRUTH, "as it was drawn", truth))
    update = _update(parts, image, truth, classes, titles, answers)
    two = [next((a for a in answers if a.title == title), None) for title in pair]
    if None not in two:
        update |= _difference(parts, image, classes, two, _grid(image, classes, titles, answers))
    yield {**update, parts.status: ""}


def _update(
    parts: CompareParts,
    image: np.ndarray,
    truth: np.ndarray | None,
    classes: ClassList,
    titles: Sequence[str],
    answers: Sequence[Shown],
) -> Updates:
    heads = [*titles, TRUTH] if truth is not None else list(titles)
    known = {answer.title: _shares(answer.labels, len(classes.labels)) for answer in answers}
    table = charts.share_table(heads, classes.labels, classes.colours, [*map(known.get, heads)])
    grid = _grid(image, classes, titles, answers)
    return {parts.grid: grid.value(), parts.shares: table if answers else ""}


def _grid(
    image: np.ndarray, classes: ClassList, titles: Sequence[str], answers: Sequence[Shown]
) -> ImageGrid:
    small = shrink(image, SHOWN_SIDE)
    size = f"{image.shape[1]} × {image.shape[0]} pixels"
    columns = [Column("Picture", size, (Cell(photo(small), "The picture"),))]
    columns += [Column(a.title, a.note, (_cell(image, a, classes),)) for a in answers]
    columns += [Column(title, "", (AWAITED,)) for title in titles[len(answers) :]]
    aspect = image.shape[1] / image.shape[0]
    return ImageGrid(
        tuple(columns),
        rows=("",),
        labels=classes.labels,
        colours=classes.colours,
        aspect=aspect,
        layout="wide",
    )


def _cell(image: np.ndarray, answer: Shown, classes: ClassList) -> Cell:
    drawn = shrink(overlay(image, answer.labels, classes.colours), SHOWN_SIDE)
    return Cell(photo(drawn), f"Classes: {answer.title}", pixels=label_pixels(answer.labels))


def _difference(
    parts: CompareParts,
    image: np.ndarray,
    classes: ClassList,
    two: Sequence[Shown],
    grid: ImageGrid,
) -> Updates:
    """Adds where two answers differ, and says in which classes."""
    one, other = two
    counted = (one.labels != IGNORED) & (other.labels != IGNORED)
    labels = [np.where(counted, a.labels, IGNORED) for a in two]
    same = agreement(*labels)
    cell = Cell(
        photo(shrink(difference(image, *labels), SHOWN_SIDE)),
        f"Where {one.title} and {other.title} differ",
    )
    note = f"{charts.percent(1 - same)} of the pixels, coloured pink"
    column = Column(f"{one.title} ≠ {other.title}", note, (cell,))
    rows = [
        (classes.labels[c.first], classes.labels[c.second], charts.percent(c.share))
        for c in confusions(*labels)
    ]
    heads = (one.title, other.title, "Share of the picture")
    table = charts.figure_table(heads, rows, "Where the two differ most")
    return {
        parts.grid: replace(grid, columns=(*grid.columns, column)).value(),
        parts.differing: table or markup.line("No difference at all."),
    }


def _judged(labels: np.ndarray, truth: np.ndarray | None) -> str:
    if truth is None:
        return ""
    found = mean_iou(labels, truth)
    return "" if found is None else f"mIoU {100 * found:.1f} % against the ground truth"


def _shares(labels: np.ndarray, count: int) -> list[float]:
    return (np.bincount(labels.ravel(), minlength=256)[:count] / labels.size).tolist()
