"""The sidebar's events that choose for the user: model and list for a picture, known words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from tqdm_demo.class_list import ClassList, parse_class_list
from tqdm_demo.inference.picture_kind import PHOTO, STREET
from tqdm_demo.interface.choices import SUITED, can_choose, hints, own_text, tell
from tqdm_demo.interface.examples import filter_examples
from tqdm_demo.interface.parts import Choices, PageParts
from tqdm_demo.interface.sidebar_blocks import Sidebar

Updates = dict[Any, Any]


def suit_kind(kind: str, model: str, chosen: Choices, page: PageParts, sidebar: Sidebar) -> Updates:
    """Takes the model, and the list, that suit a kind of picture; what the user chose stays.

    Args:
        kind: of the picture.
        model: that is used now. Where it suits, nothing is written: the user may be writing.
        chosen: by the user.
        page: the page.
        sidebar: its fields.
    """
    if not can_choose(page.models) or chosen.model or model == SUITED[kind]:
        return {}
    return use_model(SUITED[kind], chosen, page, sidebar)


def use_model(source: str, chosen: Choices, page: PageParts, sidebar: Sidebar) -> Updates:
    """Takes a model, and its own list unless the user has written one."""
    updates: Updates = {page.model: source}
    if not chosen.names and page.models.entry(source).names:
        text = own_text(page.models, source)
        updates |= {
            sidebar.names: text,
            sidebar.names_problem: "",
            sidebar.everything_else: False,
            page.classes: parse_class_list(text),
        }
    return updates


def switch_choice(
    kind: str | None, model: str, chosen: Choices, page: PageParts, sidebar: Sidebar
) -> Updates:
    """The button beside the sentence: the other model, or again what the page would choose."""
    if kind is None:
        return {page.chosen: chosen}
    if chosen.model:
        chosen = replace(chosen, model=False, names=False)
        return {page.chosen: chosen, **suit_kind(kind, model, chosen, page, sidebar)}
    other = PHOTO if kind == STREET else STREET
    used = use_model(SUITED[other], chosen, page, sidebar)
    return {page.chosen: replace(chosen, model=True), **used}


def connect_choices(page: PageParts, sidebar: Sidebar) -> None:
    """Connects the events."""
    settings = {**page.light, "trigger_mode": "always_last"}
    used = [
        page.model, page.classes, sidebar.names, sidebar.names_problem, sidebar.everything_else,
    ]  # fmt: skip

    def on_wanted(wanted: tuple[str, float] | None, chosen: Choices) -> Updates:
        if wanted is None:
            return {page.chosen: chosen}
        return {
            page.chosen: replace(chosen, model=True),
            **use_model(wanted[0], chosen, page, sidebar),
        }

    def on_switch(kind: str | None, chosen: Choices, model: str) -> Updates:
        return switch_choice(kind, model, chosen, page, sidebar)

    def on_told(kind: str | None, chosen: Choices, model: str) -> tuple[str, Any]:
        sentence, action = tell(page.models, kind, chosen, model)
        return sentence, gr.Button(action, visible=bool(action))

    def on_classes(classes: ClassList, model: str) -> str:
        return hints(page.models, classes, model)

    def on_filter(title: str) -> list[tuple[str, str]]:
        return [(str(e.path), e.caption) for e in filter_examples(page.examples, title)]

    page.wanted.change(on_wanted, [page.wanted, page.chosen], [page.chosen, *used], **settings)
    asked = [page.kind, page.chosen, page.model]
    sidebar.switch.click(on_switch, asked, [page.chosen, *used], **settings)
    gr.on(
        [page.kind.change, page.chosen.change, page.model.change],
        on_told,
        asked,
        [sidebar.kind_line, sidebar.switch],
        **settings,
    )
    gr.on(
        [page.classes.change, page.model.change],
        on_classes,
        [page.classes, page.model],
        sidebar.hints,
        **settings,
    )
    sidebar.gallery_filter.change(on_filter, sidebar.gallery_filter, sidebar.examples, **settings)
