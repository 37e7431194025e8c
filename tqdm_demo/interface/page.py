"""The page: the rail, the tabs, looks, and how it is served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from tqdm_demo.interface import markup, tab_segment
from tqdm_demo.interface.api import segment_endpoint
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.models import ModelShelf
from tqdm_demo.interface.parts import FIRST_TAB, PageParts, make_parts
from tqdm_demo.interface.rail import Rail, build_rail, take_picture

TITLE = "tqdm: name it, and see it"
HOUR = 3600
# Every tab is a module with TITLE, ID and build_tab(page).
TABS = (tab_segment,)


def build_page(shelf: ModelShelf, examples: Sequence[Example]) -> gr.Blocks:
    """Builds the page.

    Args:
        shelf: the models that can be chosen.
        examples: the gallery; the page opens with the first.
    """
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(HOUR, 6 * HOUR), fill_width=True
    ) as blocks:
        page = make_parts(shelf, examples)
        gr.HTML(markup.HEADLINE)
        with gr.Row(elem_classes="studio"):
            with gr.Column(elem_classes="rail", scale=0, min_width=330):
                rail = build_rail(page)
            with gr.Column(elem_classes="stage", min_width=300), gr.Tabs(selected=FIRST_TAB):
                for module in TABS:
                    _build_tab(module, page)
        gr.HTML(markup.FOOTER)
        _open_with_first_example(blocks, page, rail)
        gr.api(
            segment_endpoint(shelf, blocks),
            api_name="segment",
            concurrency_id="models",
            concurrency_limit=1,
        )
    return blocks


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


def _build_tab(module, page: PageParts) -> None:
    with gr.Tab(module.TITLE, id=module.ID, elem_id=f"tab-{module.ID}") as tab:
        module.build_tab(page)
    tab.select(lambda: module.ID, None, page.selected, **page.light)


def _open_with_first_example(blocks: gr.Blocks, page: PageParts, rail: Rail) -> None:
    def on_open() -> dict:
        return take_picture(str(page.examples[0].path), page, rail) if page.examples else {}

    outputs = [rail.picture, rail.picture_problem, page.picture]
    blocks.load(on_open, None, outputs, **page.light)


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        # gradio carries all letters of these two weights only.
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
    )
