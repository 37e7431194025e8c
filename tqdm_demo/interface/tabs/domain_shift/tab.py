"""Tab "Domain shift": the same content in other styles, and what becomes of the answers."""

from __future__ import annotations

import gradio as gr

from tqdm_demo.interface import markup
from tqdm_demo.interface.parts import PageParts
from tqdm_demo.interface.tabs.domain_shift import filters, pairs, pictures, streets

TITLE = "Domain shift"
ID = "shift"
LEAD = (
    "The streets models were trained on one style, “game”: drawn pictures that look like "
    "a video game. Here the style changes and the content stays. A run that is stopped keeps what "
    "it has."
)


def build_tab(page: PageParts) -> None:
    """Creates the four panels inside the current ``gr.Tab``."""
    gr.HTML(markup.line(LEAD))
    with gr.Tabs(elem_id="shift-tabs", overflow_behavior="wrap"):
        for panel in (filters, pairs, pictures, streets):
            with gr.Tab(panel.TITLE):
                panel.build_panel(page)
