"""Panel "A drawn street, every style": the same scene in every domain, with the ground truth."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import mean_iou, relabel
from tqdm_demo.inference.rendering import overlay
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
    with_cell,
)
from tqdm_demo.interface.components.saving import FigureSaving
from tqdm_demo.interface.parts import PageParts
from tqdm_demo.interface.tabs.domain_shift.controls import connect_run, model_menu, run_buttons
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE, paint
from tqdm_demo.vocabulary import CITYSCAPES_NAMES, IGNORED

TITLE = "A drawn street, every style"
LEAD = (
    "A drawn street: one seed, one scene, the same ground truth in every style. mIoU over the "
    "classes that are in it; ground-truth classes that your list does not name do not count."
)
SIZE = (512, 256)
FIRST_SEED = 4
# Seeds from here on are what trainings see.
SEEDS = 10_000
TRUTH = "Ground truth"

Updates = dict[Any, Any]


@dataclass(frozen=True)
class StreetParts:
    """The components that the events write."""

    status: gr.HTML
    grid: gr.HTML
    table: gr.HTML


def build_panel(page: PageParts) -> StreetParts:
    """Creates the panel inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    choices = [(domain.title, name) for name, domain in DOMAINS.items()]
    with gr.Row(elem_classes="tab-controls"):
        domains = gr.Dropdown(choices, value=list(DOMAINS), multiselect=True, label="Looks",
                              elem_id="street-domains", scale=3, min_width=300)  # fmt: skip
        models = model_menu(page, "street-models")
    with gr.Row(elem_classes="tab-controls"):
        seed = gr.Number(FIRST_SEED, precision=0, minimum=0, maximum=SEEDS - 1,
                         label="Street number, 0 to 9999", elem_id="street-seed",
                         scale=2, min_width=160)  # fmt: skip
        dice = gr.Button("Another street", scale=1, min_width=140, elem_id="street-dice")
        run, stop = run_buttons("Draw it in every style", "street")
    page.menus.append(models)
    status = gr.HTML(elem_id="street-status")
    grid = make_grid("street-grid")
    saving = FigureSaving(page, grid, "street")
    table = gr.HTML(elem_id="street-table")
    parts = StreetParts(status, grid, table)

    def drawn(classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from saving.keep(show_street(page, parts, classes, *values))

    dice.click(lambda: random.randrange(SEEDS), None, seed, **page.light)
    connect_run(
        page,
        run,
        stop,
        drawn,
        [page.classes, seed, domains, models],
        [status, grid, table, saving.token],
    )
    return parts


def show_street(
    page: PageParts,
    parts: StreetParts,
    classes: ClassList,
    seed: int | None,
    domains: Sequence[str],
    sources: Sequence[str],
) -> Iterator[Updates]:
    """Fills the grid style by style: the street over every model's answer."""
    try:
        seed = _checked(seed, domains, sources)
        page.models.check_present(*sources)
        titles = [page.models.entry(source).title for source in sources]
        names = [DOMAINS[name].title for name in domains]
        columns = tuple(
            Column(title, _note(name), (AWAITED,) * (1 + len(sources)))
            for name, title in zip(domains, names, strict=True)
        )
        first: Column | None = None
        rows: list[list[float | None]] = []
        for index, (name, title) in enumerate(zip(domains, names, strict=True)):
            yield {
                parts.status: charts.progress(index, len(domains), f"{title} …"),
                parts.grid: _grid(columns, first, titles, classes).value(),
                parts.table: _table(names, domains, titles, rows),
            }
            painting = paint(seed, name, SIZE)
            truth = relabel(painting.labels, CITYSCAPES_NAMES, classes)
            first = first or _truth(painting.image, truth, classes, len(sources))
            cell = Cell(photo(painting.image), f"Street {seed}: {title}")
            columns = with_cell(columns, index, 0, cell)
            rows.append([])
            for row, source in enumerate(sources):
                result = page.models.predictor(source).segment(painting.image, classes)
                rows[-1].append(mean_iou(result.label_map, truth))
                caption = f"mIoU {charts.percent(rows[-1][-1])}"
                cell = _cell(painting.image, result.label_map, classes, titles[row], caption)
                columns = with_cell(columns, index, row + 1, cell)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error))}
        return
    yield {
        parts.status: "",
        parts.grid: _grid(columns, first, titles, classes).value(),
        parts.table: _table(names, domains, titles, rows),
    }


def _checked(seed: int | None, domains: Sequence[str], sources: Sequence[str]) -> int:
    if seed is None or not 0 <= seed < SEEDS:
        raise ValueError(f"The street’s number is {seed}; it goes from 0 to {SEEDS - 1}.")
    if not domains or not sources:
        raise ValueError("Choose at least one style and one model.")
    return int(seed)


def _note(name: str) -> str:
    if name == SOURCE:
        return "the style of the training"
    return "seen by no training, not even CLIP’s" if name in HELD_OUT else ""


def _truth(image: np.ndarray, truth: np.ndarray, classes: ClassList, count: int) -> Column:
    none = Cell(caption="The same in every style.")
    cells = (Cell(photo(image), "The street"), _cell(image, truth, classes, TRUTH, ""))
    return Column(TRUTH, "", (*cells, *(none,) * (count - 1)))


def _cell(
    image: np.ndarray, labels: np.ndarray, classes: ClassList, title: str, caption: str
) -> Cell:
    table = [*classes.colours, *[(90, 90, 90)] * (IGNORED + 1 - len(classes.colours))]
    drawn = overlay(image, labels, table)
    return Cell(photo(drawn), f"Classes: {title}", caption, label_pixels(labels))


def _grid(
    columns: tuple[Column, ...], first: Column | None, titles: Sequence[str], classes: ClassList
) -> ImageGrid:
    return ImageGrid(
        columns if first is None else (first, *columns),
        rows=("", *titles),
        labels=classes.labels,
        colours=classes.colours,
        aspect=SIZE[0] / SIZE[1],
        layout="cards",
    )


def _table(
    names: Sequence[str],
    domains: Sequence[str],
    titles: Sequence[str],
    rows: Sequence[Sequence[float | None]],
) -> str:
    """mIoU by style and model, and the mean over the styles that no segmenter was trained on."""
    if not rows:
        return ""
    lines = [
        (name, *map(charts.percent, row))
        for name, row in zip(names[: len(rows)], rows, strict=True)
    ]
    unseen = [row for name, row in zip(domains, rows, strict=False) if name != SOURCE]
    if len(unseen) > 1:
        means = [_mean([row[k] for row in unseen]) for k in range(len(titles))]
        lines.append((f"Mean of {len(unseen)} unseen styles", *map(charts.percent, means)))
    return charts.figure_table(("mIoU on this one street", *titles), lines)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
