"""The contact sheet, read back."""

import numpy as np
from PIL import Image

from tqdm_demo.evaluation.contact_sheet import WIDTH, draw_row, write_sheet
from tqdm_demo.vocabulary import CITYSCAPES_COLOURS, CITYSCAPES_NAMES, colours_for

LABELS = np.array([[0, 10], [13, 255]], np.uint8).repeat(80, 0).repeat(160, 1)
PREDICTED = np.array([[0, 13], [13, 2]]).repeat(80, 0).repeat(160, 1)


def quarters(pixels):
    """The colours in the middle of the four quarters of every picture of a row."""
    found = []
    for n in range(4):
        left = n * (WIDTH + 4)
        found.append([tuple(int(v) for v in pixels[y, left + x]) for y in (40, 120)
                      for x in (80, 240)])  # fmt: skip
    return found


def test_a_row_shows_picture_prediction_labels_and_errors():
    image = np.full((160, 320, 3), 100, np.uint8)
    row = draw_row(3, "a picture", image, PREDICTED, LABELS, CITYSCAPES_NAMES)
    assert row.pixels.shape == (160, 4 * WIDTH + 12, 3) and row.place == 3
    picture, prediction, labels, errors = quarters(row.pixels)
    assert set(picture) == {(100, 100, 100)}
    assert prediction == [CITYSCAPES_COLOURS[k] for k in (0, 13, 13, 2)]
    assert labels == [*(CITYSCAPES_COLOURS[k] for k in (0, 10, 13)), (0, 0, 0)]
    right, wrong, also_right, unknown = errors
    assert right == also_right and len(set(right)) == 1  # grey
    assert wrong == (214, 39, 40) and unknown == (0, 0, 0)


def test_a_sheet_holds_all_rows(tmp_path):
    image = np.zeros((40, 60, 3), np.uint8)
    labels = np.zeros((40, 60), np.uint8)
    rows = [draw_row(n, str(n), image, labels, labels, CITYSCAPES_NAMES) for n in range(3)]
    file = tmp_path / "deep" / "sheet.jpg"
    write_sheet(file, rows, CITYSCAPES_NAMES)
    with Image.open(file) as sheet:
        assert sheet.format == "JPEG"
        width, height = sheet.size
    assert width == 4 * WIDTH + 12
    assert height > sum(len(row.pixels) for row in rows)
    assert [path.name for path in file.parent.iterdir()] == ["sheet.jpg"]


def test_a_set_with_own_classes_has_its_own_colours_and_legend(tmp_path):
    names = ("cow", "car", "grass")
    ids = np.array([[0, 1], [2, 255]], np.uint8).repeat(80, 0).repeat(160, 1)
    row = draw_row(0, "", np.zeros((160, 320, 3), np.uint8), ids % 3, ids, names)
    cow, car, grass = colours_for(names)
    assert quarters(row.pixels)[2] == [cow, car, grass, (0, 0, 0)]
    write_sheet(tmp_path / "sheet.png", [row, row], {"cow", "grass"})
    with Image.open(tmp_path / "sheet.png") as sheet:
        legend = np.asarray(sheet)[:16]
    shown = {tuple(int(v) for v in pixel) for pixel in legend.reshape(-1, 3)}
    assert {cow, grass} <= shown and car not in shown
