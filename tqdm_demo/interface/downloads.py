"""Everything that an answer holds, as one ZIP file."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import numpy as np

from tqdm_demo.inference.rendering import label_png, overlay
from tqdm_demo.inference.result_files import class_masks, describe_classes, png
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
        archive.writestr("labels.png", png(labels))
        archive.writestr("colours.png", label_png(labels, colours))
        archive.writestr("overlay.png", png(overlay(image, labels, colours)))
        for name, mask in class_masks(labels, answer.classes):
            archive.writestr(f"masks/{name}", mask)
        archive.writestr("legend.json", json.dumps(legend(answer), indent=2, ensure_ascii=False))
    return file.getvalue()


def legend(answer: Answer) -> dict:
    """What the label ids mean, and the settings of the answer, ready for JSON."""
    result, classes = answer.result, answer.classes
    height, width = result.label_map.shape
    rows = zip(describe_classes(classes), result.shares, strict=True)
    return {
        "model": answer.request.source,
        "model_title": answer.title,
        "size": {"width": width, "height": height},
        "everything_else": classes.everything_else,
        "classes": [{**row, "share": round(share, 6)} for row, share in rows],
    }
