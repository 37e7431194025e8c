"""Files that Pillow refuses though every pixel is there: long texts, a JPEG without an end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_END = b"\xff\xd9"
_LARGEST_PROFILE = 16 * 2**20
# What a decoder that has all pixels already skips, and one that has not takes for pixels.
_NOISE = bytes(range(1, 255)) * 8


def repair(content: bytes, max_pixels: int) -> tuple[bytes, bytes | None] | None:
    """The content of a file that could not be read, without what is in the way.

    Args:
        content: of the file.
        max_pixels: of a picture that may be decoded here.

    Returns:
        The new content and a colour profile that was taken out of it (None = none); None where
        there is nothing to repair.
    """
    try:
        if content.startswith(_PNG):
            return _without_texts(content)
        if content.startswith(_JPEG):
            return _with_end(content, max_pixels)
    except Exception:  # of every class, by the decoder that met the damage
        pass
    return None


def _without_texts(content: bytes) -> tuple[bytes, bytes | None] | None:
    """A PNG without text and colour profile, which Pillow unpacks to 1 MB at most."""
    kept, profile = [_PNG], None
    for kind, chunk in _chunks(content):
        if kind == b"iCCP":
            _, _, packed = chunk[8:-4].partition(b"\0")  # a name, then the method, then the profile
            profile = zlib.decompressobj().decompress(packed[1:], _LARGEST_PROFILE)
        elif kind not in _TEXT:
            kept.append(chunk)
    shorter = b"".join(kept)
    return (shorter, profile) if len(shorter) < len(content) else None


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and bytes of every chunk of a PNG; the last one may be cut off."""
    start = len(_PNG)
    while start < len(content):
        length, kind = struct.unpack(">I4s", content[start : start + 8])
        yield kind, content[start : start + length + 12]
        start += length + 12


def _with_end(content: bytes, max_pixels: int) -> tuple[bytes, None] | None:
    """A JPEG with its end marker, if that alone is missing.

    Of a file that is cut off earlier the decoder makes up the rest; it is found by giving it
    something to make it up from.
    """
    body = content[:-1] if content.endswith(_END[:1]) else content
    found = []
    for tail in (_END, _NOISE + _END):
        image = Image.open(BytesIO(body + tail), formats=["JPEG"])
        if image.width * image.height > max_pixels:
            return None
        image.draft("L", image.size)
        found.append(np.asarray(image))
    return (body + _END, None) if np.array_equal(*found) else None
