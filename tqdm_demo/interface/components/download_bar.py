"""Above the tabs, where a chosen model's weights are missing: their terms, and a button."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


def build_download_bar() -> DownloadBar:
    """Creates the bar inside the current column."""
    with gr.Column(elem_classes="download-bar", elem_id="missing-model"):
        about = gr.HTML()
        problem = gr.HTML()
        button = gr.Button(DOWNLOAD, variant="primary", size="sm", elem_id="fetch-model")
    return DownloadBar(about, problem, button, gr.State(""))


def connect_download_bar(
    page: PageParts, bar: DownloadBar, menus: Mapping[str, Sequence[Any]]
) -> None:
    """Connects the bar's events: it is about the models of the tab that is open.

    Args:
        page: the page.
        bar: the bar.
        menus: of every tab, where its models are chosen; see ``PageParts.menus``.
    """
    tabs = [tab for tab, own in menus.items() for _ in own]
    inputs = [page.selected, *(menu for own in menus.values() for menu in own)]
    offered = [bar.about, bar.button, bar.source]

    def of_tab(selected: str, chosen: Sequence[Any]) -> Updates:
        shown = [own for tab, own in zip(tabs, chosen, strict=True) if tab == selected]
        return offer(page.models, bar, shown)

    def on_change(selected: str, *chosen: Any) -> Updates:
        return {**of_tab(selected, chosen), bar.problem: ""}

    def on_press(source: str) -> Iterator[Updates]:
        yield from download(page.models, bar, source)

    def on_end(ended: int, selected: str, *chosen: Any) -> Updates:
        return {**of_tab(selected, chosen), page.downloads: ended + 1}

    # On another tab too: it, or another user, may have downloaded the same one in the meantime.
    triggers = dict.fromkeys(inputs)
    gr.on(
        [component.change for component in triggers],
        on_change,
        inputs,
        [*offered, bar.problem],
        **{**page.light, "trigger_mode": "always_last"},
    )
    bar.button.click(
        on_press,
        bar.source,
        [bar.about, bar.problem, bar.button],
        # Apart from what models compute: it may take an hour.
        **{**page.run, "concurrency_id": "downloads"},
    ).then(on_end, [page.downloads, *inputs], [*offered, page.downloads], **page.light)


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
