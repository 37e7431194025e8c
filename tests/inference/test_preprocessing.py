import os
import warnings
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo.inference import preprocessing
from tqdm_demo.inference.preprocessing import (
    MAX_MEGAPIXELS,
    model_size,
    normalise,
    read_image,
    to_pixels,
)

WIDTH, HEIGHT = 40, 24
RED, GREEN, BLUE, WHITE = (200, 30, 20), (20, 160, 40), (30, 40, 190), (255, 255, 255)


def corners() -> Image.Image:
    """40 x 24: red top left, green top right, blue bottom left, white bottom right."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:12, :20], pixels[:12, 20:], pixels[12:, :20], pixels[12:, 20:] = RED, GREEN, BLUE, WHITE
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_orientation(value: int) -> bytes:
    """A JPEG that is stored turned and says so in its EXIF, so that it is upright when shown."""
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[value]
    image = corners() if undo is None else corners().transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = value
    return saved(image, "JPEG", quality=95, subsampling=0, exif=exif)


def assert_corners(image: np.ndarray, tolerance: int = 12) -> None:
    assert image.dtype == np.uint8 and image.shape == (HEIGHT, WIDTH, 3)
    found = [image[4, 4], image[4, -5], image[-5, 4], image[-5, -5]]
    np.testing.assert_allclose(np.int32(found), [RED, GREEN, BLUE, WHITE], atol=tolerance)


@pytest.mark.parametrize("value", range(1, 9))
def test_every_exif_orientation_is_shown_upright(value):
    assert_corners(read_image(with_orientation(value)))


def palette_with_transparency() -> bytes:
    image = corners().quantize(8)
    white = image.getpixel((WIDTH - 5, HEIGHT - 5))
    palette = image.getpalette()
    palette[3 * white : 3 * white + 3] = [255, 0, 0]  # hidden below the transparency
    image.putpalette(palette)
    return saved(image, "PNG", transparency=white)


def animation() -> bytes:
    second = Image.new("RGB", (WIDTH, HEIGHT), "black")
    return saved(corners(), "GIF", save_all=True, append_images=[second])


@pytest.mark.parametrize(
    "data",
    [
        saved(corners(), "PNG"),
        saved(corners(), "BMP"),
        saved(corners(), "TIFF"),
        saved(corners(), "WEBP", lossless=True),
        saved(corners().quantize(8), "PNG"),
        palette_with_transparency(),
        animation(),
        saved(corners().convert("CMYK"), "TIFF"),
        saved(corners().convert("CMYK"), "JPEG", quality=95, subsampling=0),
        saved(corners().convert("RGBA"), "PNG"),
    ],
    ids=[
        "png",
        "bmp",
        "tiff",
        "webp",
        "palette",
        "palette-alpha",
        "gif",
        "cmyk-tiff",
        "cmyk-jpeg",
        "rgba",
    ],
)
def test_every_kind_of_file_shows_the_same_picture(data, tmp_path):
    assert_corners(read_image(data))
    path = tmp_path / "picture"
    path.write_bytes(data)
    assert_corners(read_image(path))


def test_transparency_is_put_on_white():
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 0] = 255  # red that nobody should see
    pixels[:, :20, 3] = 0
    pixels[:, 20:, 3] = 128
    image = read_image(saved(Image.fromarray(pixels), "PNG"))
    assert image[5, 5].tolist() == [255, 255, 255]
    np.testing.assert_allclose(image[5, 30], [255, 127, 127], atol=1)
    grey = Image.fromarray(np.dstack([np.zeros_like(pixels[..., 0]), pixels[..., 3]]), "LA")
    assert read_image(saved(grey, "PNG"))[5, 5].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(np.full((5, 7), 32896, np.uint16)), 128),
        (Image.fromarray(np.full((5, 7), 2056, np.uint16)), 128),
        (Image.fromarray(np.full((5, 7), 32896, np.int32)), 128),
        (Image.fromarray(np.full((5, 7), 90, np.int32)), 90),
        (Image.fromarray(np.full((5, 7), 0.5, np.float32)), 128),
        (Image.fromarray(np.full((5, 7), 77.0, np.float32)), 77),
        (Image.fromarray(np.uint8([[0, 255] * 3])).convert("1"), None),
        (Image.new("L", (7, 5), 91), 91),
    ],
    ids=[
        "16-bit",
        "12-bit-in-16",
        "int32-wide",
        "int32-narrow",
        "float-unit",
        "float-bytes",
        "one-bit",
        "grey",
    ],
)
def test_wide_and_narrow_pixels(image, expected):
    values = read_image(saved(image, "TIFF"))
    if expected is None:
        assert values[0, 0].tolist() == [0, 0, 0] and values[0, 1].tolist() == [255, 255, 255]
    else:
        assert values.shape == (5, 7, 3) and np.unique(values).tolist() == [expected]


def test_negative_and_broken_floats_are_stretched():
    values = np.float32([[-1.0, 0.0, 1.0], [np.nan, np.inf, 1.0]])
    image = read_image(saved(Image.fromarray(values), "TIFF"))
    assert image[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "file is empty"),
        (b"hello, I am a text", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "save it as PNG"),
        (saved(corners(), "PNG")[:80], "damaged or incomplete"),
        (saved(corners(), "JPEG")[:300], "damaged or incomplete"),
        (saved(Image.new("1", (8000, 6251)), "PNG"), "8000 × 6251 pixels; 50 megapixels at most"),
        (saved(Image.new("1", (15000, 12000)), "PNG"), "too large"),
    ],
    ids=["nothing", "text", "svg", "cut-png", "cut-jpeg", "large", "bomb"],
)
def test_what_is_no_picture_is_said_in_a_sentence(data, words):
    with pytest.raises(ValueError) as caught:
        read_image(data)
    assert words in str(caught.value) and str(caught.value).endswith(".")


def test_a_file_that_is_gone_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="not there any more"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "impossible name"])
def test_what_is_no_regular_file_is_not_opened(tmp_path, kind):
    path = {"device": os.devnull, "impossible name": "a\0b.png"}.get(kind, tmp_path / "it.png")
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)  # nobody writes to it, so that reading it would never end
    with pytest.raises(ValueError, match="not there any more"):
        read_image(path)


def test_a_file_has_a_largest_size(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    path.write_bytes(saved(corners(), "PNG"))
    size = path.stat().st_size
    monkeypatch.setattr(preprocessing, "MAX_FILE_BYTES", size)
    assert read_image(path).shape == (HEIGHT, WIDTH, 3)
    monkeypatch.setattr(preprocessing, "MAX_FILE_BYTES", size - 1)
    with pytest.raises(ValueError, match="This file is too large"):
        read_image(path)


@pytest.mark.parametrize("value", [-3.0, 300.0, np.nan])
def test_one_odd_number_everywhere_is_black(value):
    image = read_image(saved(Image.fromarray(np.full((4, 6), value, np.float32)), "TIFF"))
    assert image.shape == (4, 6, 3) and not image.any()


def test_a_long_side_is_shrunk():
    assert read_image(Image.new("RGB", (600, 300)), max_side=200).shape == (100, 200, 3)
    assert read_image(saved(Image.new("RGB", (900, 300)), "JPEG"), max_side=90).shape == (30, 90, 3)
    assert read_image(Image.new("RGB", (60, 30)), max_side=200).shape == (30, 60, 3)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (128, 256, (128, 256)),
        (512, 1024, (128, 256)),
        (360, 480, (160, 224)),
        (480, 360, (224, 160)),
        (1, 1, (192, 192)),
        (3, 100_000, (32, 1024)),
    ],
)
def test_model_size(height, width, expected):
    assert model_size(height, width, area=128 * 256, multiple=32) == expected


def test_model_size_stays_small_for_every_shape():
    for height in (1, 7, 100, 3000):
        for width in (1, 13, 450, 9000):
            h, w = model_size(height, width, area=128 * 256, multiple=32)
            assert h % 32 == w % 32 == 0 and min(h, w) >= 32
            assert h * w <= 1.5 * 128 * 256, (height, width)


def test_to_pixels():
    image = np.asarray(corners())
    mean, std = (0.5, 0.25, 0.125), (0.5, 0.25, 2.0)
    pixels = to_pixels(image, (HEIGHT, WIDTH), mean, std)
    assert pixels.shape == (1, 3, HEIGHT, WIDTH)
    expected = (np.array(BLUE) / 255 - mean) / std
    np.testing.assert_allclose(pixels[0, :, -1, 0].numpy(), expected, rtol=1e-5)
    smaller = to_pixels(image, (8, 16), mean, std)
    assert smaller.shape == (1, 3, 8, 16)
    np.testing.assert_allclose(smaller[0, :, -1, 0].numpy(), expected, atol=0.02)


def test_the_largest_pictures_of_phones_are_read():
    assert MAX_MEGAPIXELS == 50
    assert read_image(Image.new("L", (8064, 6048))).shape == (6048, 8064, 3)


def test_normalise():
    images = torch.tensor([0.0, 255.0, 51.0]).view(1, 3, 1, 1)
    found = normalise(images, (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)).flatten()
    torch.testing.assert_close(found, torch.tensor([-2.0, 3.0, -1.0]))


def test_pictures_are_read_in_threads_without_touching_their_warning_filters(monkeypatch):
    """catch_warnings changes those of the whole process."""
    before, seen = list(warnings.filters), []
    upright = preprocessing._upright_rgb

    def look(*arguments):
        seen.append(list(warnings.filters))
        return upright(*arguments)

    monkeypatch.setattr(preprocessing, "_upright_rgb", look)
    read_image(Image.new("RGB", (3, 2)))
    assert seen == [before]
