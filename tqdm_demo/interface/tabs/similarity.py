"""Tab "Similarity": what class names look like at four stages of the way to the final mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import relabel
from tqdm_demo.inference.rendering import shrink
from tqdm_demo.inference.stages import Stages
from tqdm_demo.interface import markup
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.components.heat import EXPLAINED, HeatLook, Listed, find_picked, heat_cell
from tqdm_demo.interface.components.image_grid import (
    AWAITED,
    Cell,
    Column,
    ImageGrid,
    make_grid,
    with_cell,
)
from tqdm_demo.interface.components.saving import FigureSaving
from tqdm_demo.interface.examples import find_example, read_truth
from tqdm_demo.interface.parts import MAX_SIDE, PageParts, when_shown
from tqdm_demo.interface.tabs import clarity
from tqdm_demo.interface.tabs.similarity_controls import (
    BY_PICTURE,
    LARGEST,
    MASK,
    STAGES,
    Choice,
    Stage,
    build_controls,
)
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

TITLE = "Similarity"
ID = "similarity"
LEAD = (
    "Where in the picture does a model see a name? From the pre-trained CLIP to the final mask. "
    "Point at a map to read all maps at that place; click one to enlarge it."
)
# In the order in which they run.
ROLES = ("textual", "clip", "learned")
# In the page all the same: a grid that gradio adds later can miss its first value.
HIDDEN = "hidden"
# The long side of a picture on the grid, in pixels.
SHOWN_SIDE = 640

Updates = dict[Any, Any]


@dataclass(frozen=True)
class SimilarityParts:
    """The components that the events write."""

    status: gr.HTML
    grid: gr.HTML
    scale_note: gr.HTML
    clarity_group: gr.Column
    clarity_grid: gr.HTML
    clarity_table: gr.HTML
    asked: gr.State


def build_tab(page: PageParts) -> SimilarityParts:
    """Creates the tab inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    controls = build_controls(page)
    page.menus.extend(controls[-len(ROLES) :])
    parts = SimilarityParts(
        status=gr.HTML(elem_id="similarity-status"),
        grid=make_grid("similarity-grid"),
        scale_note=gr.HTML(elem_id="similarity-scale-note"),
        **_clarity_parts(),
        asked=gr.State(None),
    )
    saving = FigureSaving(page, parts.grid, "similarity")

    def changed(
        selected: str, last: Any, picture: str | None, classes: ClassList, *values: Any
    ) -> Iterator[Updates]:
        values = [tuple(value) if isinstance(value, list) else value for value in values]
        asked = (picture, classes, Choice(*values))
        if selected != ID or asked == last:
            # gradio empties all outputs of a generator that yields nothing.
            yield gr.skip()
            return
        yield from saving.keep(on_change(page, parts, *asked))

    def list_changed(classes: ClassList) -> gr.Dropdown:
        return gr.Dropdown(choices=list(classes.labels))

    page.classes.change(list_changed, page.classes, controls[0], **page.light)
    inputs = [page.selected, parts.asked, page.picture, page.classes, *controls]
    outputs = [*vars(parts).values(), saving.token]
    triggers = [*page.changes, *(control.change for control in controls)]
    gr.on(triggers, changed, inputs, outputs, js=when_shown(ID), **page.latest)
    return parts


def on_change(
    page: PageParts,
    parts: SimilarityParts,
    picture: str | None,
    classes: ClassList,
    choice: Choice,
) -> Iterator[Updates]:
    """The picture, the class list, a control or the open tab has changed."""
    if picture is None:
        yield {
            parts.status: markup.line("Choose a picture first."),
            parts.grid: None,
            parts.clarity_group: gr.Column(visible=HIDDEN),
            parts.asked: None,
        }
        return
    try:
        image = page.models.pictures.read(picture, MAX_SIDE)
        listed = find_picked(classes, choice.picked or _largest(page, image, classes, choice))
        if choice.by == BY_PICTURE:
            yield from _compare_pictures(page, parts, image, listed, choice)
        else:
            yield from _compare_stages(page, parts, picture, image, listed, choice)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error)), parts.asked: None}
        return
    yield {
        parts.scale_note: markup.line(EXPLAINED[choice.scale]),
        parts.status: _added(listed),
        parts.asked: (picture, classes, choice),
    }


def _largest(
    page: PageParts, image: np.ndarray, classes: ClassList, choice: Choice
) -> Sequence[str]:
    """The listed names that cover most of the picture."""
    result = page.models.predictor(choice.textual).segment(image, classes)
    shares = np.bincount(result.label_map.ravel(), minlength=256)[: len(classes.entries)]
    return [classes.labels[place] for place in shares.argsort(kind="stable")[::-1][:LARGEST]]


