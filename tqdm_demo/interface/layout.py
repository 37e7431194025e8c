"""The page's components and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from tqdm_demo.interface import markup
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.models import SIMILARITY, VIEWS, Model
from tqdm_demo.interface.picture_input import PictureInput
from tqdm_demo.vocabulary import CITYSCAPES_COLOURS, CITYSCAPES_NAMES, MAX_NAMES, PRESETS

HEADLINE = f"""<header class="headline">
<div class="strip" aria-hidden="true">{markup.strip(CITYSCAPES_COLOURS)}</div>
<h1>Name it, and see it</h1>
<p class="lead">Write class names in plain words: <b>tqdm</b>, a segmenter whose queries are made
from text, colours a street picture by them, beside the same model with learned queries and plain
CLIP.</p>
<p class="honest">The bundled models are tiny. Their CLIP has read captions of drawn streets in
fourteen styles and of a few hundred real frames; both segmenters were then trained on one style
alone, “game”. They make mistakes, on real photographs most of all.</p>
</header>"""
FOOTER = """<footer class="footer">Method: <a
href="https://arxiv.org/abs/2407.09033">Textual Query-Driven Mask Transformer for Domain
Generalized Segmentation</a> (ECCV 2024). The example pictures are drawn by this project.
Pictures that you upload are used for your answer only.</footer>"""


@dataclass(frozen=True)
class Column:
    """What belongs to one model: its prediction and its heat map, each with a line below."""

    prediction: gr.Image
    caption: gr.HTML
    heat: gr.Image
    heat_caption: gr.HTML


@dataclass(frozen=True)
class Parts:
    """The components that the events read and write."""

    picture: PictureInput
    picture_problem: gr.HTML
    examples: gr.Gallery
    columns: tuple[Column, ...]
    names: gr.Textbox
    presets: tuple[gr.Button, ...]
    names_problem: gr.HTML
    legend: gr.HTML
    heat_name: gr.Dropdown
    view: gr.Radio


def lay_out(models: Sequence[Model], examples: Sequence[Example]) -> Parts:
    """Creates all components inside the current ``gr.Blocks``."""
    gr.HTML(HEADLINE)
    picture, picture_problem, gallery = _sources(examples)
    with gr.Row(elem_classes="columns"):
        predictions = [_prediction(model, index) for index, model in enumerate(models)]
    with gr.Row(elem_classes="names-and-legend"):
        with gr.Column(scale=1, min_width=300):
            names, presets, names_problem = _class_list()
        with gr.Column(scale=2, min_width=300):
            legend = gr.HTML(elem_id="legend")
    gr.HTML('<h2 class="question">Where does each of them see a name?</h2>')
    with gr.Row(elem_classes="heat-choice"):
        heat_name = gr.Dropdown(
            list(CITYSCAPES_NAMES), value="car", label="Name", elem_id="heat-name", scale=1
        )
        choices = [(label, view) for view, label in VIEWS.items()]
        view = gr.Radio(choices, value=SIMILARITY, label="Show", elem_id="heat-view", scale=2)
    with gr.Row(elem_classes="columns"):
        heats = [_heat(model, index) for index, model in enumerate(models)]
    gr.HTML(FOOTER)
    columns = tuple(Column(*p, *h) for p, h in zip(predictions, heats, strict=True))
    return Parts(
        picture, picture_problem, gallery, columns, names, presets, names_problem, legend,
        heat_name, view,
    )  # fmt: skip


def _sources(examples: Sequence[Example]) -> tuple[PictureInput, gr.HTML, gr.Gallery]:
    with gr.Row(elem_classes="sources"):
        with gr.Column(scale=5, min_width=300):
            gr.HTML(markup.field_title("Your picture", "drop, paste, choose or take one"))
            picture = PictureInput(
                elem_id="picture",
                show_label=False,
                height=316,
                sources=["upload", "webcam", "clipboard"],
                buttons=["fullscreen"],
                format="png",
                placeholder="Drop a street picture here, or click to choose one",
            )
            picture_problem = gr.HTML(elem_id="picture-problem")
        with gr.Column(scale=6, min_width=300, visible=bool(examples)):
            gr.HTML(
                markup.field_title("Or a drawn street", "the segmenters learned from “game” alone")
            )
            gallery = gr.Gallery(
                [(str(example.path), example.caption) for example in examples],
                show_label=False,
                elem_id="examples",
                columns=5,
                height=316,
                object_fit="cover",
                allow_preview=False,
                format="jpeg",
                buttons=[],
                interactive=False,
            )
    return picture, picture_problem, gallery


def _prediction(model: Model, index: int) -> tuple[gr.Image, gr.HTML]:
    with gr.Column(min_width=280):
        gr.HTML(markup.card_title(model))
        image = _result_image(f"prediction-{index}", f"Prediction of {model.title}")
        return image, gr.HTML(markup.problem(model.problem), elem_id=f"caption-{index}")


def _heat(model: Model, index: int) -> tuple[gr.Image, gr.HTML]:
    with gr.Column(min_width=280):
        gr.HTML(markup.card_title(model))
        image = _result_image(f"heat-{index}", f"Heat map of {model.title}")
        return image, gr.HTML(elem_id=f"heat-caption-{index}")


def _result_image(elem_id: str, alt_text: str) -> gr.Image:
    return gr.Image(
        elem_id=elem_id,
        elem_classes="result",
        show_label=False,
        interactive=False,
        format="jpeg",
        buttons=["download", "fullscreen"],
        alt_text=alt_text,
    )


def _class_list() -> tuple[gr.Textbox, tuple[gr.Button, ...], gr.HTML]:
    names = gr.Textbox(
        "\n".join(CITYSCAPES_NAMES),
        label="Class names",
        info=f"One a line, up to {MAX_NAMES}; synonyms after a comma. Applied while you type.",
        lines=12,
        max_lines=20,
        elem_id="names",
    )
    problem = gr.HTML(elem_id="names-problem")
    with gr.Row(elem_classes="presets"):
        presets = tuple(gr.Button(title, size="sm", min_width=60) for title in PRESETS)
    return names, presets, problem
