"""Tab "Domain shift": the same content in other looks, and what becomes of the answers."""

from __future__ import annotations

import gradio as gr

from tqdm_demo.interface import markup, shift_filters, shift_pictures, shift_streets
from tqdm_demo.interface.parts import PageParts

TITLE = "Domain shift"
ID = "shift"
LEAD = (
    "The bundled segmenters were trained on one look, “game”. Here you change the look and keep "
    "the content. Every run can be stopped; what is there stays."
)


def build_tab(page: PageParts) -> None:
    """Creates the three panels inside the current ``gr.Tab``."""
    gr.HTML(markup.line(LEAD))
    with gr.Tabs(elem_id="shift-tabs", overflow_behavior="wrap"):
        for panel in (shift_filters, shift_streets, shift_pictures):
            with gr.Tab(panel.TITLE):
                panel.build_panel(page)
