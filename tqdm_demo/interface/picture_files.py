"""Picture files as the page shows and analyses them; a file is decoded once.

Several parts of the page need the same picture one after the other: the sidebar, the model, the
viewer, a download. What was decoded is found by the content of the file, and all users share it.
"""

from __future__ import annotations

import hashlib
import os

import numpy as np

from tqdm_demo.inference.cache import BoundedCache
from tqdm_demo.inference.preprocessing import read_file, read_image

# Some forty pictures of 1280 x 853 pixels.
KEPT_BYTES = 128 * 1024**2
_decoded: BoundedCache[np.ndarray] = BoundedCache(KEPT_BYTES, lambda image: image.nbytes)


def read_picture(path: str | os.PathLike[str], max_side: int) -> np.ndarray:
    """Reads a picture file, see :func:`tqdm_demo.inference.preprocessing.read_image`.

    Args:
        path: of the file.
        max_side: a longer side is shrunk to this many pixels.

    Returns:
        uint8 (H, W, 3), RGB. It is shared, so it cannot be written to.

    Raises:
        ValueError: as ``read_image``.
    """
    content = read_file(path)

    def decode() -> np.ndarray:
        image = read_image(content, max_side)
        image.setflags(write=False)
        return image

    key = hashlib.sha256(content).digest(), max_side
    return _decoded.get(key, decode)[0]
