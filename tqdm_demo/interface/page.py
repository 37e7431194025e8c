"""The page: the sidebar, the tabs, their styles, and how it is served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from tqdm_demo.class_list import ClassList, parse_class_list
from tqdm_demo.inference.preprocessing import MAX_MEGAPIXELS
from tqdm_demo.interface import api, markup, parts
from tqdm_demo.interface.api import MOST_MEGAPIXELS, add_endpoints
from tqdm_demo.interface.choices import follow_model, own_text
from tqdm_demo.interface.components.download_bar import build_download_bar, connect_download_bar
from tqdm_demo.interface.components.queue_line import build_queue_line
from tqdm_demo.interface.door import GuardedBlocks
from tqdm_demo.interface.examples import EXAMPLES, Example
from tqdm_demo.interface.gate import UPLOAD_MB, Gate
from tqdm_demo.interface.model_manager import CACHE_MB, ModelManager
from tqdm_demo.interface.parts import DEFAULT_TEXT, FIRST_TAB, Choices, PageParts, make_parts
from tqdm_demo.interface.permalink import WRITE, read_link, write_link
from tqdm_demo.interface.sidebar import Sidebar, build_sidebar, edit_names, take_picture
from tqdm_demo.interface.tabs import compare, segment, similarity
from tqdm_demo.interface.tabs.domain_shift import tab as domain_shift
from tqdm_demo.interface.tabs.method import tab as method
from tqdm_demo.interface.theme import make_theme
from tqdm_demo.interface.turns import MOST_OF_A_USER, MOST_SECONDS

TITLE = "tqdm: name it, and see it"
HOUR = 3600
FOLDER = Path(__file__).parent
# Requests that may wait; the next one is told that the queue is full.
QUEUE = 64
# What a host should know; also in --help and in the README of this folder.
LIMITS = (
    f"A file may have {UPLOAD_MB} MB, a picture {MAX_MEGAPIXELS} megapixels on the page and "
    f"{MOST_MEGAPIXELS} for a program. One request may take {MOST_SECONDS} seconds of a model; "
    f"waiting does not count. {MOST_OF_A_USER} requests of one user run at a time, of all users "
    f"{parts.AT_ONCE}, and {api.AT_ONCE} of programs; {QUEUE} more may wait. All that is kept "
    f"takes {CACHE_MB} MB at most, or what --cache-mb says."
)
# Later ones win over earlier ones.
STYLES = (
    "components/image_grid.css",
    "components/image_pair.css",
    "page.css",
    "sidebar.css",
    "tabs/tabs.css",
    "tabs/method/walk.css",
    "components/viewer.css",
    "components/viewer_reading.css",
)
# Every tab is a module with TITLE, ID and build_tab(page).
TABS = (segment, similarity, compare, domain_shift, method)


def build_page(models: ModelManager, examples: Sequence[Example]) -> gr.Blocks:
    """Builds the page.

    Args:
        models: the models that can be chosen.
        examples: the gallery; the page opens with the first.
    """
    with GuardedBlocks(
        title=TITLE, analytics_enabled=False, delete_cache=(HOUR, 6 * HOUR), fill_width=True
    ) as blocks:
        page = make_parts(models, examples)
        gr.HTML(markup.HEADLINE, js_on_load=(FOLDER / "menu_keys.js").read_text("utf-8"))
        with gr.Row(elem_classes="studio"):
            with gr.Column(elem_classes="sidebar", scale=0, min_width=330):
                sidebar = build_sidebar(page)
            with gr.Column(elem_classes="stage", min_width=300):
                bar = build_download_bar()
                with gr.Tabs(selected=FIRST_TAB) as tabs:
                    menus = {module.ID: _build_tab(module, page) for module in TABS}
        gr.HTML(markup.FOOTER)
        connect_download_bar(page, bar, menus)
        follow_model(page)
        _restore(blocks, page, sidebar, tabs)
        _keep_address(page)
        build_queue_line(blocks, models.turns)
        add_endpoints(models, blocks)
    return blocks


def launch_page(page: gr.Blocks, host: str, port: int | None, block: bool = True) -> str:
    """Serves the page and gives its address.

    Args:
        page: of :func:`build_page`.
        host: address to listen on.
        port: None = the first free one from 7860 on.
        block: stay here until the program is interrupted.
    """
    # api_open: the routes that would pass by the queue, and with it by its limits.
    _, url, _ = page.queue(max_size=QUEUE, api_open=False).launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=not block,
        theme=make_theme(),
        css_paths=[FOLDER / name for name in STYLES],
        max_file_size=f"{UPLOAD_MB}mb",
        # Wherever the program was started; gradio itself shows files below that folder alone.
        allowed_paths=[str(EXAMPLES)],
        app_kwargs={"middleware": [Middleware(Gate)]},
        footer_links=["api"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        # No asking whether the page answers within 3 s: a busy machine needs longer.
        _frontend=False,
        state_session_capacity=1000,
    )
    return url


def _build_tab(module: ModuleType, page: PageParts) -> list[Any]:
    """Gives where the tab's models are chosen."""
    before = len(page.menus)
    with gr.Tab(module.TITLE, id=module.ID, elem_id=f"tab-{module.ID}") as tab:
        module.build_tab(page)
    tab.select(lambda: module.ID, None, page.selected, **page.light)
    return page.menus[before:]


def _restore(blocks: gr.Blocks, page: PageParts, sidebar: Sidebar, tabs: gr.Tabs) -> None:
    """Opens the page as its address says."""
    ids = [module.ID for module in TABS]

    def on_open(request: gr.Request) -> dict[Any, Any]:
        link = read_link(dict(request.query_params), page.models, page.examples, ids)
        updates = {
            **edit_names(
                link.text, link.everything_else, link.model, page, sidebar, link.threshold
            ),
            sidebar.names: link.text,
            sidebar.everything_else: link.everything_else,
            sidebar.threshold: gr.Slider(link.threshold, visible=link.everything_else),
            page.chosen: Choices(
                link.model != page.models.columns[0],
                own_names := link.text != own_text(page.models, link.model),
                # A link shows what its sender saw, with or without a class for the rest.
                rest=own_names or link.everything_else,
            ),
            page.model: link.model,
            page.selected: link.tab,
            tabs: gr.Tabs(selected=link.tab),
        }
        if link.picture is not None:
            updates |= take_picture(link.picture, page, sidebar)
        updates.pop(sidebar.kept, None)
        return updates

    outputs = [
        sidebar.picture, sidebar.picture_problem, page.picture,
        sidebar.names, sidebar.names_problem, sidebar.everything_else, page.classes,
        page.model, page.selected, tabs, page.chosen, sidebar.threshold,
    ]  # fmt: skip
    blocks.load(on_open, None, outputs, **page.light)


def _keep_address(page: PageParts) -> None:
    """Writes what is shown into the address."""
    query = gr.Textbox(visible="hidden", elem_id="query")

    def on_change(
        picture: str | None, classes: ClassList, model: str, tab: str, chosen: Choices
    ) -> str:
        # What the page chose for an uploaded picture suits nothing else.
        if not chosen.model:
            if classes.text == own_text(page.models, model):
                classes = parse_class_list(DEFAULT_TEXT)
            model = page.models.columns[0]
        return write_link(picture, classes, model, tab, page.models, page.examples)

    gr.on(
        [*page.changes, page.model.change, page.chosen.change],
        on_change,
        [page.picture, page.classes, page.model, page.selected, page.chosen],
        query,
        **{**page.light, "trigger_mode": "always_last"},
    )
    query.change(None, query, None, js=WRITE, api_visibility="private")
