"""Tab "Segment": one model's answer for the user's picture and class list, in the viewer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from tqdm_demo.class_list import ClassList
from tqdm_demo.interface import markup
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest, tell_fit, timing
from tqdm_demo.interface.components.viewer import Viewer, ViewerData
from tqdm_demo.interface.downloads import zip_answer
from tqdm_demo.interface.model_manager import DOWNLOAD
from tqdm_demo.interface.parts import MAX_SIDE, PageParts, when_shown
from tqdm_demo.interface.permalink import copy_script

TITLE = "Segment"
ID = "segment"
# Presses the hidden button that has received the file.
PRESS_DOWNLOAD = "() => document.querySelector('#zip-file')?.click()"

Updates = dict[Any, Any]


@dataclass(frozen=True)
class SegmentParts:
    """The components that the tab's events read and write.

    Attributes:
        model: the menu of models.
        card: what the chosen model is.
        viewer: shows the answer.
        status: what was computed, or what went wrong.
        asked: state, the :class:`SegmentRequest` whose answer is shown; None = none yet.
        link_button: copies the page's address.
        zip_button: asks for the file; ``zip_file``: hands it over.
        zip_file: see ``zip_button``.
    """

    model: gr.Dropdown
    card: gr.HTML
    viewer: Viewer
    status: gr.HTML
    asked: gr.State
    link_button: gr.Button
    zip_button: gr.Button
    zip_file: gr.DownloadButton


def build_tab(page: PageParts) -> SegmentParts:
    """Creates the tab inside the current ``gr.Tab`` and connects its events."""
    store = AnswerStore(page.models)
    first = page.models.entry(page.models.columns[0])

    def read_pixel(payload: Any) -> dict[str, Any] | None:
        return store.read_pixel(payload)

    with gr.Row(elem_classes="model-row"):
        model = gr.Dropdown(
            [(entry.title, entry.source) for entry in page.models.entries],
            value=first.source,
            label="Model",
            elem_id="model",
            filterable=False,
            container=False,
            scale=0,
            min_width=260,
        )
        card = gr.HTML(markup.model_card(first), elem_id="model-card")
    page.menus.append(page.model)
    viewer = Viewer(elem_id="viewer", read_pixel=read_pixel)
    with gr.Row(elem_classes="result-row"):
        status = gr.HTML(elem_id="status")
        link_button = gr.Button("Copy link", size="sm", scale=0, elem_id="link", min_width=100)
        zip_button = gr.Button("Download ZIP", size="sm", scale=0, elem_id="zip", min_width=120)
        zip_file = gr.DownloadButton(visible="hidden", elem_id="zip-file")
    parts = SegmentParts(
        model, card, viewer, status, gr.State(None), link_button, zip_button, zip_file
    )
    _connect(page, parts, store)
    return parts


def on_change(
    store: AnswerStore,
    parts: SegmentParts,
    picture: str | None,
    classes: ClassList,
    source: str,
    selected: str,
    asked: SegmentRequest | None,
) -> Iterator[Updates]:
    """The picture, the class list, the model or the open tab has changed."""
    # Not a bare return: gradio empties what a generator has not filled.
    if selected != ID:
        yield gr.skip()
        return
    if picture is None:
        yield {parts.viewer: None, parts.status: "", parts.asked: None}
        return
    request = SegmentRequest(picture, classes, source)
    if request == asked:
        yield gr.skip()
        return
    if store.models.is_missing(source):
        title = store.models.entry(source).title
        empty = f"The weights of “{title}” are not downloaded yet: press “{DOWNLOAD}” above."
        yield {parts.viewer: ViewerData(empty=empty), parts.status: "", parts.asked: None}
        return
    if not store.models.is_loaded(source):
        yield {parts.status: markup.working(f"Loading {store.models.entry(source).title} …")}
    elif asked is None or (asked.picture, asked.source) != (picture, source):
        yield {parts.status: markup.working("Reading the picture …")}
    yield show(store, parts, request)


def show(store: AnswerStore, parts: SegmentParts, request: SegmentRequest) -> Updates:
    """Asks, and shows the answer; after a mistake the last good one stays."""
    try:
        answer, kept = store.ask(request)
        shown = store.to_viewer(answer)
    except ValueError as error:
        return {parts.status: markup.problem(str(error))}
    fit = tell_fit(answer)
    told = "asked before, nothing to compute" if kept else timing(answer.result.timings)
    return {
        parts.viewer: shown,
        parts.status: markup.line(f"{answer.title}: {told}") + (markup.line(fit) if fit else ""),
        parts.asked: request,
    }


def pack(store: AnswerStore, request: SegmentRequest | None) -> bytes | None:
    """The ZIP of the answer that is shown; None where there is none.

    Raises:
        ValueError: the picture or the model is not there any more.
    """
    if request is None:
        return None
    answer, _ = store.ask(request)
    return zip_answer(answer, store.models.pictures.read(request.picture, MAX_SIDE))


def _connect(page: PageParts, parts: SegmentParts, store: AnswerStore) -> None:
    def changed(*values: Any) -> Iterator[Updates]:
        yield from on_change(store, parts, *values)

    def asked_again(request: SegmentRequest | None) -> Updates:
        return gr.skip() if request is None else show(store, parts, request)

    def chosen(source: str) -> Updates:
        # What is missing says what it is where it can be downloaded.
        missing = page.models.is_missing(source)
        card = "" if missing else markup.model_card(page.models.entry(source))
        return {parts.model: source, parts.card: card}

    def copied(picture: str | None) -> None:
        known = picture in {str(example.path) for example in page.examples}
        gr.Info("The link is copied." + ("" if known else " Your own picture is not in it."))

    def packed(request: SegmentRequest | None) -> str:
        try:
            content = pack(store, request)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        if content is None:
            raise gr.Error("There is no result to download yet.", print_exception=False)
        return save_bytes_to_cache(content, "segmentation.zip", get_upload_folder())

    shown = [parts.viewer, parts.status, parts.asked]
    chosen_outputs = [parts.model, parts.card]
    state = [page.picture, page.classes, page.model, page.selected, parts.asked]

    def wanted(source: str) -> tuple[str, float]:
        return source, time.monotonic()

    parts.model.input(wanted, parts.model, page.wanted, **page.light)
    again = [page.model.change, page.downloads.change]
    gr.on(again, chosen, page.model, chosen_outputs, **page.light)
    parts.link_button.click(copied, page.picture, None, js=copy_script(), **page.light)
    gr.on(
        [*page.changes, page.model.change],
        changed,
        state,
        shown,
        js=when_shown(ID),
        **page.latest,
    )
    parts.viewer.submit(asked_again, parts.asked, shown, **page.latest)
    parts.zip_button.click(packed, parts.asked, parts.zip_file, **page.run).success(
        None, None, None, js=PRESS_DOWNLOAD, api_visibility="private"
    )
