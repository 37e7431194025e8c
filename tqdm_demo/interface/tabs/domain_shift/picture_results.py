"""What a run over many pictures has found, kept for its download: one ZIP with one JSON.

Axes: H W a picture; K classes.
"""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import gradio as gr
import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.rendering import label_png, overlay
from tqdm_demo.inference.result_files import class_masks, describe_classes, file_name, jpeg
from tqdm_demo.interface.components.saving import NOTHING
from tqdm_demo.interface.model_manager import ModelManager


@dataclass(frozen=True, eq=False)
class PictureResult:
    """One picture.

    Attributes:
        title: name of its file.
        path: of the file.
        labels: uint8 (H, W), index into the class list; None = it could not be read.
        error: why, a sentence.
    """

    title: str
    path: str
    labels: np.ndarray | None
    error: str = ""

    def shares(self, count: int) -> list[float]:
        """The share of the picture, 0 to 1, that each of ``count`` classes has."""
        return (np.bincount(self.labels.ravel(), minlength=count) / self.labels.size).tolist()


@dataclass(frozen=True, eq=False)
class _Run:
    results: tuple[PictureResult, ...]
    classes: ClassList
    source: str


class ResultStore:
    """Keeps runs in the cache that bounds all that is kept, below names that nobody can guess.

    Args:
        models: whose cache and reader of pictures are used.

    Attributes:
        token: state, the name of the user's last run.
    """

    def __init__(self, models: ModelManager) -> None:
        self._models = models
        self._runs = models.cache.section()
        self.token = gr.State(None)

    def keep(self, results: Sequence[PictureResult], classes: ClassList, source: str) -> str:
        """Keeps a run and gives its name."""
        token = secrets.token_urlsafe(16)
        self._runs.put(token, _Run(tuple(results), classes, source))
        return token

    def zip(self, token: str | None) -> bytes:
        """A ZIP: of every picture labels, overlay and masks, and one ``results.json``.

        Raises:
            ValueError: no such run is kept, or a picture is gone; a sentence for the user.
        """
        run = self._runs.peek(token) if token else None
        if run is None:
            raise ValueError(NOTHING)
        file, rows = BytesIO(), []
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for number, result in enumerate(run.results, start=1):
                row = {"picture": result.title}
                if result.labels is None:
                    row["error"] = result.error
                else:
                    stem = f"{number:02d}_{file_name(Path(result.title).stem)}"
                    row |= self._add(archive, stem, result, run.classes)
                rows.append(row)
            content = {
                "model": run.source,
                "classes": describe_classes(run.classes),
                "pictures": rows,
            }
            archive.writestr("results.json", json.dumps(content, indent=1, ensure_ascii=False))
        return file.getvalue()

    def _add(
        self, archive: zipfile.ZipFile, stem: str, result: PictureResult, classes: ClassList
    ) -> dict:
        labels = result.labels
        image = self._models.pictures.read(result.path, max(labels.shape))
        names = {"labels": f"{stem}.labels.png", "overlay": f"{stem}.overlay.jpg"}
        archive.writestr(names["labels"], label_png(labels, classes.colours))
        archive.writestr(names["overlay"], jpeg(overlay(image, labels, classes.colours)))
        for name, mask in class_masks(labels, classes):
            archive.writestr(f"{stem}.masks/{name}", mask)
        shares = zip(classes.labels, result.shares(len(classes.labels)), strict=True)
        return {
            "height": labels.shape[0],
            "width": labels.shape[1],
            **names,
            "masks": f"{stem}.masks",
            "shares": {label: round(share, 6) for label, share in shares},
        }
