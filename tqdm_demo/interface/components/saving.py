"""Buttons below a grid of pictures that save it as one figure."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from tqdm_demo.interface.components.figure import draw_figure
from tqdm_demo.interface.parts import PageParts

NOTHING = "There is nothing to save yet, or it is not kept any more: run it again."

Updates = dict[Any, Any]


class FigureSaving:
    """The buttons of one grid, and what they save.

    The grid is kept on the server, below a name that nobody can guess, in the cache that bounds
    all that is kept; each user's state holds the name alone.

    Args:
        page: whose settings for events apply.
        grid: the component, of ``make_grid``.
        name: of the grid; ``NAME-png`` and ``NAME-pdf`` are the buttons' ids.

    Attributes:
        token: state, the name of what is kept; an output of events that fill the grid.
    """

    def __init__(self, page: PageParts, grid: gr.HTML, name: str) -> None:
        self._grid = grid
        self._kept = page.models.cache.section()
        self.token = gr.State(None)
        with gr.Row(elem_classes="save-row"):
            buttons = {
                kind: gr.Button(title, size="sm", scale=0, min_width=150, elem_id=f"{name}-{kind}")
                for kind, title in (("png", "Save as figure (PNG)"), ("pdf", "As PDF"))
            }
            file = gr.DownloadButton(visible="hidden", elem_id=f"{name}-file")
        for kind, button in buttons.items():
            press_when_ready(
                button.click(self._saver(kind), self.token, file, **page.run), f"{name}-file"
            )

    def keep(self, updates: Iterator[Updates]) -> Iterator[Updates]:
        """Passes a run's updates on, and keeps what the grid shows."""
        token = secrets.token_urlsafe(16)
        for update in updates:
            value = update.get(self._grid) if isinstance(update, dict) else None
            if value:
                # As an array: the cache weighs arrays.
                self._kept.put(token, np.frombuffer(json.dumps(value).encode(), np.uint8))
                update = {**update, self.token: token}
            elif isinstance(update, dict) and self._grid in update:  # it is emptied
                update = {**update, self.token: None}
            yield update

    def save(self, token: str | None, kind: str) -> bytes:
        """The figure as a file; ``kind`` is ``png`` or ``pdf``.

        Raises:
            ValueError: the grid is empty, or not kept any more; a sentence for the user.
        """
        kept = self._kept.peek(token) if token else None
        grid = None if kept is None else json.loads(kept.tobytes())
        if grid is None or not any(c["picture"] for col in grid["columns"] for c in col["cells"]):
            raise ValueError(NOTHING)
        return draw_figure(grid, kind)

    def _saver(self, kind: str) -> Any:
        def save(token: str | None) -> str:
            try:
                content = self.save(token, kind)
            except ValueError as error:
                raise gr.Error(str(error), print_exception=False) from error
            return save_bytes_to_cache(content, f"figure.{kind}", get_upload_folder())

        return save


def press_when_ready(event: Any, elem_id: str) -> None:
    """Presses the hidden download button, given by its id, when an event has filled it."""
    press = f"() => document.querySelector('#{elem_id}')?.click()"
    event.success(None, None, None, js=press, api_visibility="private")
