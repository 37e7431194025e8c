"""Panel "One class, many pictures": where one name is seen in up to 24 pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import COLOUR_MAP, overlay, shrink
from tqdm_demo.interface import markup
from tqdm_demo.interface.components import charts
from tqdm_demo.interface.components.heat import SHARED, HeatLook, Listed, find_picked, heat_cell
from tqdm_demo.interface.components.image_grid import (
    AWAITED,
    Cell,
    Column,
    ImageGrid,
    label_pixels,
    make_grid,
    photo,
)
from tqdm_demo.interface.components.saving import FigureSaving, press_when_ready
from tqdm_demo.interface.parts import PageParts
from tqdm_demo.interface.tabs.domain_shift.controls import connect_run, run_buttons
from tqdm_demo.interface.tabs.domain_shift.picture_results import PictureResult, ResultStore
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

if TYPE_CHECKING:
    from tqdm_demo.inference.predictor import Predictor

TITLE = "One class, many pictures"
MOST = 24
# Of the examples: they are there to show what the panel does.
MOST_EXAMPLES = 12
LEAD = (
    f"Up to {MOST} pictures of yours, one name: does the model see it in all of them, and how much "
    "of each does it cover? Without pictures of your own, the examples are taken. The scale of "
    "every heat map is that of your whole class list."
)
SIDE = 1024
# Classes in the table of shares, beside the one that is asked for.
MOST_OTHERS = 4
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
    shares: gr.HTML
    results: ResultStore


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
    page.menus.append(model)
    page.followers.append(model)
    status = gr.HTML(elem_id="many-status")
    grid = make_grid("many-grid")
    saving = FigureSaving(page, grid, "many")
    with gr.Row(elem_classes="save-row"):
        pack = gr.Button("Download all as ZIP", size="sm", scale=0, min_width=150,
                         elem_id="many-zip")  # fmt: skip
        file = gr.DownloadButton(visible="hidden", elem_id="many-zip-file")
    parts = PictureParts(status, grid, gr.HTML(elem_id="many-shares"), ResultStore(page.models))

    def shown(classes: ClassList, *values: Any) -> Iterator[Updates]:
        yield from saving.keep(show_pictures(page, parts, classes, *values))

    def list_changed(classes: ClassList) -> gr.Dropdown:
        return gr.Dropdown(choices=list(classes.labels))

    def packed(token: str | None) -> str:
        try:
            content = parts.results.zip(token)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return save_bytes_to_cache(content, "pictures.zip", get_upload_folder())

    page.classes.change(list_changed, page.classes, name, **page.light)
    connect_run(page, run, stop, shown, [page.classes, files, name, view, model],
                [status, grid, parts.shares, parts.results.token, saving.token])  # fmt: skip
    press_when_ready(pack.click(packed, parts.results.token, file, **page.run), "many-zip-file")
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
    columns = [Column(title, "", (AWAITED,) * 3) for title, _ in pictures]
    results: list[PictureResult] = []
    for index, (title, path) in enumerate(pictures):
        yield {
            parts.status: charts.progress(index, len(pictures), f"{title} …"),
            parts.grid: _grid(columns, listed).value(),
            parts.shares: _shares(results, listed),
        }
        try:
            image = page.models.pictures.read(path, SIDE)
            labels = predictor.segment(image, listed.classes).label_map
            cells = _cells(predictor, image, labels, listed, view, title)
            results.append(PictureResult(title, str(path), labels))
        except ValueError as error:
            cells = (Cell(caption=str(error)), Cell(caption="–"), Cell(caption="–"))
            results.append(PictureResult(title, str(path), None, str(error)))
        columns[index] = Column(title, "", cells)
    yield {
        parts.status: "",
        parts.grid: _grid(columns, listed).value(),
        parts.shares: _shares(results, listed),
        parts.results.token: parts.results.keep(results, listed.classes, source),
    }


def _cells(
    predictor: Predictor,
    image: np.ndarray,
    labels: np.ndarray,
    listed: Listed,
    view: str,
    title: str,
) -> tuple[Cell, Cell, Cell]:
    """The picture, the name's heat map, and the classes with the name's share."""
    name, row = listed.labels[0], listed.rows[0]
    stages = predictor.stages(image, listed.classes)
    small, look = shrink(image, SHOWN_SIDE), HeatLook(COLOUR_MAP, SHARED)
    kept = next((k for k in VIEWS[view] if getattr(stages, k) is not None), None)
    if kept is None:
        heat = Cell(caption=stages.absent[VIEWS[view][0]])
    else:
        maps, alt = getattr(stages, kept), f"{name} in {title}"
        heat = heat_cell(small, maps, row, look, kept == "mask", alt)
    drawn = shrink(overlay(image, labels, listed.classes.colours), SHOWN_SIDE)
    share = charts.percent(float((labels == row).mean()))
    caption = f"{name}: {share} of the picture"
    found = Cell(photo(drawn), f"Classes: {title}", caption, label_pixels(labels))
    return Cell(photo(small), title), heat, found


def _shares(results: Sequence[PictureResult], listed: Listed) -> str:
    """A row a picture: the share of the name, then those of the classes that cover most."""
    read = [result for result in results if result.labels is not None]
    if not read:
        return ""
    count, own = len(listed.classes.labels), listed.rows[0]
    shares = np.array([result.shares(count) for result in read])
    order = [int(k) for k in np.argsort(-shares.mean(axis=0), kind="stable") if k != own]
    chosen = [own, *(k for k in order[:MOST_OTHERS] if shares[:, k].any())]
    rows = [
        (result.title, *(charts.percent(float(row[k])) for k in chosen))
        for result, row in zip(read, shares, strict=True)
    ]
    heads = ("Picture", *(listed.classes.labels[k] for k in chosen))
    return charts.figure_table(heads, rows, "Share of each picture")


def _pictures(page: PageParts, files: Sequence[str] | None) -> list[tuple[str, Path]]:
    if not files:
        return [(example.caption, example.path) for example in page.examples[:MOST_EXAMPLES]]
    if len(files) > MOST:
        raise ValueError(f"{len(files)} pictures are too many: {MOST} at most.")
    return [(Path(file).name, Path(file)) for file in files]


def _grid(columns: Sequence[Column], listed: Listed) -> ImageGrid:
    return ImageGrid(
        tuple(columns),
        rows=("", listed.labels[0], "Classes"),
        labels=listed.classes.labels,
        colours=listed.classes.colours,
        aspect=3 / 2,
        layout="cards",
    )
