"""Any image file -> RGB uint8, upright -> the pixels that a model takes.

Axes: H W the picture; h w the model's input.
"""

from __future__ import annotations

import math
import os
import stat
import warnings
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

# A file of a few kilobytes can unfold into gigabytes, so the size is read before the pixels.
MAX_MEGAPIXELS = 50
# As many pixels of 16-bit RGBA without compression.
MAX_FILE_BYTES = 8 * MAX_MEGAPIXELS * 1_000_000
GONE = "This picture is not there any more; choose it again."
# What is opened. Not every kind that Pillow knows: some start other programs (EPS), and some hide
# a large picture behind the size of a small one (ICO).
_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "JPEG2000", "PPM")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
# Pillow's modes with more than eight bits a pixel.
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_DAMAGED = "This image file is damaged or incomplete."


def read_image(
    source: str | os.PathLike[str] | bytes | Image.Image, max_side: int | None = None
) -> np.ndarray:
    """Reads a picture as people see it: upright, opaque, eight bits a channel.

    EXIF orientation is applied, transparency is put on white, the first frame of an animation is
    taken, 16-bit and float pictures are brought to 0..255, palettes and CMYK become RGB.

    Args:
        source: a file, its bytes, or an open PIL image.
        max_side: a longer side is shrunk to this many pixels; None = as it is.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ValueError: no such regular file, one of more than :data:`MAX_FILE_BYTES`, no image that
            Pillow can read, a damaged one, or one with more than :data:`MAX_MEGAPIXELS` million
            pixels; the message is a sentence for a user.
    """
    with warnings.catch_warnings():
        # Pillow warns of large files, which the check below answers; and of odd EXIF.
        warnings.simplefilter("ignore")
        image = source if isinstance(source, Image.Image) else _open(source)
        _check_size(image)
        try:
            if max_side is not None:  # lets the JPEG decoder shrink, which saves most of its time
                image.draft("RGB", (max_side, max_side))
            image = _upright_rgb(image)
        except Exception as error:  # of every class, by the decoder that met the damage
            raise ValueError(_DAMAGED) from error
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return np.array(image)


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


def _open(source: str | os.PathLike[str] | bytes) -> Image.Image:
    # Image.open leaves the file open until the pixels are read; its bytes need no closing.
    if not isinstance(source, bytes):
        source = read_file(source)
    if not source:
        raise ValueError("This file is empty.")
    Image.init()
    try:
        return Image.open(BytesIO(source), formats=[kind for kind in _KINDS if kind in Image.OPEN])
    except Image.DecompressionBombError as error:
        raise ValueError(f"This picture is too large: {MAX_MEGAPIXELS} megapixels at most.") from (
            error
        )
    except Exception as error:  # of every class, by the decoder that met the damage
        known = not isinstance(error, UnidentifiedImageError)
        raise ValueError(_unreadable(source, known)) from error


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


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
        raise ValueError(
            f"This picture is too large: {image.width} × {image.height} pixels; "
            f"{MAX_MEGAPIXELS} megapixels at most."
        )


def _upright_rgb(image: Image.Image) -> Image.Image:
    if image.tell() > 0:
        image.seek(0)
    image = ImageOps.exif_transpose(image)
    if image.mode in _WIDE_MODES:
        image = _eight_bits(image)
    # "La" and "RGBa" carry premultiplied colours, which only their straight twins convert from.
    image = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey pictures with wide pixels: by their nominal range, or stretched where there is none."""
    values = np.asarray(image, dtype=np.float64)
    finite = np.isfinite(values)
    low = float(values.min(where=finite, initial=np.inf))
    high = float(values.max(where=finite, initial=-np.inf))
    if low > high:  # not one number in it
        low = high = 0.0
    values = np.clip(np.nan_to_num(values, nan=low), low, high)
    if image.mode == "F" and low >= 0 and high <= 1:
        values = values * 255
    elif image.mode != "F" and low >= 0 and high <= 65535:
        # "I" is also what some 8-bit files open as.
        values = values / 257 if high > 255 or image.mode != "I" else values
    elif low < 0 or high > 255:
        values = (values - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(np.round(values).astype(np.uint8))
