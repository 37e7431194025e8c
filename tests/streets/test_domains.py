"""Domains change the look and nothing else, on drawn streets and on photographs."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE, apply_domain, paint
from tqdm_demo.streets.filters.view import SKY, View, kuwahara, spread, to_float

NAMES = tuple(DOMAINS)
FILTERS = tuple(name for name in NAMES if name != SOURCE)
SIZE = (160, 80)


@pytest.fixture(scope="module")
def street():
    return paint(5, SOURCE, SIZE)


@pytest.fixture(scope="module")
def photograph():
    """A picture of no drawn street: blue above, a bright lamp, rough brown ground."""
    rng = np.random.default_rng(3)
    image = np.empty((41, 63, 3), dtype=np.uint8)
    image[:18] = (150, 190, 235)
    image[18:] = rng.integers(40, 110, (23, 63, 3))
    image[22:25, 30:33] = 255
    return image


def shown(name, street, **changes):
    """The street in a domain, with everything that is known about it."""
    known = {"depth": street.depth, "labels": street.labels, "lights": street.lights} | changes
    return apply_domain(name, street.image, **known)


def difference(first, second):
    return np.abs(first.astype(int) - second).mean()


def test_the_table_of_domains():
    assert (
        *("game", "photo", "dusk", "night", "fog", "rain", "snow", "oil", "watercolour"),
        *("sketch", "comic", "pixel", "thermal", "print", "sandstorm", "mosaic"),
    ) == NAMES
    assert SOURCE == "game"
    assert HELD_OUT == ("sandstorm", "mosaic")
    for name, domain in DOMAINS.items():
        assert domain.name == name
        assert domain.title[0].isupper()
        assert domain.phrase.endswith(" of")


@pytest.mark.parametrize("name", FILTERS)
def test_a_domain_differs_from_the_source_and_repeats(name, street):
    first = shown(name, street, seed=4)
    assert first.dtype == np.uint8 and first.shape == street.image.shape
    assert difference(first, street.image) > 4
    assert np.array_equal(first, shown(name, street, seed=4))


@pytest.mark.parametrize("name", FILTERS)
def test_domains_differ_from_each_other(name, street):
    own = shown(name, street)
    assert min(difference(own, shown(other, street)) for other in NAMES if other != name) > 3


@pytest.mark.parametrize("name", ("photo", "rain", "snow", "oil", "mosaic"))
def test_another_seed_gives_another_picture(name, street):
    assert not np.array_equal(shown(name, street, seed=1), shown(name, street, seed=2))


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_is_the_picture_itself(name, street):
    result = shown(name, street, strength=0.0)
    assert np.array_equal(result, street.image)
    assert not np.shares_memory(result, street.image)


@pytest.mark.parametrize("name", FILTERS)
def test_strength_grows(name, street):
    weak, strong = (difference(shown(name, street, strength=s), street.image) for s in (0.15, 1))
    assert weak < 0.8 * strong


@pytest.mark.parametrize("name", NAMES)
def test_inputs_stay_untouched(name, street):
    before = (street.image.copy(), street.labels.copy(), street.depth.copy(), street.lights.copy())
    shown(name, street)
    after = (street.image, street.labels, street.depth, street.lights)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", FILTERS)
def test_photographs_of_any_size(name, photograph):
    shown_photograph = apply_domain(name, photograph, seed=8)
    assert shown_photograph.shape == (41, 63, 3)
    assert difference(shown_photograph, photograph) > 2
    for height, width in ((1, 1), (3, 7), (90, 11)):
        small = np.asarray(Image.fromarray(photograph).resize((width, height)))
        assert apply_domain(name, small, strength=0.5).shape == (height, width, 3)


@pytest.mark.parametrize("name", FILTERS)
def test_a_large_picture_looks_like_a_small_one(name):
    small = paint(9, name, (256, 128)).image
    large = Image.fromarray(paint(9, name, (640, 320)).image)
    shrunk = np.asarray(large.resize((256, 128), Image.Resampling.BOX))
    coarse = [Image.fromarray(p).resize((16, 8), Image.Resampling.BOX) for p in (small, shrunk)]
    assert difference(*(np.asarray(p) for p in coarse)) < 12


@pytest.mark.parametrize("name", ("game", "night", "mosaic"))
def test_paint_keeps_the_labels_of_the_scene(name, street):
    painted = paint(5, name, SIZE)
    assert np.array_equal(painted.labels, street.labels)
    assert np.array_equal(painted.depth, street.depth)
    assert painted.image.shape == (80, 160, 3)
    assert np.array_equal(painted.image, paint(5, name, SIZE).image)


def test_fog_hides_what_is_far_and_not_what_is_near(street):
    image = np.full_like(street.image, 40)
    depth = np.full(street.depth.shape, 4, dtype=np.float32)
    depth[:, 90:] = 120
    foggy = apply_domain("fog", image, depth=depth, labels=np.zeros_like(street.labels))
    assert foggy[:, :80].mean() < 75
    assert foggy[:, 100:].mean() > 140


def test_night_is_dark_but_for_the_lamps(street):
    image = np.full_like(street.image, 150)
    lights = np.zeros(street.lights.shape, dtype=np.float32)
    lights[20:24, 40:44] = 1
    night = apply_domain("night", image, depth=street.depth, labels=street.labels, lights=lights)
    assert night[20:24, 40:44].mean() > 150
    assert night[:40, 100:].mean() < 80


def test_thermal_shows_people_warm_and_the_sky_cold():
    labels = np.full((48, 96), 2, dtype=np.uint8)
    labels[:16] = SKY
    labels[24:44, 30:50] = 11
    image = np.full((48, 96, 3), 128, dtype=np.uint8)
    heat = apply_domain("thermal", image, labels=labels).mean(-1)
    assert heat[:10].mean() < heat[20:, 70:].mean() < heat[30:40, 36:44].mean()


def test_the_sky_of_a_photograph_is_found(photograph):
    view = View(to_float(photograph), None, None, None, np.random.default_rng(0))
    assert view.sky[2:12].mean() > 0.8
    assert view.sky[26:].mean() < 0.05
    assert view.depth[5, 30] == 1000 and view.depth[-1, 30] < 5


def test_the_lamps_of_a_photograph_are_found():
    image = np.full((96, 150, 3), 70, dtype=np.uint8)
    image[50:53, 40:43] = 250
    image[10:40, 90:140] = 250  # a white wall emits nothing
    view = View(to_float(image), None, None, None, np.random.default_rng(0))
    assert view.lights[51, 41] > 0.5
    assert view.lights[25, 115] < 0.05 and view.lights[80, 20] < 0.05


def test_kuwahara_keeps_a_border_and_removes_a_speck():
    image = np.zeros((20, 30, 3), dtype=np.float32)
    image[:, 15:] = 1
    image[8, 5] = 1
    flat = kuwahara(image, 2)
    assert np.allclose(flat[8, 5], 0, atol=0.2)
    assert np.allclose(flat[:, 14], image[:, 14], atol=1e-3)
    assert np.allclose(flat[:, 15], 1, atol=1e-3)


def test_spread_keeps_the_mean():
    field = np.random.default_rng(1).random((24, 36), dtype=np.float32)
    smooth = spread(field, 6.0)
    assert smooth.shape == field.shape
    assert smooth.std() < 0.3 * field.std()
    assert abs(smooth.mean() - field.mean()) < 0.02


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "etching"}, "etching"),
        ({"strength": 1.5}, "1.5"),
        ({"strength": float("nan")}, "nan"),
        ({"seed": -1}, "-1"),
        ({"image": np.zeros((8, 9), dtype=np.uint8)}, "uint8"),
        ({"image": np.zeros((8, 9, 3), dtype=np.float32)}, "float32"),
        ({"labels": np.zeros((9, 8), dtype=np.uint8)}, "labels"),
    ],
)
def test_what_cannot_be_shown_is_refused(changes, message):
    arguments = {"name": "fog", "image": np.zeros((8, 9, 3), dtype=np.uint8)} | changes
    with pytest.raises(ValueError, match=message):
        apply_domain(arguments.pop("name"), arguments.pop("image"), **arguments)


def test_paint_refuses_an_unknown_domain():
    with pytest.raises(ValueError, match="etching"):
        paint(0, "etching")
