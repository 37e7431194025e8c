from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.interface.components import image_grid as b


def opened(address: str) -> Image.Image:
    head, data = address.split(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(BytesIO(b64decode(data)))


def test_pictures_are_carried_in_their_address():
    image = np.full((30, 50, 3), (200, 40, 10), np.uint8)
    found = opened(b.photo(image))
    assert found.format == "JPEG" and found.size == (50, 30)
    np.testing.assert_allclose(np.asarray(found)[15, 20], (200, 40, 10), atol=6)


def test_label_pixels_are_the_labels():
    labels = np.random.default_rng(0).integers(0, 256, (40, 70), np.uint8)
    found = opened(b.label_pixels(labels))
    assert found.mode == "L"
    np.testing.assert_array_equal(np.asarray(found), labels)
    large = np.zeros((1500, 100), np.uint8)
    large[750:] = 9
    small = np.asarray(opened(b.label_pixels(large)))
    assert max(small.shape) <= 512 and set(np.unique(small)) == {0, 9}


def test_value_pixels_keep_the_values_to_a_step_of_the_scale():
    values = np.linspace(-0.3, 0.5, 60, dtype=np.float32).reshape(6, 10)
    scale = b.Scale(-0.3, 0.5, ("#000000", "#ffffff"))
    grey = np.asarray(opened(b.value_pixels(values, scale)))
    np.testing.assert_allclose(scale.low + grey / 255 * 0.8, values, atol=0.8 / 255)


def test_a_cell_is_put_in_its_place_and_nothing_else_changes():
    columns = tuple(b.Column(name, "", (b.AWAITED, b.AWAITED)) for name in "xyz")
    cell = b.Cell("data:,", "alt")
    changed = b.with_cell(columns, 1, 0, cell)
    assert changed[1].cells == (cell, b.AWAITED) and changed[1].title == "y"
    assert changed[0] is columns[0] and changed[2] is columns[2]
    assert columns[1].cells[0] is b.AWAITED


def test_the_value_of_a_board_is_plain():
    cell = b.Cell("data:,", "alt", scale=b.Scale(0.0, 1.0, ("#000000",)))
    value = b.ImageGrid((b.Column("c", "n", (cell,)),), ("row",), labels=("road",)).value()
    assert value["columns"][0]["cells"][0]["scale"]["high"] == 1.0
    assert value["layout"] == "table" and value["labels"] == ("road",)


@pytest.mark.parametrize("name", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"])
def test_the_script_writes_no_markup(name):
    assert name not in (b._SCRIPT).read_text(encoding="utf-8")
