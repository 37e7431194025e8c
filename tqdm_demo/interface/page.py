"""The page: components, events, looks, and how it is served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from tqdm_demo.interface.api import segment_endpoint
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.handlers import Handlers, Shown
from tqdm_demo.interface.layout import Parts, lay_out
from tqdm_demo.interface.models import Model
from tqdm_demo.vocabulary import PRESETS

TITLE = "tqdm: name it, and see it"
# Waits until nobody has typed for a while, then sends what the field holds by then.
DEBOUNCE = """async (...values) => {
    const field = document.querySelector("#names textarea");
    do {
        values[0] = field.value;
        await new Promise((done) => setTimeout(done, 450));
    } while (values[0] !== field.value);
    return values;
}"""
HOUR = 3600


def build_page(models: Sequence[Model], examples: Sequence[Example]) -> gr.Blocks:
    """Builds the page.

    Args:
        models: the columns, see :func:`tqdm_demo.interface.models.load_models`.
        examples: the gallery; the page opens with the first.
    """
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(HOUR, 6 * HOUR), fill_width=True
    ) as page:
        shown = gr.State(Shown())
        parts = lay_out(models, examples)
        _connect(page, parts, Handlers(models, examples, parts, shown))
        gr.api(
            segment_endpoint(models, page),
            api_name="segment",
            concurrency_id="models",
            concurrency_limit=1,
        )
    return page


def launch_page(page: gr.Blocks, host: str, port: int | None, block: bool = True) -> str:
    """Serves the page and gives its address.

    Args:
        page: of :func:`build_page`.
        host: address to listen on.
        port: None = the first free one from 7860 on.
        block: stay here until the program is interrupted.
    """
    folder = Path(__file__).parent
    _, url, _ = page.queue(max_size=32).launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=not block,
        theme=_theme(),
        css_paths=[folder / "page.css"],
        max_file_size="20mb",
        footer_links=["api"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        state_session_capacity=1000,
    )
    return url


def _connect(page: gr.Blocks, parts: Parts, handlers: Handlers) -> None:
    heat = [handlers.shown, parts.heat_name, parts.view]
    heat_outputs = [part for c in parts.columns for part in (c.heat, c.heat_caption)]
    results = [
        *heat_outputs,
        *(part for c in parts.columns for part in (c.prediction, c.caption)),
        parts.legend,
        parts.heat_name,
        handlers.shown,
    ]
    pictures = [*results, parts.picture, parts.picture_problem]
    # One answer at a time: a second one would only slow down the first.
    running = {
        "api_visibility": "private",
        "concurrency_id": "models",
        "concurrency_limit": 1,
        "show_progress": "hidden",
    }
    latest = {**running, "trigger_mode": "always_last"}
    page.load(handlers.on_open, heat, pictures, **running)
    parts.examples.select(handlers.on_example, heat, pictures, **latest)
    parts.picture.input(handlers.on_picture, [parts.picture, *heat], pictures, **latest)
    # Not .input: gradio fires that for keys that write a letter, not for pasting or deleting.
    parts.names.change(
        handlers.on_names,
        [parts.names, *heat],
        [*results, parts.names_problem],
        js=DEBOUNCE,
        **latest,
    )
    for button, preset in zip(parts.presets, PRESETS.values(), strict=True):
        text = "\n".join(preset)
        button.click(
            lambda text=text: text, None, parts.names, api_visibility="private", queue=False
        )
    gr.on([parts.heat_name.input, parts.view.input], handlers.on_heat, heat, heat_outputs, **latest)


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        # gradio carries all letters of these two weights only.
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
    )
