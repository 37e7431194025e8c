"""The public endpoints for programs: ``/models``, ``/segment``, ``/similarity``, ``/compare``.

Every mistake is answered with the sentence that a user of the page would read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.agreement import agreement
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.inference.rendering import label_png
from tqdm_demo.inference.segmentation import Segmentation
from tqdm_demo.interface.api_arguments import (
    check_model,
    check_models,
    check_names,
    check_picture,
    check_stage,
)
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import MOST_MODELS

# A picture is answered at its full size: larger ones would take long, and the page shrinks them.
MOST_MEGAPIXELS = 16
# Requests of programs that run side by side, of all callers together; those of the page are apart.
AT_ONCE = 4
StageName = Literal["auto", "clip", "before", "after", "mask"]
# Empty lists and texts, and not null: gradio shows them to programmers as what they are.
_MODELS_OWN: list[str] = []
_DEFAULT = ""


def add_endpoints(models: ModelManager, blocks: gr.Blocks) -> None:
    """Adds the endpoints to the page that is being built.

    Args:
        models: the models that can be asked for, by their ``source``.
        blocks: the page; its regular cleaning also removes the files of the answers.
    """
    answers = Endpoints(models, blocks)
    gr.api(answers.models, api_name="models", concurrency_limit=None)
    running: dict[str, Callable[..., Any]] = {
        "segment": answers.segment,
        "similarity": answers.similarity,
        "compare": answers.compare,
    }
    for name, function in running.items():
        gr.api(function, api_name=name, concurrency_id="api", concurrency_limit=AT_ONCE)


class Endpoints:
    """The functions behind the endpoints; gradio shows their docstrings to programmers.

    Args:
        models: see :func:`add_endpoints`.
        blocks: likewise.
    """

    def __init__(self, models: ModelManager, blocks: gr.Blocks) -> None:
        self._models = models
        # Not among the uploads: nobody may send a file that was made for somebody else.
        self._files: set[str] = set()
        blocks.temp_file_sets.append(self._files)

    def models(self) -> list[dict[str, str]]:
        """Lists the models: for each its source (how the other endpoints call it), title, kind
        ("textual", "learned", "zero-shot", "rein", "soma", "tldr"; empty while it is not known) and
        what it was trained on.
        """
        return [
            {"source": e.source, "title": e.title, "kind": e.kind, "about": e.about}
            for e in self._models.entries
        ]

    def segment(
        self,
        picture: gr.FileData,
        names: list[str] = _MODELS_OWN,
        model: str = _DEFAULT,
    ) -> tuple[gr.FileData, list[str], list[float]]:
        """Labels every pixel of a picture with one of the class names.

        Returns an 8-bit palette PNG of the picture's size whose values index the names, the
        names, and the share of the picture (0 to 1) that each has. Without names it takes those
        that the model was trained on, without a model the first of /models that suits photographs.
        A model of a fixed list of classes (Rein, SoMA, TLDR) labels a pixel with 255 where it sees
        a class that is not among the names.
        """
        with _in_words():
            path, names, model = check_picture(picture), check_names(names), self._model(model)
            result = self._models.predictor(model).segment(_read(path), names or None)
        return self._labels(result), list(result.names), list(result.shares)

    def similarity(
        self,
        picture: gr.FileData,
        names: list[str] = _MODELS_OWN,
        model: str = _DEFAULT,
        stage: StageName = "auto",
    ) -> tuple[gr.FileData, list[str], float, float]:
        """Says how similar every place of a picture is to the class names, at one stage.

        Stages: "clip" (zero-shot models: cosine of patch tokens and text), "before" (textual
        queries: before the pixel decoder, m = 0), "after" (trained models: after it, m = M),
        "mask" (trained models: the scores that decide), "auto" ("after", "clip" of zero-shot
        models, "mask" of others without text). Names and model have the defaults of /segment.
        Returns a NumPy file (.npz) with "similarity", float32 (names, height, width) on the model's
        own grid, and "names"; the names; the lowest and the highest value.
        """
        with _in_words():
            path, names, model = check_picture(picture), check_names(names), self._model(model)
            stage = check_stage(stage, StageName.__args__)
            stages = self._models.predictor(model).stages(_read(path), names or None)
            if stage == "auto":
                stage = next(s for s in ("after", "clip", "mask") if getattr(stages, s) is not None)
            maps = getattr(stages, stage)
            if maps is None:
                there = [s for s in StageName.__args__[1:] if getattr(stages, s) is not None]
                raise ValueError(
                    f"This model has no stage {stage!r}; it has {', '.join(map(repr, there))}. "
                    f"{stages.absent[stage]}"
                )
        file = BytesIO()
        np.savez_compressed(file, similarity=maps, names=np.array(stages.names))
        saved = self._file(file.getvalue(), "similarity.npz", "application/octet-stream")
        return saved, list(stages.names), float(maps.min()), float(maps.max())

    def compare(
        self,
        picture: gr.FileData,
        names: list[str] = _MODELS_OWN,
        models: list[str] = _MODELS_OWN,
    ) -> tuple[list[gr.FileData], list[str], list[list[float]], list[list[float]]]:
        """Asks several models for the same picture and class names.

        Returns for every model a label PNG as /segment does; the names; for every model the share
        (0 to 1) of every name; and for every pair of models the share of pixels (0 to 1) with the
        same label, as a square table. Without models it takes those that the page opens with,
        without names those of the first model.
        """
        with _in_words():
            path, names = check_picture(picture), check_names(names)
            results = self._results(path, names, self._sources(models))
        table = [[agreement(a.label_map, b.label_map) for b in results] for a in results]
        shares = [list(result.shares) for result in results]
        return [self._labels(result) for result in results], list(results[0].names), shares, table

    def _model(self, value: Any) -> str:
        return check_model(value) or self._models.default

    def _sources(self, value: Any) -> list[str]:
        return list(self._models.columns) if value == [] else check_models(value, MOST_MODELS)

    def _results(
        self, path: str, names: Sequence[str], models: Sequence[str]
    ) -> list[Segmentation]:
        for source in models:
            self._models.entry(source)
        image = _read(path)
        names = names or self._models.predictor(models[0]).default_names
        classes = ClassList.from_names(names)
        return [self._models.predictor(source).segment(image, classes) for source in models]

    def _labels(self, result: Segmentation) -> gr.FileData:
        png = label_png(result.label_map, result.classes.colours)
        return self._file(png, "labels.png", "image/png")

    def _file(self, content: bytes, name: str, kind: str) -> gr.FileData:
        path = save_bytes_to_cache(content, name, get_upload_folder())
        self._files.add(path)
        return gr.FileData(path=path, mime_type=kind, orig_name=name)


@contextmanager
def _in_words() -> Iterator[None]:
    """Turns a mistake of the caller into an answer."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _read(path: str) -> np.ndarray:
    return read_image(path, max_megapixels=MOST_MEGAPIXELS)