def _compare_stages(
    page: PageParts,
    parts: SimilarityParts,
    picture: str,
    image: np.ndarray,
    listed: Listed,
    choice: Choice,
) -> Iterator[Updates]:
    """Fills the grid model by model, then measures clarity."""
    columns = tuple(_awaited(stage.title, stage.note, listed) for stage in STAGES)
    sources = [getattr(choice, role) for role in ROLES]
    page.models.check_present(*sources)
    if not all(map(page.models.is_loaded, sources)):  # else the last grid stays for a moment
        yield {parts.grid: _grid(image, columns, listed).value()}
    found: dict[str, Stages] = {}
    small = shrink(image, SHOWN_SIDE)
    for done, (role, source) in enumerate(zip(ROLES, sources, strict=True)):
        title = page.models.entry(source).title
        yield {parts.status: charts.progress(done, 3, f"{title} reads the picture …")}
        found[role] = page.models.predictor(source).stages(image, listed.classes)
        for index, stage in enumerate(STAGES):
            if stage.role == role:
                cells = _cells(small, found[role], stage, listed, choice)
                for row, cell in enumerate(cells):
                    columns = with_cell(columns, index, row, cell)
        yield {parts.grid: _grid(image, columns, listed).value()}
    truth = read_truth(find_example(page.examples, picture), image.shape[:2])
    yield _clarity(parts, small, found, truth, listed.classes)


def _compare_pictures(
    page: PageParts, parts: SimilarityParts, image: np.ndarray, listed: Listed, choice: Choice
) -> Iterator[Updates]:
    """Fills the grid picture by picture."""
    stage = next(stage for stage in STAGES if stage.title == choice.stage)
    page.models.check_present(getattr(choice, stage.role))
    examples = [example for example in page.examples if example.caption in choice.captions]
    pictures = [("Your picture", image)]
    pictures += [(e.caption, page.models.pictures.read(e.path, MAX_SIDE)) for e in examples]
    columns = tuple(_awaited(title, "", listed) for title, _ in pictures)
    yield {
        parts.grid: _grid(image, columns, listed).value(),
        parts.clarity_group: gr.Column(visible=HIDDEN),
    }
    predictor = page.models.predictor(getattr(choice, stage.role))
    for index, (title, shown) in enumerate(pictures):
        yield {parts.status: charts.progress(index, len(pictures), f"{stage.title}: {title} …")}
        found = predictor.stages(shown, listed.classes)
        cells = _cells(shrink(shown, SHOWN_SIDE), found, stage, listed, choice)
        for row, cell in enumerate(cells):
            columns = with_cell(columns, index, row, cell)
        yield {parts.grid: _grid(image, columns, listed).value()}


def _cells(
    image: np.ndarray, found: Stages, stage: Stage, listed: Listed, choice: Choice
) -> list[Cell]:
    maps = getattr(found, stage.kept)
    if maps is None:
        return [Cell(caption=found.absent[stage.kept])] * len(listed.rows)
    look = HeatLook(choice.colour_map, choice.scale)
    return [
        heat_cell(image, maps, row, look, stage.kept == MASK, f"{label}, {stage.title}")
        for row, label in zip(listed.rows, listed.labels, strict=True)
    ]


def _clarity(
    parts: SimilarityParts,
    image: np.ndarray,
    found: dict[str, Stages],
    truth: np.ndarray | None,
    classes: ClassList,
) -> Updates:
    known = truth is not None
    if known:
        truth = relabel(truth, CITYSCAPES_NAMES, classes)
    measured = []
    for stage in STAGES:
        maps = getattr(found[stage.role], stage.kept)
        decided = found["textual" if stage.role == "clip" else stage.role].mask
        if stage.kept != MASK and maps is not None and (known or decided is not None):
            own = truth if known else decided.argmax(axis=0).astype(np.uint8)
            try:
                measured.append(clarity.measure(stage.title, stage.note, maps, own))
            except ValueError as error:
                return {
                    parts.clarity_group: gr.Column(visible=True),
                    parts.clarity_grid: None,
                    parts.clarity_table: markup.line(str(error)),
                }
    return {
        parts.clarity_group: gr.Column(visible=True if measured else HIDDEN),
        parts.clarity_grid: clarity.clarity_grid(image, measured).value() if measured else None,
        parts.clarity_table: clarity.clarity_table(measured, known) if measured else "",
    }


def _awaited(title: str, note: str, listed: Listed) -> Column:
    return Column(title, note, (AWAITED,) * len(listed.rows))


def _grid(image: np.ndarray, columns: tuple[Column, ...], listed: Listed) -> ImageGrid:
    aspect = image.shape[1] / image.shape[0]
    return ImageGrid(columns, listed.labels, listed.colours, aspect=aspect)


def _added(listed: Listed) -> str:
    if not listed.added:
        return ""
    names = ", ".join(f"“{name}”" for name in listed.added)
    return markup.line(f"Not in your class list, added for this view: {names}.")


def _clarity_parts() -> dict[str, Any]:
    with gr.Column(visible=HIDDEN, elem_id="clarity") as group:
        gr.HTML(
            markup.field_title("Pixel semantic clarity", "without and with text-to-pixel attention")
        )
        grid = make_grid("clarity-grid")
        table = gr.HTML(elem_id="clarity-table")
    return {"clarity_group": group, "clarity_grid": grid, "clarity_table": table}
