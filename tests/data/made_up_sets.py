"""Writers of label files of every kind, for made-up data sets a few pixels in size."""

import struct
import zlib

import numpy as np
from PIL import Image

SIZE = (11, 7)  # width, height


def photo(file, size=SIZE):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(file)


def grey(file, ids):
    """An 8-bit grey PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(ids, np.uint8)).save(file)


def palette(file, ids):
    """A palette PNG whose colours have nothing to do with the ids."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(ids, np.uint8), mode="P")
    image.putpalette(np.random.default_rng(1).integers(0, 256, 768).tolist())
    image.save(file)


def wide(file, channels):
    """A PNG with 16 bits a channel, (H, W) or (H, W, 3), which Pillow cannot write."""
    values = np.asarray(channels, np.uint16)
    raw_png(file, values.shape[1::-1], 16, 0 if values.ndim == 2 else 2,
            [row.astype(">u2").tobytes() for row in values])  # fmt: skip


def raw_png(file, size, depth, colour, rows):
    """A PNG from its header's values and packed rows; every second row is filtered by "up"."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, row in enumerate(rows):
        above = rows[number - 1] if number else bytes(len(row))
        up = bytes((a - b) & 255 for a, b in zip(row, above, strict=True))
        lines.append(b"\2" + up if number % 2 else b"\0" + row)
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    content = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def constant(value, size=SIZE):
    return np.full(size[::-1], value)
