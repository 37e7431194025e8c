"""What a result is when it is written: label ids, masks, and what the ids mean.

Axes: H W the picture; K classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tqdm_demo.class_list import ClassList


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 (H, W) or (H, W, 3)."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)
    return file.getvalue()


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """A JPEG file of uint8 (H, W, 3)."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()


def class_masks(label_map: np.ndarray, classes: ClassList) -> Iterator[tuple[str, bytes]]:
    """A black and white PNG of every class that is there, and its file name: ``00_car.png``.

    Args:
        label_map: uint8 (H, W), index into ``classes``.
        classes: the K classes.
    """
    for index, label in enumerate(classes.labels):
        mask = label_map == index
        if mask.any():
            yield (
                f"{index:02d}_{file_name(label)}.png",
                png(np.where(mask, 255, 0).astype(np.uint8)),
            )


def describe_classes(classes: ClassList) -> list[dict[str, Any]]:
    """What the label ids mean, ready for JSON."""
    return [
        {
            "id": index,
            "name": entry.label,
            "words": list(entry.names),
            "colour": "#{:02x}{:02x}{:02x}".format(*entry.colour),
        }
        for index, entry in enumerate(classes.entries)
    ]


def file_name(label: str) -> str:
    """A name without anything that a file system could mind."""
    return re.sub(r"[^\w-]+", "_", label)[:40].strip("_") or "class"
