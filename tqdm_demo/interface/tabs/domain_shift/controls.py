"""What the panels of the tab "Domain shift" have in common: menus, and runs that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from gradio.queueing import Queue
from gradio.server_messages import ProcessCompletedMessage

from tqdm_demo.interface.parts import PageParts

MOST_MODELS = 4
# Events in the browser: they need no turn, and what they write is there at once.
_SHOW_STARTED = """(number) => [number + 1, {__type__: "update", visible: false}]"""
_SHOW_STOP = """() => ({__type__: "update", visible: true, value: "Stop"})"""
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
    handler: Callable[..., Iterator[Any]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Lets one button start a generator and the other one end it where it is.

    Runs have numbers, and a stop names the run that it stops. gradio's own ``cancels`` does
    nothing while the browser does not know the run's event yet: the run would start all the same.

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

    async def stop_run(number: int | None, stopped: Stopped, request: gr.Request) -> None:
        stopped.number = number
        await end_run(LocalContext.blocks.get()._queue, request.session_hash, running["id"], number)

    status, own = outputs[0], {"show_progress": "hidden", "api_visibility": "private"}
    started = run.click(None, number, [number, run], js=_SHOW_STARTED, **own)
    running = started.then(numbered, [number, stopped, *inputs], list(outputs), **page.run)
    # After the run is on its way, so that its stop seldom overtakes it.
    started.then(None, None, stop, js=_SHOW_STOP, **own)
    # Nothing that the click writes is an output of the run: its last updates may arrive after it.
    for ended in (running.then, running.failure):
        ended(None, status, [run, stop, status], js=_SHOW_RUN, **own)
    stopping = stop.click(None, None, stop, js=_SHOW_STOPPING, **own)
    asked = stopping.then(stop_run, [number, stopped], None, **page.light)
    # The queue was full, say: the user can press it again.
    asked.failure(None, None, stop, js="() => 'Stop'", **own)


async def end_run(queue: Queue, session: str | None, function: int, number: int | None) -> None:
    """Ends a run that waits or goes on, as if its user had left, and tells its page so.

    Args:
        queue: where it is.
        session: whose run.
        function: number of the event that runs it.
        number: of the run, its first input.
    """
    for event in list(queue.event_ids_to_events.values()):
        asked = (event.session_hash, event.fn._id, event.data and event.data.data[:1])
        if event.alive and asked == (session, function, [number]):
            await queue.clean_events(event_id=event._id)
            # An empty list writes nothing; without it gradio's page takes the end for a failure.
            message = ProcessCompletedMessage(output={"data": []}, success=True)
            message.event_id = event._id
            queue.pending_messages_per_session[session].put_nowait(message)
