"""The upload field. It is alone in its file: gradio writes a ``.pyi`` beside every subclass."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

# Lets every file pass to the server; runs once in the page.
EVERY_FILE = Path(__file__).with_suffix(".js").read_text("utf-8")


class PictureInput(gr.Image):
    """An image field that hands over the uploaded file as it is.

    ``gr.Image`` opens the file before the event runs, so that a user who sends a broken one
    would read of a crash; and it neither turns nor whitens what it opens.
    """

    is_template = True  # keeps the front end of gr.Image

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The path of the uploaded file, or None where the field is empty."""
        return payload.path if payload else None
