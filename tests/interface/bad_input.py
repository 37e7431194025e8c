"""Files and class lists that visitors should not send, but do; and what the page makes of each."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class BadPicture:
    """A file.

    Attributes:
        case: what is odd about it.
        name: of the file.
        content: its bytes.
        says: part of the sentence that answers it; empty = it is shown.
        size: (width, height) of what is shown.
        left_top: RGB there, where that is telling.
    """

    case: str
    name: str
    content: bytes
    says: str = ""
    size: tuple[int, int] | None = None
    left_top: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class OddNames:
    """A class list.

    Attributes:
        case: what is odd about it.
        text: what is typed.
        says: part of the sentence that answers it; empty = it is taken.
        labels: what the legend then shows.
    """

    case: str
    text: str
    says: str = ""
    labels: tuple[str, ...] = ()


def grey_png(width: int, height: int) -> bytes:
    """A PNG with one bit a pixel, all zero, made row by row."""
    pack = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join([*(pack.compress(row) for _ in range(height)), pack.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _turned() -> bytes:
    """Stored lying, 90 x 60, with red where the top left corner is when it stands, 60 x 90."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[30:, :45, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    return saved(Image.fromarray(pixels), "JPEG", quality=95, subsampling=0, exif=exif)


NOISE = np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8)
PLAIN = Image.fromarray(NOISE)
RED = Image.new("RGB", (90, 60), (255, 0, 0))
_WIDE = Image.fromarray(np.full((60, 90), 257 * 77, np.uint16))
_FLOAT = Image.fromarray(np.full((60, 90), 0.5, np.float32))
_HEIC = b"\0\0\0\x18ftyp%s\0\0\0\0mif1heic" + bytes(400)
_SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
_BIG = "12000 × 12000 pixels; 50 megapixels at most"
_SIZE = (90, 60)
_CLEAR = Image.new("RGBA", (90, 60), (255, 0, 0, 0))

PICTURES = (
    BadPicture("not an image", "notes.jpg", b"these are my notes", "not an image"),
    BadPicture("truncated PNG", "cut.png", saved(PLAIN, "PNG")[:3000], "damaged or incomplete"),
    BadPicture("truncated JPEG", "cut.jpg", saved(PLAIN, "JPEG")[:1500], "damaged or incomplete"),
    BadPicture("0 bytes", "nothing.png", b"", "This file is empty."),
    BadPicture("144 megapixels", "bomb.png", grey_png(12000, 12000), _BIG),
    BadPicture("HEIC", "phone.heic", _HEIC % b"heic", "save or export it as JPEG"),
    BadPicture("HEIC, other brand", "phone.heif", _HEIC % b"mif1", "save or export it as JPEG"),
    BadPicture("SVG", "logo.svg", _SVG, "save it as PNG first"),
    BadPicture("HEIC called JPEG", "phone.jpg", _HEIC % b"heic", "save or export it as JPEG"),
    BadPicture("EPS", "page.png", saved(PLAIN, "EPS"), "not an image"),
    BadPicture("1 x 1", "dot.png", saved(RED.crop((0, 0, 1, 1)), "PNG"), "", (1, 1), (255, 0, 0)),
    BadPicture("30000 x 10", "strip.png", saved(RED.resize((30000, 10)), "PNG"), "", (1280, 1)),
    BadPicture("16-bit", "wide.png", saved(_WIDE, "PNG"), "", _SIZE, (77, 77, 77)),
    BadPicture("CMYK", "print.jpg", saved(RED.convert("CMYK"), "JPEG"), "", _SIZE, (254, 0, 0)),
    BadPicture("alpha", "clear.png", saved(_CLEAR, "PNG"), "", _SIZE, (255, 255, 255)),
    BadPicture("palette", "few.png", saved(RED.quantize(4), "PNG"), "", _SIZE, (255, 0, 0)),
    BadPicture("GIF", "still.gif", saved(RED, "GIF"), "", _SIZE, (255, 0, 0)),
    BadPicture("EXIF-rotated", "turned.jpg", _turned(), "", (60, 90), (254, 0, 0)),
    BadPicture("float TIFF", "depth.tiff", saved(_FLOAT, "TIFF"), "", _SIZE, (128, 128, 128)),
    BadPicture("TIFF called JPEG", "scan.jpg", saved(RED, "TIFF"), "", _SIZE, (255, 0, 0)),
    BadPicture("JPEG called PNG", "photo.png", saved(RED, "JPEG"), "", _SIZE, (254, 0, 0)),
    BadPicture("without extension", "photo", saved(RED, "PNG"), "", _SIZE, (255, 0, 0)),
)

SCRIPT = "<script>a()"
IMAGE = "<img src=x>"
NAMES = (
    OddNames("HTML", f"road\n{IMAGE}", labels=("road", IMAGE)),
    OddNames("script", f"road\n{SCRIPT}", labels=("road", SCRIPT)),
    OddNames("right-to-left", "road\nسيارة\nעץ", labels=("road", "سيارة", "עץ")),
    OddNames("direction marks", "road\n\u202ecar\u202c", labels=("road", "car")),
    OddNames("emoji beside a word", "road\ncar 🚗", labels=("road", "car 🚗")),
    OddNames("emoji only", "road\n🚗", "“🚗” has no letter in it."),
    OddNames("half an emoji", "road\ncar \ud83d", labels=("road", "car \ufffd")),
    OddNames("10,000 names", "\n".join(f"name {i}" for i in range(10_000)), "10000 names are too"),
    OddNames("10,000 synonyms", ", ".join(f"a{i}" for i in range(10_000)), "10000 names are too"),
    OddNames("10,000 colons", "a:b\n" * 10_000, "And 9995 more mistakes."),
    OddNames("10,000 characters", 10_000 * "x", "10000 characters, 60 at most"),
)
