"""The sidebar beside the tabs: the picture, the examples and the class list, for all tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface import markup
from tqdm_demo.interface.components.picture_input import EVERY_FILE, PictureInput
from tqdm_demo.interface.parts import DEFAULT_TEXT, MAX_SIDE, PageParts
from tqdm_demo.vocabulary import MAX_NAMES, NEED_EVERYTHING_ELSE, PRESETS

Updates = dict[Any, Any]

LAST_LIST = "Your last list"
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
CLICKED = """async () => {
    await new Promise((done) => setTimeout(done));
    const examples = [...document.querySelectorAll("#examples .thumbnail-item")];
    return examples.findIndex((example) => example.matches(".selected"));
}"""


@dataclass(frozen=True)
class Sidebar:
    """The components that the events of the sidebar read and write.

    Attributes:
        picture: the upload field.
        picture_problem: what is wrong with an upload.
        examples: the gallery.
        clicked: number of the example that was clicked last; not shown.
        names: the class list.
        everything_else: whether a class for the rest is added.
        names_problem: what is wrong with the list.
        presets: one button for every ready list.
        last_list: button for the user's own last list.
        kept: the user's own last list, kept in the browser.
    """

    picture: PictureInput
    picture_problem: gr.HTML
    examples: gr.Gallery
    clicked: gr.Number
    names: gr.Textbox
    everything_else: gr.Checkbox
    names_problem: gr.HTML
    presets: tuple[gr.Button, ...]
    last_list: gr.Button
    kept: gr.BrowserState


def build_sidebar(page: PageParts) -> Sidebar:
    """Creates the sidebar inside the current column and connects its events."""
    sidebar = Sidebar(
        *_picture_block(page),
        *_names_block(),
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
    text: str, everything_else: bool, model: str, page: PageParts, sidebar: Sidebar
) -> Updates:
    """The class list was edited: the last good one stays after a mistake."""
    try:
        classes = parse_class_list(text, everything_else)
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
    def on_example(number: float) -> Updates:
        return take_picture(str(page.examples[int(number)].path), page, sidebar)

    def on_picture(path: str | None) -> Updates:
        return sent_picture(path, page, sidebar)

    def on_clear() -> Updates:
        return take_picture(None, page, sidebar)

    def on_names(text: str, everything_else: bool, model: str) -> Updates:
        return edit_names(text, everything_else, model, page, sidebar)

    def on_last_list(kept: str) -> str:
        if not kept:
            raise gr.Error("You have not written a list of your own yet.", print_exception=False)
        return kept

    pictures = [sidebar.picture, sidebar.picture_problem, page.picture]
    settings = {**page.light, "trigger_mode": "always_last"}
    sidebar.examples.select(on_example, sidebar.clicked, pictures, js=CLICKED, **settings)
    # Two events, not .input for both: when that tells of an emptied field, gradio still sends the
    # picture that was in it.
    sidebar.picture.upload(on_picture, sidebar.picture, pictures, **settings)
    sidebar.picture.clear(on_clear, None, pictures, **settings)
    # Not .input: gradio fires that for keys that write a letter, not for pasting or deleting.
    gr.on(
        [sidebar.names.change, sidebar.everything_else.change],
        on_names,
        [sidebar.names, sidebar.everything_else, page.model],
        [sidebar.names_problem, page.classes, sidebar.kept],
        js=DEBOUNCE,
        **settings,
    )
    for button, title in zip(sidebar.presets, PRESETS, strict=True):
        ready = "\n".join(PRESETS[title]), title in NEED_EVERYTHING_ELSE
        button.click(
            lambda ready=ready: ready, None, [sidebar.names, sidebar.everything_else], **page.light
        )
    sidebar.last_list.click(on_last_list, sidebar.kept, sidebar.names, **page.light)


def _picture_block(page: PageParts) -> tuple[PictureInput, gr.HTML, gr.Gallery, gr.Number]:
    with gr.Column(elem_classes="sidebar-picture"):
        gr.HTML(markup.field_title("Your picture", "drop, paste, choose or take one"))
        picture = PictureInput(
            elem_id="picture",
            label="Your picture",
            show_label=False,
            height=150,
            sources=["upload", "webcam", "clipboard"],
            buttons=[],
            format="png",
            placeholder="Drop a picture here, or click to choose one",
            alt_text="Your picture",
        )
        picture_problem = gr.HTML(elem_id="picture-problem", js_on_load=EVERY_FILE)
        examples = gr.Gallery(
            [(str(example.path), example.caption) for example in page.examples],
            label="Examples",
            show_label=False,
            elem_id="examples",
            columns=4,
            object_fit="cover",
            allow_preview=False,
            format="jpeg",
            buttons=[],
            interactive=False,
            visible=bool(page.examples),
        )
        clicked = gr.Number(visible=False)
    return picture, picture_problem, examples, clicked


def _names_block() -> tuple[gr.Textbox, gr.Checkbox, gr.HTML, tuple[gr.Button, ...], gr.Button]:
    with gr.Column(elem_classes="sidebar-names"):
        gr.HTML(markup.field_title("Class names", "the result follows while you type"))
        with gr.Row(elem_classes="presets"):
            presets = tuple(gr.Button(title, size="sm", min_width=40) for title in PRESETS)
            last_list = gr.Button(LAST_LIST, size="sm", min_width=40)
        problem = gr.HTML(elem_id="names-problem")
        names = gr.Textbox(
            DEFAULT_TEXT,
            label="Class names",
            show_label=False,
            container=False,
            lines=10,
            max_lines=22,
            elem_id="names",
        )
        gr.HTML(
            markup.line(
                f"One a line, up to {MAX_NAMES}. Synonyms after a comma, a colour after a colon: "
                "car, automobile: #0000ff"
            )
        )
        everything_else = gr.Checkbox(
            False,
            label="Everything else, as a grey class",
            container=False,
            elem_id="everything-else",
        )
    return names, everything_else, problem, presets, last_list
