"""Above a tab's results, where a chosen model's weights are missing: their terms, and a button."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.interface import markup
from tqdm_demo.interface.model_manager import DOWNLOAD, ModelManager
from tqdm_demo.interface.parts import PageParts

Updates = dict[Any, Any]


@dataclass(frozen=True)
class DownloadBar:
    """The bar's components.

    Attributes:
        about: what would be downloaded, from where and under which terms, then how far it is;
            where it says nothing, the page's style hides the whole bar.
        problem: why the last download failed.
        button: starts the download.
        source: state, the model that the button downloads.
    """

    about: gr.HTML
    problem: gr.HTML
    button: gr.Button
    source: gr.State


def build_download_bar(page: PageParts, menus: Sequence[Any], name: str) -> tuple[DownloadBar, Any]:
    """Creates the bar inside the current column and connects its events.

    Args:
        page: the page.
        menus: where the tab's models are chosen: components or states of one source, or of many.
        name: of the tab, for the elements' ids.

    Returns:
        The bar, and the event that ends a download, well or not; what the tab shows follows it.
    """
    with gr.Column(elem_classes="download-bar", elem_id=f"{name}-missing"):
        about = gr.HTML()
        problem = gr.HTML()
        button = gr.Button(DOWNLOAD, variant="primary", size="sm", elem_id=f"{name}-fetch")
    bar = DownloadBar(about, problem, button, gr.State(""))
    offered = [bar.about, bar.button, bar.source]

    def on_change(*chosen: Any) -> Updates:
        return {**offer(page.models, bar, chosen), bar.problem: ""}

    def on_press(source: str) -> Iterator[Updates]:
        yield from download(page.models, bar, source)

    def on_end(*chosen: Any) -> Updates:
        return offer(page.models, bar, chosen)

    # Another tab, or another user, may have downloaded it in the meantime.
    triggers = [*(menu.change for menu in menus), page.selected.change]
    gr.on(triggers, on_change, list(menus), [*offered, bar.problem], **page.light)
    ended = button.click(
        on_press,
        bar.source,
        [bar.about, bar.problem, bar.button],
        # Apart from what models compute: it may take an hour.
        **{**page.run, "concurrency_id": "downloads"},
    ).then(on_end, list(menus), offered, **page.light)
    return bar, ended


def offer(models: ModelManager, bar: DownloadBar, chosen: Sequence[Any]) -> Updates:
    """Shows the bar for the first model that is missing, or hides it.

    Args:
        models: all models.
        bar: the bar.
        chosen: sources, lists of sources, or None where nothing is chosen.
    """
    sources = [s for value in chosen for s in ([value] if isinstance(value, str) else value or ())]
    missing = next((source for source in sources if models.is_missing(source)), None)
    if missing is None:
        return {bar.about: "", bar.source: ""}
    return {
        bar.about: markup.missing(models.entry(missing)),
        bar.button: gr.Button(visible=True),
        bar.source: missing,
    }


def download(models: ModelManager, bar: DownloadBar, source: str) -> Iterator[Updates]:
    """The button was pressed: downloads a model's weights."""
    try:
        for text, share in models.fetch(source):
            yield {
                bar.about: markup.progress(text, share),
                bar.problem: "",
                bar.button: gr.Button(visible=False),
            }
    except ValueError as error:
        yield {bar.problem: markup.problem(str(error))}
