import numpy as np
import pytest

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.components import heat
from tqdm_demo.interface.tabs import clarity

CLASSES = parse_class_list("road\ncar, taxi: #112233\nsky")


def test_picked_names_are_found_or_added():
    found = heat.find_picked(CLASSES, ["Taxi", "zebra", "road"])
    assert found.classes.names == ("road", "car, taxi", "sky", "zebra")
    assert found.rows == (1, 3, 0) and found.labels == ("Taxi", "zebra", "road")
    assert found.added == ("zebra",)
    assert found.colours[0] == (0x11, 0x22, 0x33) and len(found.colours) == 3


def test_nothing_picked_takes_the_first_of_the_list():
    assert heat.find_picked(CLASSES, []).rows == (0, 1, 2)


def test_a_name_that_cannot_be_used_is_told():
    with pytest.raises(ValueError, match="no letter"):
        heat.find_picked(CLASSES, ["!!"])
    with pytest.raises(ValueError, match="too many"):
        heat.find_picked(parse_class_list("\n".join(f"name {i}" for i in range(64))), ["zebra"])


def test_scales_are_what_they_say():
    image = np.zeros((20, 30, 3), np.uint8)
    maps = np.stack([np.linspace(a, b, 6, dtype=np.float32).reshape(2, 3) for a, b in
                     ((-0.2, 0.4), (0.1, 0.3))])  # fmt: skip

    def ends(scale, is_score=False):
        look = heat.HeatLook("viridis", scale)
        found = heat.heat_cell(image, maps, 1, look, is_score, "car").scale
        return pytest.approx((found.low, found.high), abs=0.02)

    assert ends(heat.SHARED) == (-0.2, 0.4)
    assert ends(heat.FIXED) == (-1, 1)
    assert ends(heat.STRETCHED) == (0.1, 0.3)
    assert ends(heat.SHARED, True) == (0, 1)
    assert ends(heat.FIXED, True) == (0, 1)
    assert set(heat.EXPLAINED) == set(heat.SCALES.values())


def test_clarity_is_shown_with_its_figures_and_one_scale():
    labels = np.uint8([[0, 0, 1, 1]])
    clear = np.float32([[[0.9, 0.9, 0.1, 0.1]], [[0.1, 0.1, 0.9, 0.9]]])
    unclear = clear * 0.1
    measured = [
        clarity.measure("With", "text", clear, labels),
        clarity.measure("Without", "no text", unclear, labels),
    ]
    text = clarity.clarity_table(measured, known=True)
    assert "+0.800" in text and "+0.080" in text and "100.0 %" in text
    assert "that of the ground truth" in text
    assert "not known" in clarity.clarity_table(measured, known=False)
    grid = clarity.clarity_grid(np.zeros((8, 16, 3), np.uint8), measured)
    scales = {(c.cells[0].scale.low, c.cells[0].scale.high) for c in grid.columns}
    assert len(scales) == 1 and [c.title for c in grid.columns] == ["With", "Without"]
