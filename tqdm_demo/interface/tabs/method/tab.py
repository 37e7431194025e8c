"""Tab "How it works": three steps, live, on the user's picture, with the model that is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.class_list import ClassEntry, ClassList, parse_class_list
from tqdm_demo.interface import markup
from tqdm_demo.interface.parts import MAX_SIDE, PageParts, when_shown
from tqdm_demo.interface.tabs.method.tables import own_tables, paper_table
from tqdm_demo.interface.tabs.method.walk import make_walk, walk_value

TITLE = "How it works"
ID = "method"
LEAD = (
    "From names to masks in the authors’ three steps, on your picture, with your names and the "
    "model that is chosen on “Segment”. The maps of all names are on “Similarity”."
)

Updates = dict[Any, Any]


@dataclass(frozen=True)
class MethodParts:
    """The components that the events write.

    Attributes:
        status: what is going on, or what a model lacks.
        walk: the three figures.
        asked: state, what the figures show.
    """

    status: gr.HTML
    walk: gr.HTML
    asked: gr.State


def build_tab(page: PageParts) -> MethodParts:
    """Creates the tab inside the current ``gr.Tab`` and connects its events."""
    gr.HTML(markup.line(LEAD))
    added = gr.Textbox(
        label="Add a name here and press Enter: see where it lands",
        placeholder="for instance: lorry",
        max_lines=1,
        elem_id="method-added",
    )
    page.menus.append(page.model)
    parts = MethodParts(gr.HTML(elem_id="method-status"), make_walk(), gr.State(None))
    entries = page.models.entries
    gr.HTML(f'<div class="method-tables">{paper_table()}{own_tables(entries)}</div>')

    def changed(
        selected: str, last: Any, picture: str | None, classes: ClassList, model: str,
        name: str | None,
    ) -> Iterator[Updates]:  # fmt: skip
        asked = (picture, classes, model, name or "")
        if selected != ID or asked == last:
            yield gr.skip()
            return
        yield from on_change(page, parts, *asked)

    inputs = [page.selected, parts.asked, page.picture, page.classes, page.model, added]
    outputs = [parts.status, parts.walk, parts.asked]
    triggers = [*page.changes, page.model.change, added.submit]
    gr.on(triggers, changed, inputs, outputs, js=when_shown(ID), **page.latest)
    return parts


def on_change(
    page: PageParts,
    parts: MethodParts,
    picture: str | None,
    classes: ClassList,
    source: str,
    added: str = "",
) -> Iterator[Updates]:
    """The picture, the class list, the model, the added name or the open tab has changed."""
    from tqdm_demo.inference.walkthrough import walk

    if picture is None:
        yield {parts.status: markup.line("Choose a picture first."), parts.walk: None,
               parts.asked: None}  # fmt: skip
        return
    title = page.models.entry(source).title
    yield {parts.status: markup.working(f"{title} walks through the picture …")}
    try:
        image = page.models.pictures.read(picture, MAX_SIDE)
        shown = first_names(classes, added)
        found = walk(page.models.predictor(source), image, shown.names)
    except ValueError as error:
        yield {parts.status: markup.problem(str(error)), parts.walk: None, parts.asked: None}
        return
    yield {
        parts.status: "",
        parts.walk: walk_value(found, image, shown, title),
        parts.asked: (picture, classes, source, added),
    }


def first_names(classes: ClassList, added: str) -> ClassList:
    """The first name of every class, without "everything else", and one name more.

    Raises:
        ValueError: the added name is no usable one, or is in the list already.
    """
    own = classes.entries[: -1 if classes.everything_else else None]
    entries = tuple(ClassEntry(entry.names[:1], entry.colour, entry.label) for entry in own)
    shown = ClassList(entries)
    if not added.strip():
        return shown
    (entry,) = parse_class_list(added.splitlines()[0]).entries
    return shown.extended([ClassEntry(entry.names[:1], entry.colour, entry.label)])
