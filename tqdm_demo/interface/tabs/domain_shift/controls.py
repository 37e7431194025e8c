"""What the panels of the tab "Domain shift" have in common: menus, and runs that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.interface.parts import MOST_MODELS, PageParts

# Events in the browser: they need no turn, and what they write is there at once.
_SHOW_STOP = """(number) => [
    number + 1,
    {__type__: "update", visible: false}, {__type__: "update", visible: true, value: "Stop"}
]"""
_SHOW_STOPPING = "() => 'Stopping …'"
# A progress bar that nobody moves any more goes; what went wrong stays.
_SHOW_RUN = """(status) => [
    {__type__: "update", visible: true},
    {__type__: "update", visible: false},
    status?.includes("<progress ") ? "" : status,
]"""


@dataclass
class Stopped:
    """Which run of a user's was stopped last; every event of the user sees the same object."""

    number: int | None = None


def model_menu(page: PageParts, elem_id: str) -> gr.Dropdown:
    """A menu for up to :data:`.parts.MOST_MODELS` models; all columns of the page are chosen."""
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
    handler: Callable[..., Iterator[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Lets one button start a generator and the other one end it where it is.

    Runs have numbers, and a stop notes the number of the run that it stops: gradio's own
    ``cancels`` does nothing while the browser does not know the run's event yet.

    Args:
        page: whose settings for model events apply.
        run: starts.
        stop: ends.
        handler: the generator.
        inputs: of the handler.
        outputs: of the handler; the first one, an HTML element, tells how far it is.
    """
    number, stopped = gr.Number(0, precision=0, visible=False), gr.State(Stopped())

    def numbered(number: int | None, stopped: Stopped, *values: Any) -> Iterator[Any]:
        if number != stopped.number:  # else its stop overtook it
            yield from handler(*values)

    def note(number: int | None, stopped: Stopped) -> None:
        stopped.number = number

    status, own = outputs[0], {"show_progress": "hidden", "api_visibility": "private"}
    running = run.click(None, number, [number, run, stop], js=_SHOW_STOP, **own).then(
        numbered, [number, stopped, *inputs], list(outputs), **page.run
    )
    # What the run has sent before it is stopped may arrive after anything that the click writes.
    # So the click writes no output of the run; what follows the run does. A stopped run triggers
    # it more than once, the last time after the last update (as a failure: gradio ends it so).
    for ended in (running.then, running.failure):
        ended(None, status, [run, stop, status], js=_SHOW_RUN, trigger_mode="multiple", **own)
    stop.click(note, [number, stopped], None, **page.light)
    stop.click(None, None, None, cancels=[running])
    stop.click(None, None, stop, js=_SHOW_STOPPING, **own)
