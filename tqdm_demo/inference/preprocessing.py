"""Any image file -> RGB uint8, upright -> the pixels that a model takes.

Axes: H W the picture; h w the model's input.
"""

from __future__ import annotations

import math
import os
import stat
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from tqdm_demo.inference.colours import to_rgb
from tqdm_demo.inference.orientation import read_orientation, turn_upright
from tqdm_demo.inference.repairs import repair

if TYPE_CHECKING:
    import torch

# A file of a few kilobytes can unfold into gigabytes, so the size is read before the pixels.
MAX_MEGAPIXELS = 50
# As many pixels of 16-bit RGBA without compression.
MAX_FILE_BYTES = 8 * MAX_MEGAPIXELS * 1_000_000
GONE = "This picture is not there any more; choose it again."
# What is opened. Not every kind that Pillow knows: some start other programs (EPS), and some hide
# a large picture behind the size of a small one (ICO).
_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "JPEG2000", "PPM")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_DAMAGED = "This image file is damaged or incomplete."
# Pillow warns of large files, whose size is checked here, and of odd EXIF, which is ignored. Once
# and for all: catch_warnings() is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")

Decoded = TypeVar("Decoded")


def read_image(
    source: str | os.PathLike[str] | bytes | Image.Image,
    max_side: int | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> np.ndarray:
    """Reads a picture as people see it: upright, opaque, eight bits a channel.

    EXIF orientation and colour profile are applied (the result is sRGB), transparency is put on
    white, the first frame of an animation is taken, 16-bit and float pictures are brought to
    0..255, palettes and CMYK become RGB.

    Args:
        source: a file, its bytes, or an open PIL image.
        max_side: a longer side is shrunk to this many pixels; None = as it is.
        max_megapixels: a larger picture is refused, before its pixels are read.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: no such regular file, one of more than :data:`MAX_FILE_BYTES`, no image that
            Pillow can read, a damaged one, or one with more pixels than ``max_megapixels``
            million; the message is a sentence for a user.
    """
    if isinstance(source, Image.Image):
        return _upright_rgb(source, max_side, max_megapixels)
    content = source if isinstance(source, bytes) else read_file(source)
    return decode_image(content, lambda image: _upright_rgb(image, max_side, max_megapixels))


def decode_image(content: bytes, decode: Callable[[Image.Image], Decoded]) -> Decoded:
    """Opens a file's content, and once more where what is in the way can be repaired.

    Args:
        content: of the file.
        decode: makes a result of the opened image, whose pixels are not loaded yet.

    Raises:
        ValueError: as :func:`read_image`.
    """
    try:
        return decode(_open(content))
    except (ValueError, OSError, SyntaxError) as error:
        repaired = repair(content, MAX_MEGAPIXELS * 1_000_000)
        if repaired is None:
            raise error if isinstance(error, ValueError) else ValueError(_DAMAGED) from error
    shorter, profile = repaired
    image = _open(shorter)
    if profile is not None:
        image.info["icc_profile"] = profile
    return decode(image)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file. Others, such as pipes and devices, may never end, or begin.

    Raises:
        ValueError: no such file, or one of more than :data:`MAX_FILE_BYTES`.
    """
    # A pipe that nobody writes to would otherwise block here already; Windows knows no such flags.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise ValueError(GONE) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(GONE)
        if status.st_size > MAX_FILE_BYTES:
            megabytes = MAX_FILE_BYTES // 1_000_000
            raise ValueError(f"This file is too large: {megabytes} megabytes at most.")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(status.st_size)
    except OSError as error:
        raise ValueError(GONE) from error
    finally:
        os.close(descriptor)


def model_size(height: int, width: int, area: int, multiple: int) -> tuple[int, int]:
    """The input size (h, w) for a picture: its shape, about ``area`` pixels.

    Args:
        height: of the picture in pixels, as is ``width``.
        width: see ``height``.
        area: pixels of the input that the model was trained for.
        multiple: both sides become a multiple of this. A strip that is longer than
            ``area / multiple**2`` times its width is squeezed, so that the input stays small.
    """
    longest = max(area // multiple, multiple)
    scale = math.sqrt(area / (height * width))
    sides = (min(max(side * scale, multiple), longest) for side in (height, width))
    h, w = (max(round(side / multiple), 1) * multiple for side in sides)
    return h, w


def to_pixels(
    image: np.ndarray, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Resizes and normalises a picture for an image encoder.

    Args:
        image: uint8 (H, W, 3), RGB.
        size: (h, w) of the input.
        mean: of R, G and B in [0, 1], as is ``std``.
        std: see ``mean``.

    Returns:
        float32 (1, 3, h, w) on the CPU.
    """
    import torch

    height, width = size
    if image.shape[:2] != size:
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
        image = np.asarray(resized)
    pixels = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)[None]
    return normalise(pixels, mean, std).contiguous()


