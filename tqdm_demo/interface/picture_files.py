"""Picture files as the page shows and analyses them; a file is decoded once.

Several parts of the page need the same picture one after the other: the sidebar, the model, the
viewer, a download. What was decoded is found by the content of the file, and all users share it.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from tqdm_demo.inference.cache import BoundedCache
from tqdm_demo.inference.preprocessing import read_file, read_image


class PictureFiles:
    """Reads picture files through a cache.

    Args:
        cache: for all that is kept, of all kinds.
    """

    def __init__(self, cache: BoundedCache[Any]) -> None:
        self._decoded = cache.section()

    def read(self, path: str | os.PathLike[str], max_side: int) -> np.ndarray:
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

        return self._decoded.get((hashlib.sha256(content).digest(), max_side), decode)[0]
