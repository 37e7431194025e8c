"""The components of the sidebar; :mod:`.sidebar` connects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.interface import markup
from tqdm_demo.interface.components.picture_input import EVERY_FILE, PictureInput
from tqdm_demo.interface.examples import GALLERY_FILTERS
from tqdm_demo.interface.parts import DEFAULT_TEXT, THRESHOLD, PageParts
from tqdm_demo.vocabulary import MAX_NAMES, PRESETS

LAST_LIST = "Your last list"


# gradio names the examples by their numbers; their captions say what they are.
NAME_EXAMPLES = """
const name = () => {
    for (const example of document.querySelectorAll("#examples .thumbnail-item")) {
        example.ariaLabel = example.innerText.trim() || example.ariaLabel;
    }
};
new MutationObserver(name).observe(element.closest(".sidebar-picture"), {
    childList: true, subtree: true, characterData: true,
});
name();
"""


@dataclass(frozen=True)
class Sidebar:
    """The components that the events of the sidebar read and write.

    Attributes:
        picture: the upload field.
        picture_problem: what is wrong with an upload.
        kind_line: what the picture looks like and what was chosen for it.
        switch: takes the other choice.
        gallery_filter: which examples are shown.
        examples: the gallery.
        clicked: number of the example that was clicked last; not shown.
        names: the class list.
        everything_else: whether a class for the rest is added.
        threshold: the match below which a pixel belongs to it.
        hints: unknown words, and known ones that look like them.
        names_problem: what is wrong with the list.
        presets: one button for every ready list.
        last_list: button for the user's own last list.
        kept: the user's own last list, kept in the browser.
    """

    picture: PictureInput
    picture_problem: gr.HTML
    kind_line: gr.HTML
    switch: gr.Button
    gallery_filter: gr.Radio
    examples: gr.Gallery
    clicked: gr.Number
    names: gr.Textbox
    everything_else: gr.Checkbox
    threshold: gr.Slider
    hints: gr.HTML
    names_problem: gr.HTML
    presets: tuple[gr.Button, ...]
    last_list: gr.Button
    kept: gr.BrowserState


def picture_block(page: PageParts) -> tuple[Any, ...]:
    """The picture field, what is said of it, and the examples, in ``Sidebar``'s order."""
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
        kind_line = gr.HTML(elem_id="picture-kind", js_on_load=NAME_EXAMPLES)
        switch = gr.Button(size="sm", visible=False, elem_id="picture-kind-switch")
        gallery_filter = gr.Radio(
            list(GALLERY_FILTERS),
            value=next(iter(GALLERY_FILTERS)),
            label="Examples, all drawn by this project",
            container=False,
            elem_id="gallery-filter",
            visible=len(page.examples) > 4,
        )
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
    return picture, picture_problem, kind_line, switch, gallery_filter, examples, clicked


def names_block() -> tuple[Any, ...]:
    """The class list and what belongs to it, in ``Sidebar``'s order."""
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
        hints_line = gr.HTML(elem_id="names-hints", js_on_load=markup.TAKE_WORD)
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
        threshold = gr.Slider(
            0,
            0.95,
            THRESHOLD,
            step=0.05,
            label="… and every pixel whose best match is below",
            elem_id="threshold",
            visible=False,
        )
    return names, everything_else, threshold, hints_line, problem, presets, last_list
