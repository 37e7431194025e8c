"""A line that tells a waiting user how many requests stand in the queue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tqdm_demo.interface.turns import FairTurns

# Asks every few seconds, and only while this page waits for an answer.
_SCRIPT = """
const line = element.querySelector(".queue-line");
const WAITS = ".working, .progress, .grid-awaited";
async function look() {
    if (!element.isConnected) return clearInterval(timer);
    const count = document.querySelector(WAITS) ? await server.waiting(null) : 0;
    const text = count === 1 ? "1 request is" : `${count} requests are`;
    line.textContent = count > 0 ? `${text} waiting in the queue` : "";
}
const timer = setInterval(look, 2500);
"""


def build_queue_line(blocks: gr.Blocks, turns: FairTurns) -> gr.HTML:
    """Creates the line inside the current ``gr.Blocks``, which is given."""

    def waiting(payload: Any) -> int:
        return count_waiting(blocks, turns)

    return gr.HTML(
        None,
        html_template='<div class="queue-line" role="status"></div>',
        js_on_load=_SCRIPT,
        server_functions=[waiting],
        elem_id="queue-line",
    )


def count_waiting(blocks: gr.Blocks, turns: FairTurns) -> int:
    """Requests of all users that wait to run, or for a turn at the models."""
    return len(blocks._queue) + turns.waiting
