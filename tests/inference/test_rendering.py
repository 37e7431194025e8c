from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.inference import rendering as r

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


@pytest.mark.parametrize("colour_map", r.COLOUR_MAPS)
def test_every_colour_map_shows_what_its_scale_says(colour_map):
    image = np.zeros((8, 12, 3), np.uint8)
    shown = r.heat_map(image, np.float32([[0, 1]]), 0, 1, opacity=1, colour_map=colour_map)
    stops = [tuple(bytes.fromhex(s[1:])) for s in r.colour_stops(3, colour_map)]
    np.testing.assert_allclose(shown[4, 0], stops[0], atol=8)
    np.testing.assert_allclose(shown[4, 11], stops[-1], atol=8)


def test_margin_map_tells_the_two_sides_apart_and_leaves_out_what_does_not_count():
    image = np.full((20, 60, 3), 128, np.uint8)
    margins = np.float32([[-0.4, 0, 0.4, np.nan]]).repeat(3, axis=1)
    shown = r.margin_map(image, margins, reach=0.4).astype(int)
    assert shown.shape == (20, 60, 3)
    orange, middle, violet, left_out = (shown[10, x] for x in (5, 22, 37, 58))
    assert orange[0] > orange[2] + 50 and violet[2] > violet[1] + 30
    assert np.ptp(middle) < 12 and middle.min() > 180
    np.testing.assert_allclose(left_out, 128, atol=3)
    stops = r.margin_stops(3)
    assert len(stops) == 3 and stops[1] == "#f6f6f7"


def test_difference_colours_what_differs_alone():
    image = np.full((4, 6, 3), 100, np.uint8)
    first = np.zeros((4, 6), np.uint8)
    second = first.copy()
    second[1, 2] = 7
    shown = r.difference(image, first, second).astype(int)
    assert shown[1, 2, 0] > shown[1, 2, 1] + 80
    shown[1, 2] = shown[0, 0]
    assert (shown == shown[0, 0]).all() and np.ptp(shown[0, 0]) == 0


def test_quantised_goes_from_low_to_high_and_stays_inside():
    values = np.float32([[-9, -1, 0], [1, 9, np.nan]])
    assert r.quantised(values, -1, 1).tolist() == [[0, 0, 128], [255, 255, 128]]
    assert r.quantised(np.zeros((1, 2)), 0.0, 0.0).tolist() == [[0, 0]]


def test_shrink_keeps_the_shape_and_never_enlarges():
    image = np.zeros((50, 200, 3), np.uint8)
    assert r.shrink(image, 100).shape == (25, 100, 3)
    assert r.shrink(image, 200) is image
    assert r.shrink(np.zeros((2, 900, 3), np.uint8), 90).shape == (1, 90, 3)
