"""Pictures and labels of a set are read as the page reads them, and broken ones name their file."""

import os

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.data.datasets import parse_data
from tqdm_demo.data.sample_index import open_index

IDS = np.arange(12, dtype=np.uint8).reshape(3, 4)  # (H, W)
COLOURS = np.stack([IDS * 20, IDS + 100, 250 - IDS], axis=-1)


def write(root, picture, labels=None, name="a.png", **options):
    for kind, image in (("images", picture), ("labels", labels)):
        (root / kind).mkdir(exist_ok=True)
        image = Image.fromarray(IDS) if image is None else image
        image.save(root / kind / name, **(options if kind == "images" else {}))
    return root / "images" / name


def the_only(root):
    (source,) = parse_data(f"folder:{root}")
    return source


def oriented(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


# How a picture is stored that is shown upright: the inverse of its orientation.
STORED = {
    3: COLOURS[::-1, ::-1],
    6: COLOURS.swapaxes(0, 1)[::-1],
    8: COLOURS.swapaxes(0, 1)[:, ::-1],
}


@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_that_of_the_labels(tmp_path, orientation):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    write(tmp_path, stored, exif=oriented(orientation))
    source = the_only(tmp_path)
    np.testing.assert_array_equal(source.read(0).image, COLOURS)
    assert not open_index([source], tmp_path / "index.json", 19, workers=0).broken


def test_labels_are_turned_too(tmp_path):
    write(tmp_path, Image.fromarray(COLOURS))
    turned = Image.fromarray(np.ascontiguousarray(IDS.swapaxes(0, 1)[::-1]))
    turned.save(tmp_path / "labels/a.png", exif=oriented(6))
    np.testing.assert_array_equal(the_only(tmp_path).read(0).labels, IDS)


def test_a_jpeg_that_is_turned_away_from_its_labels_is_left_out(tmp_path):
    write(tmp_path, Image.fromarray(COLOURS))
    os.remove(tmp_path / "images/a.png")
    Image.fromarray(COLOURS).save(tmp_path / "images/a.jpg", exif=oriented(6))
    write(tmp_path, Image.fromarray(COLOURS), name="b.png")
    index = open_index([the_only(tmp_path)], tmp_path / "index.json", 19, workers=0)
    assert list(index.broken) == ["a.jpg"] and "is 3 x 4" in index.broken["a.jpg"]


def test_sixteen_bits_are_brought_to_eight(tmp_path):
    write(tmp_path, Image.fromarray(IDS.astype(np.uint16) * 257 * 20))
    np.testing.assert_array_equal(the_only(tmp_path).read(0).image[..., 0], IDS * 20)


def test_transparency_is_put_on_white(tmp_path):
    alpha = np.full((3, 4, 1), 255, np.uint8)
    alpha[0] = 0
    write(tmp_path, Image.fromarray(np.concatenate([COLOURS, alpha], axis=-1)))
    found = the_only(tmp_path).read(0).image
    assert (found[0] == 255).all()
    np.testing.assert_array_equal(found[1:], COLOURS[1:])


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_a_pipe_is_no_picture(tmp_path, kind):
    write(tmp_path, Image.fromarray(COLOURS))
    file = tmp_path / kind / "a.png"
    file.unlink()
    os.mkfifo(file)
    source = the_only(tmp_path)
    with pytest.raises(ValueError, match=rf"cannot read .*{kind}/a\.png"):
        source.read(0)
    with pytest.raises(ValueError, match=r"none of 1 pictures .*a\.png"):
        open_index([source], tmp_path / "index.json", 19, workers=0)


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_a_picture_of_200_megapixels_is_one_broken_picture(tmp_path, kind):
    large = Image.new("1", (20000, 10000))
    write(tmp_path, *((large, None) if kind == "images" else (Image.fromarray(COLOURS), large)))
    write(tmp_path, Image.fromarray(COLOURS), name="b.png")
    source = the_only(tmp_path)
    with pytest.raises(ValueError, match=rf"cannot read .*{kind}/a\.png: .* too large"):
        source.read(0)
    index = open_index([source], tmp_path / "index.json", 19, workers=0)
    assert list(index.broken) == ["a.png"] and "too large" in index.broken["a.png"]
