"""Files as cameras and programs write them: profiles, long texts, missing ends, odd turns."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.data.made_up_sets import wide
from tqdm_demo.inference.orientation import turn_upright
from tqdm_demo.inference.preprocessing import read_image

SIZE = (40, 24)


def noise(seed=0, size=SIZE):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def saved(image, kind, **options):
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def profile(gamma):
    """An RGB profile with the primaries of sRGB and another gamma: written by hand, 3 curves."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(struct.unpack(">I", content[128:132])[0]):
        start = 132 + 12 * number
        tag, offset, _ = struct.unpack(">4sII", content[start : start + 12])
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
            content[offset : offset + len(curve)] = curve
        if tag == b"desc":  # sRGB in name would be taken for sRGB
            content[offset : offset + 64] = content[offset : offset + 64].replace(b"s", b"x")
    return bytes(content)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_colour_profiles_are_applied(kind, mode):
    grey = Image.new("RGB", SIZE, (128, 128, 128))
    grey = grey.quantize(8) if mode == "P" else grey.convert(mode)
    found = read_image(saved(grey, kind, icc_profile=profile(1.0)))
    # Half of the light is 188 in sRGB.
    assert np.abs(found.astype(int) - 188).max() <= 1


@pytest.mark.parametrize("content", [b"no profile", profile(1.0)[:200]])
def test_a_broken_profile_is_ignored(content):
    image = noise()
    np.testing.assert_array_equal(read_image(saved(image, "PNG", icc_profile=content)), image)


def test_a_profile_of_other_pixels_is_ignored():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = noise()
    np.testing.assert_array_equal(read_image(saved(image, "PNG", icc_profile=srgb)), image)


def test_the_usual_profile_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = noise()
    np.testing.assert_array_equal(read_image(saved(image, "PNG", icc_profile=srgb)), image)


def with_chunk(content, kind, body, last=False):
    """A PNG with one more chunk, before its pixels or behind them."""
    place = content.index(b"IEND" if last else b"IDAT") - 4
    chunk = struct.pack(">I", len(body)) + kind + body
    chunk += struct.pack(">I", zlib.crc32(kind + body))
    return content[:place] + chunk + content[place:]


LONG = bytes(2 * 2**20)
XMP = b"XML:com.adobe.xmp\0"
TEXTS = {
    "zTXt": (b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
    "XMP": (b"iTXt", XMP + b"\1\0\0\0" + zlib.compress(LONG)),
    "iCCP": (b"iCCP", b"name\0\0" + zlib.compress(LONG)),
}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_long_texts_of_a_png_are_skipped(text, last):
    image = noise()
    content = with_chunk(saved(image, "PNG"), *TEXTS[text], last)
    np.testing.assert_array_equal(read_image(content), image)


def test_a_long_profile_of_a_png_is_applied():
    long = profile(1.0) + LONG
    long = struct.pack(">I", len(long)) + long[4:]
    grey = saved(Image.new("RGB", SIZE, (128, 128, 128)), "PNG")
    content = with_chunk(grey, b"iCCP", b"name\0\0" + zlib.compress(long))
    assert np.abs(read_image(content).astype(int) - 188).max() <= 1


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_without_its_end_is_read(cut, progressive):
    content = saved(noise(), "JPEG", quality=90, progressive=progressive)
    np.testing.assert_array_equal(read_image(content[:-cut]), read_image(content))


@pytest.mark.parametrize("left", [0.5, 0.9, 0.98])
def test_a_jpeg_without_its_last_pixels_is_not(left):
    content = saved(noise(size=(160, 96)), "JPEG", quality=90)
    with pytest.raises(ValueError, match="damaged or incomplete"):
        read_image(content[: int(left * len(content))])


def exif(kind, value):
    """The EXIF of an orientation of one of TIFF's types, whose value lies behind the table."""
    count = len(value) if kind == 2 else 1
    inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", 26)
    entry = struct.pack("<HHI", 0x0112, kind, count) + inline
    body = struct.pack("<HI", 42, 8) + struct.pack("<H", 1) + entry + bytes(4)
    return b"Exif\0\0II" + body + (value if len(value) > 4 else b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (1, b"\6"), (2, b"6\0"), (3, struct.pack("<H", 6)), (4, struct.pack("<I", 6)),
        (5, struct.pack("<II", 6, 1)), (8, struct.pack("<h", 6)), (10, struct.pack("<ii", 6, 1)),
        (10, struct.pack("<ii", -12, -2)), (12, struct.pack("<d", 6.0)),
    ],
)  # fmt: skip
def test_orientation_is_read_from_every_type(kind, type_, value):
    content = saved(Image.new("RGB", SIZE), kind, exif=exif(type_, value))
    assert read_image(content).shape == (40, 24, 3)


@pytest.mark.parametrize(
    ("type_", "value"), [(10, struct.pack("<ii", 6, 0)), (2, b"up\0"), (3, struct.pack("<H", 9))]
)
def test_an_orientation_that_means_nothing_is_ignored(type_, value):
    content = saved(Image.new("RGB", SIZE), "JPEG", exif=exif(type_, value))
    assert read_image(content).shape == (24, 40, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_once(orientation):
    image = noise()
    content = saved(image, "TIFF", tiffinfo={0x0112: orientation})
    expected = turn_upright(np.asarray(image), orientation)
    np.testing.assert_array_equal(read_image(content), expected)


def test_twelve_bits_in_sixteen_are_stretched():
    values = (np.arange(24 * 40) * 4095 // 959).reshape(24, 40).astype(np.uint16)
    found = read_image(saved(Image.fromarray(values), "TIFF"))[..., 0]
    np.testing.assert_array_equal(found, np.round(values * (255 / 4095)))


def test_a_dark_png_with_sixteen_bits_stays_dark(tmp_path):
    wide(tmp_path / "dark.png", np.full((5, 7), 2056))
    assert np.unique(read_image(tmp_path / "dark.png")).tolist() == [8]
