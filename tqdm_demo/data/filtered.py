"""Pictures with the look of another domain, filtered once and then kept on disk.

The filter is that of :func:`tqdm_demo.streets.domains.apply_domain` at full strength. It sees the
pixels alone (sky, ground and depth are guessed, as for a photograph on the page), and its chance
depends on the picture's name alone: the same picture gets the same look on every machine.

Axes: H W pixels.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tqdm_demo.streets import domains, filters
from tqdm_demo.streets.domains import apply_domain

FOLDER = "filtered"  # below the cache of painted pictures


def filtered(image: np.ndarray, domain: str, name: str, cache_dir: Path) -> np.ndarray:
    """A picture as a domain shows it: from the cache, or filtered now and kept there.

    A changed picture or filter is another file; what is there already is never wrong, and a file
    that cannot be read is written again.

    Args:
        image: uint8 (H, W, 3) RGB.
        domain: key of :data:`tqdm_demo.streets.domains.DOMAINS`.
        name: of the picture in its set.
        cache_dir: folder of all caches; a PNG a picture goes below it.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    digest = hashlib.sha256(f"{_filters_digest()} {domain} {name} {image.shape}".encode())
    digest.update(np.ascontiguousarray(image))
    file = Path(cache_dir) / FOLDER / domain / f"{digest.hexdigest()[:24]}.png"
    try:
        with Image.open(file) as kept:
            return np.array(kept)
    except (OSError, SyntaxError):
        pass
    found = apply_domain(domain, image, seed=zlib.crc32(name.encode()))
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
    Image.fromarray(found).save(partial, "PNG", compress_level=1)
    os.replace(partial, file)
    return found


@cache
def _filters_digest() -> str:
    """Changes with the source files of the filters."""
    digest = hashlib.sha256(Path(domains.__file__).read_bytes())
    for path in sorted(Path(filters.__path__[0]).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
