"""Everything that an answer holds, as one ZIP file."""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO

import numpy as np
from PIL import Image

from tqdm_demo.inference.rendering import label_png, overlay
from tqdm_demo.interface.answers import Answer


def zip_answer(answer: Answer, image: np.ndarray) -> bytes:
    """A ZIP with ``labels.png`` (values = ids), ``colours.png``, ``overlay.png``, ``masks/`` (one
    black and white picture a class that is there) and ``legend.json`` (what the ids mean, and
    all settings).

    Args:
        answer: what the viewer shows.
        image: its picture, uint8 (H, W, 3).
    """  # noqa: D205  the files are one list
    labels = answer.result.label_map
    colours = answer.classes.colours
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("labels.png", _png(labels))
        archive.writestr("colours.png", label_png(labels, colours))
        archive.writestr("overlay.png", _png(overlay(image, labels, colours)))
        for index, label in enumerate(answer.classes.labels):
            mask = labels == index
            if mask.any():
                name = f"masks/{index:02d}_{file_name(label)}.png"
                archive.writestr(name, _png(np.where(mask, 255, 0).astype(np.uint8)))
        archive.writestr("legend.json", json.dumps(legend(answer), indent=2, ensure_ascii=False))
    return file.getvalue()


def legend(answer: Answer) -> dict:
    """What the label ids mean, and the settings of the answer, ready for JSON."""
    result, classes = answer.result, answer.classes
    height, width = result.label_map.shape
    rows = zip(classes.entries, result.shares, strict=True)
    return {
        "model": answer.request.source,
        "model_title": answer.title,
        "size": {"width": width, "height": height},
        "everything_else": classes.everything_else,
        "classes": [
            {
                "id": index,
                "name": entry.label,
                "words": list(entry.names),
                "colour": "#{:02x}{:02x}{:02x}".format(*entry.colour),
                "share": round(share, 6),
            }
            for index, (entry, share) in enumerate(rows)
        ],
    }


def file_name(label: str) -> str:
    """A name without anything that a file system could mind."""
    return re.sub(r"[^\w-]+", "_", label)[:40].strip("_") or "class"


def _png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)
    return file.getvalue()
