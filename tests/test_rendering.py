from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tqdm_demo import rendering as r

COLOURS = [(200, 10, 20), (0, 120, 0), (9, 8, 250)]


def test_overlay_blends_colour_and_grey_inside_and_lightens_borders():
    image = np.zeros((6, 9, 3), np.uint8)
    image[..., 0] = 90  # grey value 30
    label_map = np.zeros((6, 9), np.uint8)
    label_map[:, 5:] = 2
    shown = r.overlay(image, label_map, COLOURS, opacity=0.5)
    assert shown.shape == (6, 9, 3) and shown.dtype == np.uint8
    np.testing.assert_allclose(shown[3, 1], np.array(COLOURS[0]) / 2 + 15, atol=1)
    np.testing.assert_allclose(shown[3, 7], np.array(COLOURS[2]) / 2 + 15, atol=1)
    assert shown[3, 4].min() > 160


def test_borders_lie_on_one_side_only():
    label_map = np.zeros((4, 7), np.uint8)
    label_map[2:, 3:] = 1
    found = {(int(y), int(x)) for y, x in np.argwhere(r.borders(label_map))}
    assert found == {(1, 3), (1, 4), (1, 5), (1, 6), (2, 2), (3, 2)}
    assert not r.borders(np.ones((3, 5), np.uint8)).any()


def test_label_png_keeps_the_labels_and_shows_the_colours():
    label_map = np.uint8([[0, 1, 2, 2], [2, 2, 0, 1]])
    image = Image.open(BytesIO(r.label_png(label_map, COLOURS)))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), label_map)
    assert image.convert("RGB").getpixel((2, 0)) == COLOURS[2]


def test_label_png_takes_sixty_four_names():
    label_map = np.arange(64, dtype=np.uint8).reshape(4, 16)
    image = Image.open(BytesIO(r.label_png(label_map, [(i, 255 - i, 7) for i in range(64)])))
    np.testing.assert_array_equal(np.asarray(image), label_map)
    assert image.convert("RGB").getpixel((15, 3)) == (63, 192, 7)


def test_similarity_range_is_common_and_ignores_odd_pixels():
    similarity = np.tile(np.linspace(-0.2, 0.6, 5000).reshape(1, 50, 100), (3, 1, 1))
    similarity[1] -= 0.1
    similarity[2, 0, 0] = 40.0
    low, high = r.similarity_range(similarity)
    assert low == pytest.approx(-0.29, abs=0.02) and high == pytest.approx(0.6, abs=0.02)


def test_heat_map_is_bright_where_it_is_similar():
    image = np.full((40, 60, 3), 128, np.uint8)
    similarity = np.full((4, 6), -0.1, np.float32)
    similarity[:, 3:] = 0.5
    shown = r.heat_map(image, similarity, -0.1, 0.5)
    assert shown.shape == (40, 60, 3) and shown.dtype == np.uint8
    assert shown[20, 55].mean() > shown[20, 5].mean() + 100
    clipped = r.heat_map(image, similarity - 3, -0.1, 0.5)
    assert np.ptp(clipped.reshape(-1, 3), axis=0).max() == 0


def test_heat_map_of_a_constant_does_not_divide_by_zero():
    shown = r.heat_map(np.zeros((8, 12, 3), np.uint8), np.full((2, 3), 0.3), 0.3, 0.3)
    assert np.isfinite(shown).all()


def test_colour_stops_go_from_dark_to_bright():
    stops = r.colour_stops(5)
    assert len(stops) == 5 and all(len(s) == 7 and s[0] == "#" for s in stops)
    brightness = [sum(int(s[i : i + 2], 16) for i in (1, 3, 5)) for s in stops]
    assert brightness == sorted(brightness)
