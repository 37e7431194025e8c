"""Which way up a picture is: EXIF orientation, read from whatever type it was written as."""

from __future__ import annotations

import numpy as np
from PIL import Image

_TAG = 0x0112


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none, or none that means anything.

    Args:
        image: loaded, because Pillow turns TIFFs itself when it loads them.
    """
    try:
        value = image.getexif().get(_TAG, 1)
        while isinstance(value, (tuple, list, bytes)) and value:
            value = value[0]
        value = float(value)  # a number, a rational, or digits
    except Exception:  # of every class, by the part of the EXIF that is broken
        return 1
    return int(value) if value in range(1, 9) else 1


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undoes an orientation.

    Args:
        pixels: (H, W) or (H, W, channels), as stored.
        orientation: 1 to 8.

    Returns:
        (H, W, ...) or (W, H, ...), contiguous.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
