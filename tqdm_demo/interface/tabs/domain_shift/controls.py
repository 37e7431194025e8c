"""What the panels of the tab "Domain shift" have in common: menus, and runs that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from tqdm_demo.interface.parts import PageParts

MOST_MODELS = 4


def model_menu(page: PageParts, elem_id: str) -> gr.Dropdown:
    """A menu for up to :data:`MOST_MODELS` models; all columns of the page are chosen."""
    return gr.Dropdown(
        [(entry.title, entry.source) for entry in page.models.entries],
        value=list(page.models.columns),
        multiselect=True,
        max_choices=MOST_MODELS,
        label=f"Models, up to {MOST_MODELS}",
        elem_id=elem_id,
        scale=2,
        min_width=260,
    )


def run_buttons(title: str, name: str) -> tuple[gr.Button, gr.Button]:
    """A button that starts something long, and one that stops it, shown while it runs."""
    run = gr.Button(title, variant="primary", scale=1, min_width=150, elem_id=f"{name}-run")
    stop = gr.Button("Stop", scale=1, min_width=90, visible=False, elem_id=f"{name}-stop")
    return run, stop


def connect_run(
    page: PageParts,
    run: gr.Button,
    stop: gr.Button,
    handler: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Lets one button start a generator and the other one end it where it is.

    Args:
        page: whose settings for model events apply.
        run: starts.
        stop: ends.
        handler: the generator.
        inputs: of the handler.
        outputs: of the handler; the first one tells how far it is.
    """
    busy = (lambda: (gr.Button(visible=False), gr.Button(visible=True)), None, [run, stop])
    idle = (lambda: (gr.Button(visible=True), gr.Button(visible=False)), None, [run, stop])
    running = (
        run.click(*busy, **page.light)
        .then(handler, list(inputs), list(outputs), **page.run)
    )  # fmt: skip
    running.then(*idle, **page.light)
    stop.click(
        lambda: (gr.Button(visible=True), gr.Button(visible=False), ""),
        None,
        [run, stop, outputs[0]],
        cancels=[running],
        **page.light,
    )