def normalise(pixels: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """float (B, 3, H, W) RGB in 0..255 to (pixel / 255 - mean) / std of each channel."""
    mean, std = (pixels.new_tensor(values).view(3, 1, 1) for values in (mean, std))
    return (pixels / 255 - mean) / std


def cut_window(
    image: np.ndarray, resized: tuple[int, int], top: int, left: int, window: tuple[int, int]
) -> np.ndarray:
    """A window of a picture that is thought of as resized; only the window is.

    Args:
        image: uint8 (H, W, 3).
        resized: (H, W) that the picture is thought of as resized to.
        top: upper edge of the window in pixels of ``resized``, as is ``left`` its left one.
        left: see ``top``.
        window: (height, width) of the window.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = window
    if image.shape[:2] == resized:
        return image[top : top + height, left : left + width]
    down, right = image.shape[0] / resized[0], image.shape[1] / resized[1]
    first, behind = math.floor(left * right), math.ceil((left + width) * right)
    # Only the columns that are needed, because Pillow copies the picture.
    part = Image.fromarray(np.ascontiguousarray(image[:, first:behind]))
    box = (left * right - first, top * down, (left + width) * right - first, (top + height) * down)
    box = tuple(min(edge, limit) for edge, limit in zip(box, (*part.size, *part.size), strict=True))
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC, box=box))


def _open(content: bytes) -> Image.Image:
    """An image of a size that may be decoded; its pixels are not loaded."""
    if not content:
        raise ValueError("This file is empty.")
    Image.init()
    try:
        kinds = [kind for kind in _KINDS if kind in Image.OPEN]
        image = Image.open(BytesIO(content), formats=kinds)
    except Image.DecompressionBombError as error:
        raise ValueError(f"This picture is too large: {MAX_MEGAPIXELS} megapixels at most.") from (
            error
        )
    except Exception as error:  # of every class, by the decoder that met the damage
        known = not isinstance(error, UnidentifiedImageError)
        raise ValueError(_unreadable(content, known)) from error
    _check_size(image)
    return image


def _unreadable(content: bytes, known: bool) -> str:
    """What to tell of a file that no decoder takes; ``known``: one took it for its own kind."""
    start = content[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if content[4:8] == b"ftyp" and any(brand in content[8:64] for brand in _HEIC_BRANDS):
        return (
            "This is a HEIC picture, which cannot be read here: save or export it as JPEG first "
            "(iPhones write JPEG after Settings > Camera > Formats > Most Compatible)."
        )
    if start.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in start:
        return "This is an SVG drawing, not a picture made of pixels: save it as PNG first."
    return _DAMAGED if known else "This file is not an image that can be read."


def _check_size(image: Image.Image, max_megapixels: int = MAX_MEGAPIXELS) -> None:
    if image.width * image.height > max_megapixels * 1_000_000:
        raise ValueError(
            f"This picture is too large: {image.width} × {image.height} pixels; "
            f"{max_megapixels} megapixels at most."
        )


def _upright_rgb(
    image: Image.Image, max_side: int | None, max_megapixels: int = MAX_MEGAPIXELS
) -> np.ndarray:
    _check_size(image, max_megapixels)
    try:
        if image.tell() > 0:
            image.seek(0)
        if max_side is not None:  # lets the JPEG decoder shrink, which saves most of its time
            image.draft("RGB", (max_side, max_side))
        image.load()
        orientation = read_orientation(image)
        image = to_rgb(image)
    except Exception as error:  # of every class, by the decoder that met the damage
        raise ValueError(_DAMAGED) from error
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return turn_upright(np.array(image), orientation)
