"""The sidebar beside the tabs: the picture, the examples and the class list, for all tabs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.picture_kind import STREET
from tqdm_demo.interface import markup
from tqdm_demo.interface.choices import find_kind, find_rest, own_text
from tqdm_demo.interface.examples import filter_examples
from tqdm_demo.interface.parts import MAX_SIDE, THRESHOLD, Choices, PageParts
from tqdm_demo.interface.sidebar_blocks import Sidebar, names_block, picture_block
from tqdm_demo.interface.sidebar_choices import connect_choices, suit_kind
from tqdm_demo.vocabulary import NEED_EVERYTHING_ELSE, PRESETS

Updates = dict[Any, Any]

# Waits until nobody has typed for a while, then sends what the fields hold by then. Every key calls
# it, and all but the last call end here: one request for a word, not one for every letter.
DEBOUNCE = """async (...values) => {
    const field = document.querySelector("#names textarea");
    const turn = field.dataset.turn = 1 + Number(field.dataset.turn ?? 0);
    await new Promise((done) => setTimeout(done, 350));
    if (turn !== Number(field.dataset.turn)) await new Promise(() => {});
    values[0] = field.value;
    values[1] = document.querySelector("#everything-else input").checked;
    return values;
}"""
# The example that is marked by now. Not the event's own number: when clicks overtake each other,
# gradio sends the first one's again.
CLICKED = """async (_, ...values) => {
    await new Promise((done) => setTimeout(done));
    const examples = [...document.querySelectorAll("#examples .thumbnail-item")];
    return [examples.findIndex((example) => example.matches(".selected")), ...values];
}"""


def build_sidebar(page: PageParts) -> Sidebar:
    """Creates the sidebar inside the current column and connects its events."""
    sidebar = Sidebar(
        *picture_block(page),
        *names_block(),
        # The key only keeps the text from being read by chance; it protects nothing.
        kept=gr.BrowserState("", storage_key="tqdm-class-list", secret="class list"),
    )
    _connect(page, sidebar)
    return sidebar


def take_picture(path: str | None, page: PageParts, sidebar: Sidebar) -> Updates:
    """A picture was chosen, or the field was emptied."""
    if path is None:
        return {page.picture: None, sidebar.picture_problem: ""}
    try:
        image = page.models.pictures.read(path, MAX_SIDE)
    except ValueError as error:
        return {sidebar.picture: None, sidebar.picture_problem: markup.problem(str(error))}
    return {
        sidebar.picture: path if _is_shown_by_browsers(path) else image,
        sidebar.picture_problem: "",
        page.picture: path,
    }


def sent_picture(path: str | None, page: PageParts, sidebar: Sidebar) -> Updates:
    """A picture was uploaded, pasted or taken."""
    updates = take_picture(path, page, sidebar)
    # What is in the field already is not sent back: it would take the place of a picture that the
    # user has chosen in the meantime.
    if isinstance(updates.get(sidebar.picture), str):
        del updates[sidebar.picture]
    return updates


def _is_shown_by_browsers(path: str) -> bool:
    """Whether the file is what its name says, and of a kind that browsers show upright."""
    with open(path, "rb") as file:
        start = file.read(8)
    suffix = path.lower().rpartition(".")[2]
    if start.startswith(b"\xff\xd8\xff"):
        return suffix in ("jpg", "jpeg")
    return suffix == "png" and start == b"\x89PNG\r\n\x1a\n"


def edit_names(
    text: str,
    everything_else: bool,
    model: str,
    page: PageParts,
    sidebar: Sidebar,
    threshold: float = THRESHOLD,
) -> Updates:
    """The class list was edited: the last good one stays after a mistake."""
    try:
        known = page.models.entry(model).names
        classes = parse_class_list(text, everything_else, known, threshold)
        predictor = page.models.loaded(model)
        if predictor is not None:
            predictor.check(classes)
    except ValueError as error:
        return {sidebar.names_problem: markup.problem(str(error))}
    updates = {sidebar.names_problem: "", page.classes: classes}
    if classes.text.splitlines() not in map(list, PRESETS.values()):
        updates[sidebar.kept] = classes.text
    return updates


def _connect(page: PageParts, sidebar: Sidebar) -> None:
    pictures = [sidebar.picture, sidebar.picture_problem, page.picture, page.kind]
    used = [
        page.model, page.classes, sidebar.names, sidebar.names_problem, sidebar.everything_else,
    ]  # fmt: skip
    settings = {**page.light, "trigger_mode": "always_last"}

    def on_example(number: float, title: str, chosen: Choices, model: str) -> Updates:
        path = filter_examples(page.examples, title)[int(number)].path
        return {
            **take_picture(str(path), page, sidebar),
            page.kind: None,
            # All examples are drawn streets.
            **suit_kind(STREET, model, chosen, page, sidebar),
        }

    def on_picture(path: str | None, chosen: Choices, model: str) -> Updates:
        updates = sent_picture(path, page, sidebar)
        if updates.get(page.picture) is None:
            return updates
        kind = find_kind(page.models, path)
        updates[page.kind] = kind
        if kind is not None:
            updates |= suit_kind(kind, model, chosen, page, sidebar)
        return updates

    def on_clear() -> Updates:
        return {**take_picture(None, page, sidebar), page.kind: None}

    examples = [sidebar.clicked, sidebar.gallery_filter, page.chosen, page.model]
    sidebar.examples.select(on_example, examples, [*pictures, *used], js=CLICKED, **settings)
    # Two events, not .input for both: when that tells of an emptied field, gradio still sends the
    # picture that was in it.
    sidebar.picture.upload(
        on_picture, [sidebar.picture, page.chosen, page.model], [*pictures, *used], **page.latest
    )
    sidebar.picture.clear(on_clear, None, pictures, **settings)
    _connect_names(page, sidebar)
    connect_choices(page, sidebar)


def _connect_names(page: PageParts, sidebar: Sidebar) -> None:
    settings = {**page.light, "trigger_mode": "always_last"}

    def on_names(
        text: str, everything_else: bool, threshold: float, model: str, chosen: Choices
    ) -> Updates:
        rest, chosen = find_rest(text, everything_else, chosen)
        updates = edit_names(text, rest, model, page, sidebar, threshold)
        classes = updates.get(page.classes)
        if classes is not None and classes.text != own_text(page.models, model):
            chosen = replace(chosen, names=True)
        if rest != everything_else:
            updates[sidebar.everything_else] = rest
        return {
            **updates,
            page.chosen: chosen,
            sidebar.threshold: gr.Slider(visible=rest),
        }

    def on_rest(chosen: Choices) -> Choices:
        return replace(chosen, rest=True)

    def on_last_list(kept: str) -> str:
        if not kept:
            raise gr.Error("You have not written a list of your own yet.", print_exception=False)
        return kept

    # Not .input: gradio fires that for keys that write a letter, not for pasting or deleting.
    gr.on(
        [sidebar.names.change, sidebar.everything_else.change, sidebar.threshold.change],
        on_names,
        [sidebar.names, sidebar.everything_else, sidebar.threshold, page.model, page.chosen],
        [
            sidebar.names_problem, page.classes, sidebar.kept, page.chosen,
            sidebar.everything_else, sidebar.threshold,
        ],
        js=DEBOUNCE,
        **settings,
    )  # fmt: skip
    sidebar.everything_else.input(on_rest, page.chosen, page.chosen, **page.light)
    for button, title in zip(sidebar.presets, PRESETS, strict=True):

        def on_preset(chosen: Choices, title: str = title) -> tuple[str, bool, Choices]:
            rest = title in NEED_EVERYTHING_ELSE
            return "\n".join(PRESETS[title]), rest, replace(chosen, names=True)

        button.click(
            on_preset,
            page.chosen,
            [sidebar.names, sidebar.everything_else, page.chosen],
            **page.light,
        )
    sidebar.last_list.click(on_last_list, sidebar.kept, sidebar.names, **page.light)
