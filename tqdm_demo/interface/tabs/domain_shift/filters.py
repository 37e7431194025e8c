"""Panel "Your picture, other styles": one picture through the domains' filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import agreement
from tqdm_demo.inference.rendering import overlay, shrink
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
from tqdm_demo.streets.domains import DOMAINS, SOURCE, apply_domain

TITLE = "Your picture, other styles"
LEAD = (
    "Filters change the style of your picture and nothing else, so a robust model keeps its "
    "labels. Agreement: the share of pixels that keep their class. It says nothing of whether the "
    "class was right."
)
FIRST_DOMAINS = ("night", "fog", "rain", "snow", "oil", "watercolour", "sketch", "comic", "pixel")
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
# The long side of what is filtered and analysed, in pixels: filters take their time.
MAX_SIDE = 640
SHOWN_SIDE = 480

Updates = dict[Any, Any]


@dataclass(frozen=True)
class FilterParts:
    """The components that the events write."""

    status: gr.HTML
    grid: gr.HTML
    chart_status: gr.HTML
    chart: gr.HTML


def build_panel(page: PageParts) -> FilterParts:
    """Creates the panel inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    choices = [(domain.title, name) for name, domain in DOMAINS.items() if name != SOURCE]
    with gr.Row(elem_classes="tab-controls"):
        domains = gr.Dropdown(choices, value=list(FIRST_DOMAINS), multiselect=True, label="Styles",
                              elem_id="filter-domains", scale=3, min_width=300)  # fmt: skip
        models = model_menu(page, "filter-models")
    with gr.Row(elem_classes="tab-controls"):
        strength = gr.Slider(0.1, 1, value=1, step=0.1, label="Strength of the filters",
                             elem_id="filter-strength", scale=3, min_width=260)  # fmt: skip
        run, stop = run_buttons("Change the style", "filter")
    page.menus.append(models)
    page.followers.append(models)
    status = gr.HTML(elem_id="filter-status")
    grid = make_grid("filter-grid")
    saving = FigureSaving(page, grid, "filter")
    gr.HTML(markup.field_title("How much can it take?", "agreement over the filter’s strength"))
    with gr.Row(elem_classes="tab-controls"):
        domain = gr.Dropdown(choices, value="fog", label="Style", elem_id="chart-domain",
                             scale=3, min_width=200)  # fmt: skip
        draw, stop_drawing = run_buttons("Draw the curve", "chart")
    chart_status = gr.HTML(elem_id="chart-status")
    chart = gr.HTML(elem_id="chart")
    parts = FilterParts(status, grid, chart_status, chart)

    def filtered(picture: str | None, classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from saving.keep(show_filters(page, parts, picture, classes, *values))

    def drawn(picture: str | None, classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from draw_curve(page, parts, picture, classes, *values)

    shared = [page.picture, page.classes]
    connect_run(page, run, stop, filtered, [*shared, domains, strength, models],
                [status, grid, saving.token])  # fmt: skip
    connect_run(page, draw, stop_drawing, drawn, [*shared, domain, models], [chart_status, chart])
    return parts


def show_filters(
    page: PageParts,
    parts: FilterParts,
    picture: str | None,
    classes: ClassList,
    domains: Sequence[str],
    strength: float,
    sources: Sequence[str],
) -> Iterator[Updates]:
    """Fills the grid style by style: the filtered picture over every model's answer."""
    try:
        image = _read(page, picture, domains, sources)
        titles = [page.models.entry(source).title for source in sources]
        before = []
        names = ["Your picture", *(DOMAINS[name].title for name in domains)]
        columns = tuple(Column(name, "", (AWAITED,) * (1 + len(sources))) for name in names)
        for index, (name, title) in enumerate(zip([SOURCE, *domains], names, strict=True)):
            text = f"{title} …"
            yield {
                parts.status: charts.progress(index, len(names), text),
                parts.grid: _grid(image, columns, titles, classes).value(),
            }
            changed = apply_domain(name, image, strength=float(strength))
            cell = Cell(photo(shrink(changed, SHOWN_SIDE)), f"The picture as {title}")
            columns = with_cell(columns, index, 0, cell)
            for row, source in enumerate(sources):
                labels = page.models.predictor(source).segment(changed, classes).label_map
                if not index:
                    before.append(labels)
                caption = "the answer to agree with"
                if index:
                    caption = f"{charts.percent(agreement(labels, before[row]))} as before"
                cell = _answer(changed, labels, classes, titles[row], caption)
                columns = with_cell(columns, index, row + 1, cell)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error))}
        return
    yield {parts.status: "", parts.grid: _grid(image, columns, titles, classes).value()}


def draw_curve(
    page: PageParts,
    parts: FilterParts,
    picture: str | None,
    classes: ClassList,
    domain: str,
    sources: Sequence[str],
) -> Iterator[Updates]:
    """Draws every model's agreement over the strength of one filter, strength by strength."""
    try:
        image = _read(page, picture, [domain], sources)
        titles = [page.models.entry(source).title for source in sources]
        points: list[list[tuple[float, float]]] = [[(0.0, 100.0)] for _ in sources]
        before: list[np.ndarray] = []
        for index, strength in enumerate((0.0, *STRENGTHS)):
            text = f"{DOMAINS[domain].title}, strength {strength:g} …"
            yield {parts.chart_status: charts.progress(index, 1 + len(STRENGTHS), text)}
            changed = apply_domain(domain, image, strength=strength)
            for row, source in enumerate(sources):
                labels = page.models.predictor(source).segment(changed, classes).label_map
                if not index:
                    before.append(labels)
                    continue
                points[row].append((strength, 100 * agreement(labels, before[row])))
            lines = [charts.Line(t, tuple(p)) for t, p in zip(titles, points, strict=True)]
            if index:
                yield {parts.chart: _chart(lines, DOMAINS[domain].title)}
    except ValueError as error:
        yield {parts.chart_status: markup.problem(str(error))}
        return
    yield {parts.chart_status: ""}


def _chart(lines: Sequence[charts.Line], title: str) -> str:
    y_title = "Pixels that keep the class they had in your picture"
    return charts.line_chart(lines, f"Strength of the filter “{title}”", y_title)


def _read(
    page: PageParts, picture: str | None, domains: Sequence[str], sources: Sequence[str]
) -> np.ndarray:
    if picture is None:
        raise ValueError("Choose a picture first.")
    if not domains or not sources:
        raise ValueError("Choose at least one style and one model.")
    page.models.check_present(*sources)
    return page.models.pictures.read(picture, MAX_SIDE)


def _answer(
    image: np.ndarray, labels: np.ndarray, classes: ClassList, title: str, caption: str
) -> Cell:
    drawn = shrink(overlay(image, labels, classes.colours), SHOWN_SIDE)
    return Cell(photo(drawn), f"Classes: {title}", caption, label_pixels(labels))


def _grid(
    image: np.ndarray, columns: tuple[Column, ...], titles: Sequence[str], classes: ClassList
) -> ImageGrid:
    return ImageGrid(
        columns,
        rows=("", *titles),
        labels=classes.labels,
        colours=classes.colours,
        aspect=image.shape[1] / image.shape[0],
        layout="cards",
    )
