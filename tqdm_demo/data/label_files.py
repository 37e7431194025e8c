"""Label files as the data sets ship them: palette, grey, 8-bit and 16-bit PNGs of ids.

Axes: H W pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tqdm_demo.data.id_tables import IdTable
from tqdm_demo.inference.orientation import read_orientation, turn_upright
from tqdm_demo.inference.preprocessing import decode_image, read_file
from tqdm_demo.vocabulary import IGNORED

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _RGB_ALPHA = 0, 2, 6  # colour types of a PNG's header


def read_labels(file: Path, table: IdTable) -> np.ndarray:
    """Train ids of a label file: uint8 (H, W), 255 = ignored; the right way up, as pictures are.

    Args:
        file: a PNG of ids; of a palette image the indices are the ids.
        table: what the raw ids mean.

    Raises:
        ValueError: no file, no whole PNG, or ids that the table does not know; the file is named.
    """
    try:
        ids = _read_ids(read_file(file), table.first_channel)
    except (ValueError, OSError, RuntimeError, SyntaxError, EOFError) as error:
        raise ValueError(f"cannot read the labels {file}: {error}") from error
    odd = np.unique(ids[(ids > table.highest) & (ids != IGNORED)])
    if odd.size:
        raise ValueError(
            f"{file} holds {odd[:8].tolist()}; {table.name} are 0..{table.highest} and {IGNORED}"
        )
    return table.lookup()[ids]


def _read_ids(content: bytes, channels: bool) -> np.ndarray:
    """The ids (H, W), uint8 or uint16; ``channels``: there may be several, the first is taken."""
    head = content[:26]
    if head[:8] != _SIGNATURE or len(head) < 26:
        raise ValueError("it is not a PNG file")
    depth, colour = head[24], head[25]
    if colour in (_RGB, _RGB_ALPHA) and not channels:
        raise ValueError("it has mode RGB; labels have a single channel")
    if depth == 16:
        return _read_wide(content)
    ids = decode_image(content, _upright_values)
    if colour == _GREY and depth < 8 and ids.dtype != bool:
        ids = ids // (255 // (2**depth - 1))  # Pillow stretches few grey levels to 0..255
    return ids.astype(np.uint8) if ids.ndim == 2 else ids[..., 0]


def _read_wide(content: bytes) -> np.ndarray:
    """The first channel of a PNG with 16 bits a channel: uint16 (H, W).

    Pillow knows grey ones. Of several channels it keeps the high bytes; told that the bytes are the
    other way round, it keeps the low ones.
    """
    values = decode_image(content, _upright_values)
    if values.ndim == 2:
        return values.astype(np.uint16)
    high, low = values[..., 0], decode_image(content, _upright_low_bytes)[..., 0]
    return high.astype(np.uint16) * 256 + low


def _upright_values(image: Image.Image) -> np.ndarray:
    """The values as they are stored, (H, W) or (H, W, channels), the right way up.

    Of a palette image these are indices: there is no convert(), which would look up colours.
    """
    image.load()
    return turn_upright(np.asarray(image), read_orientation(image))


def _upright_low_bytes(image: Image.Image) -> np.ndarray:
    (tile,) = image.tile
    if not str(tile.args).endswith(";16B"):
        raise ValueError(f"Pillow reads it as {tile.args!r}, not as 16-bit channels")
    image.tile = [tile._replace(args=tile.args.replace(";16B", ";16L"))]
    return _upright_values(image)
