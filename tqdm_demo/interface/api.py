"""The public endpoint ``/segment`` for programs."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from tqdm_demo.interface.models import ModelShelf
from tqdm_demo.preprocessing import read_image
from tqdm_demo.rendering import label_png
from tqdm_demo.vocabulary import colours_for

Segment = Callable[[gr.FileData, list[str], str], tuple[gr.FileData, list[str], list[float]]]


def segment_endpoint(shelf: ModelShelf, page: gr.Blocks) -> Segment:
    """The function behind ``/segment``.

    Args:
        shelf: the models that can be asked for, by their ``source``.
        page: whose regular cleaning also removes the label files.
    """

    def segment(
        picture: gr.FileData, names: list[str], model: str
    ) -> tuple[gr.FileData, list[str], list[float]]:
        """Labels every pixel of a picture with one of the class names.

        Returns an 8-bit palette PNG of the picture's size whose values index the names, the
        names, and the share of the picture (0 to 1) that each has. An empty list of names takes
        those that the model was trained on.
        """
        try:
            predictor = shelf.predictor(model)
            path = picture["path"] if isinstance(picture, dict) else picture.path
            result = predictor.segment(read_image(path), names or None)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        png = label_png(result.label_map, colours_for(result.names))
        file = save_bytes_to_cache(png, "labels.png", get_upload_folder())
        page.upload_file_set.add(file)
        labels = gr.FileData(path=file, mime_type="image/png", orig_name="labels.png")
        return labels, list(result.names), list(result.shares)

    return segment
