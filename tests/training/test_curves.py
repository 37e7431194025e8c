"""The picture of curves: it appears, also of few records, and replaces the one before."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.training.curves import draw_curves, smooth


def test_a_picture_of_all_kinds_of_records(tmp_path):
    records = [
        {"step": 1, "loss": 3.0, "terms": {"masks": 2, "visual": 0}, "learning_rate": 1e-4},
        {"step": 1, "miou": {"streets:game": 10.0, "streets:fog": 5.0}},
        {"step": 2, "loss": 2.0, "terms": {"masks": 1.5, "visual": 0.5}, "learning_rate": 2e-4},
        {"step": 2, "miou": {"streets:game": 12.0}},
    ]
    file = tmp_path / "curves.png"
    draw_curves([], file)
    empty = np.asarray(Image.open(file))
    draw_curves(records, file)
    drawn = np.asarray(Image.open(file))
    assert drawn.shape == empty.shape and (drawn != empty).mean() > 0.005
    assert [f.name for f in tmp_path.iterdir()] == ["curves.png"]


def test_smoothing_is_the_mean_of_the_last_values():
    assert smooth([4.0, 2.0, 0.0, 6.0], 2).tolist() == [4, 3, 1, 3]
    assert smooth([1.0], 25).tolist() == [1]
    assert smooth([], 3).tolist() == []
    assert smooth(list(range(100)), 10)[-1] == pytest.approx(94.5)
