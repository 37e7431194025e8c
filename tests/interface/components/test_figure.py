from dataclasses import replace
from io import BytesIO

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tqdm_demo.interface.components.figure import draw_figure
from tqdm_demo.interface.components.image_grid import (
    AWAITED,
    Cell,
    Column,
    ImageGrid,
    label_pixels,
    photo,
)
from tqdm_demo.interface.components.saving import NOTHING, FigureSaving
from tqdm_demo.interface.parts import make_parts

RED, GREEN, BLUE = (220, 20, 60), (30, 200, 40), (20, 40, 220)


def plain(colour, labels=None) -> Cell:
    pixels = "" if labels is None else label_pixels(labels)
    return Cell(photo(np.full((40, 80, 3), colour, np.uint8)), "alt", "caption", pixels)


LABELS = np.zeros((40, 80), np.uint8)
LABELS[:, 40:] = 2
# One picture in a row; the columns are what models say. Hostile texts are texts.
GRID = ImageGrid(
    (
        Column("Picture", "", (plain(RED),)),
        Column(r"$\frac{$ <b>", "", (plain(GREEN, LABELS),)),
        Column("waits", "", (AWAITED,)),
    ),
    rows=("",),
    labels=("road", "never there", "a$b"),
    colours=((90, 90, 0), (255, 255, 0), BLUE),
    layout="wide",
)


def pixels_of(grid: ImageGrid) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(draw_figure(grid.value(), "png"))).convert("RGB"))


def places(image: np.ndarray, colour) -> tuple[np.ndarray, np.ndarray]:
    near = np.abs(image.astype(int) - colour).max(axis=2) < 12
    rows, columns = np.nonzero(near)
    assert len(rows), colour
    return rows, columns


def test_columns_stay_side_by_side_and_the_legend_names_what_is_there():
    image = pixels_of(GRID)
    (red_rows, red_columns), (_, green_columns) = places(image, RED), places(image, GREEN)
    assert red_columns.max() < green_columns.max() and red_columns.min() < green_columns.min()
    blue_rows, _ = places(image, BLUE)
    assert blue_rows.min() > red_rows.max()  # only in the legend, below the pictures
    assert not (np.abs(image.astype(int) - (255, 255, 0)).max(axis=2) < 12).any()


def test_cards_become_rows():
    cards = replace(
        GRID,
        columns=(
            Column("first", "", (plain(RED), plain(GREEN, LABELS))),
            Column("second", "", (plain(BLUE), AWAITED)),
        ),
        rows=("", "tqdm"),
        layout="cards",
    )
    image = pixels_of(cards)
    red, blue = places(image, RED), places(image, BLUE)
    assert red[0].max() < blue[0].min()
    assert places(image, GREEN)[1].max() > red[1].max()


def test_a_picture_of_another_shape_is_cut_as_on_the_page():
    tall = np.full((90, 40, 3), RED, np.uint8)
    tall[35:55] = GREEN  # the middle, which is what a wide cell shows
    cell = Cell(photo(tall), "alt")
    image = pixels_of(replace(GRID, columns=(Column("x", "", (cell,)),), aspect=2.0))
    places(image, GREEN)
    assert not (np.abs(image.astype(int) - RED).max(axis=2) < 12).any()


def test_pdf_is_one():
    assert draw_figure(GRID.value(), "pdf").startswith(b"%PDF-")


@pytest.fixture
def saving(tiny_models):
    with gr.Blocks():
        page = make_parts(tiny_models, [])
        grid = gr.HTML()
        return FigureSaving(page, grid, "test"), grid


def test_what_a_run_showed_last_is_saved_and_nothing_else(saving):
    saving, grid = saving
    status = object()
    updates = [{status: "…"}, {grid: replace(GRID, columns=GRID.columns[:1]).value()},
               {grid: GRID.value(), status: ""}, {status: "done"}]  # fmt: skip
    passed = list(saving.keep(iter(updates)))
    tokens = {update[saving.token] for update in passed if saving.token in update}
    assert len(tokens) == 1 and [status in update for update in passed] == [1, 0, 1, 1]
    (token,) = tokens
    found = np.asarray(Image.open(BytesIO(saving.save(token, "png"))).convert("RGB"))
    np.testing.assert_array_equal(found, pixels_of(GRID))
    for wrong in (None, "another", 5):
        with pytest.raises(ValueError, match="nothing to save"):
            saving.save(wrong, "png")


def test_an_empty_grid_cannot_be_saved(saving):
    saving, grid = saving
    empty = replace(GRID, columns=(Column("x", "", (AWAITED,)),)).value()
    (update,) = saving.keep(iter([{grid: empty}]))
    assert [u[saving.token] for u in saving.keep(iter([{grid: None}]))] == [None]
    with pytest.raises(ValueError) as raised:
        saving.save(update[saving.token], "png")
    assert str(raised.value) == NOTHING
