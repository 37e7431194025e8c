"""The controls of the tab "Similarity", and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from tqdm_demo.inference.rendering import COLOUR_MAPS
from tqdm_demo.interface.components.heat import SCALES, SHARED
from tqdm_demo.interface.parts import PageParts
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

# Systems whose stages the grid tells the absence of.
WITHOUT_TEXT = ("rein", "soma", "tldr")
BY_STAGE, BY_PICTURE = "Stages of this picture", "Pictures, at one stage"
# So many names that cover most of the picture are shown where none is picked.
LARGEST = 3
MOST_PICKED = 6


@dataclass(frozen=True)
class Stage:
    """A column of the grid.

    Attributes:
        title: its heading.
        note: what the maps are.
        role: which of the three models: "clip", "textual" or "learned".
        kept: the maps' name in :class:`tqdm_demo.inference.stages.Stages`.
    """

    title: str
    note: str
    role: str
    kept: str


STAGES = (
    Stage("Pre-trained CLIP", "patch tokens · text, never trained to segment", "clip", "clip"),
    Stage("tqdm, before", "text queries, before the pixel decoder (m = 0)", "textual", "before"),
    Stage("tqdm, after", "mask embeddings, after the pixel decoder (m = M)", "textual", "after"),
    Stage("tqdm, final mask", "class × mask probability: this decides", "textual", "mask"),
    Stage("Learned, after", "without text-to-pixel attention (m = M)", "learned", "after"),
)
MASK = "mask"


@dataclass(frozen=True)
class Choice:
    """What the controls of the tab say, in the order in which they are given to the handler.

    Attributes:
        picked: names to show; none = the :data:`LARGEST` of the picture.
        by: :data:`BY_STAGE` or :data:`BY_PICTURE`.
        stage: title of the stage that pictures are compared at.
        captions: of the examples beside the user's picture.
        colour_map: one of ``rendering.COLOUR_MAPS``.
        scale: a value of ``heat.SCALES``.
        clip: source of the model in this role, as are ``textual`` and ``learned``.
        textual: see ``clip``.
        learned: see ``clip``.
    """

    picked: Sequence[str]
    by: str
    stage: str
    captions: Sequence[str]
    colour_map: str
    scale: str
    clip: str
    textual: str
    learned: str


def build_controls(page: PageParts) -> list[Any]:
    """The controls, in the order of :class:`Choice`."""
    with gr.Row(elem_classes="tab-controls"):
        picked = gr.Dropdown(
            list(CITYSCAPES_NAMES), value=[], multiselect=True, allow_custom_value=True,
            max_choices=MOST_PICKED,
            label=f"Names, up to {MOST_PICKED}, typed ones too (none: the {LARGEST} largest)",
            elem_id="similarity-names", scale=4, min_width=280,
        )  # fmt: skip
        by = gr.Dropdown([BY_STAGE, BY_PICTURE], value=BY_STAGE, label="Compare",
                         filterable=False, elem_id="similarity-by",
                         scale=2, min_width=180)  # fmt: skip
        colour_map = gr.Dropdown(list(COLOUR_MAPS), value=COLOUR_MAPS[0], label="Colour map",
                                 filterable=False, elem_id="similarity-colours",
                                 scale=1, min_width=110)  # fmt: skip
        scale = gr.Dropdown(list(SCALES.items()), value=SHARED, label="Colour scale",
                            filterable=False, elem_id="similarity-scale",
                            scale=2, min_width=180)  # fmt: skip
    captions = [example.caption for example in page.examples]
    with gr.Row(elem_classes="tab-controls", visible=False) as by_picture:
        stage = gr.Dropdown([s.title for s in STAGES], value=STAGES[1].title, label="Stage",
                            filterable=False, elem_id="similarity-stage",
                            scale=1, min_width=180)  # fmt: skip
        others = gr.Dropdown(captions, value=captions[2:6], multiselect=True,
                             label="Examples to show", elem_id="similarity-others",
                             scale=3, min_width=260)  # fmt: skip
    by.change(lambda chosen: gr.Row(visible=chosen == BY_PICTURE), by, by_picture, **page.light)
    with gr.Accordion("Models", open=False, elem_id="similarity-models"), gr.Row():
        roles = [
            _role(page, "Pre-trained CLIP", "zero-shot"),
            _role(page, "Textual queries", "textual"),
            _role(page, "Learned queries, or a system without text", "learned", WITHOUT_TEXT),
        ]
    page.followers.extend(roles)
    return [picked, by, stage, others, colour_map, scale, *roles]


def _role(page: PageParts, label: str, kind: str, others: Sequence[str] = ()) -> gr.Dropdown:
    entries = [entry for entry in page.models.entries if entry.kind in (kind, "", *others)]
    choices = [(entry.title, entry.source) for entry in entries]
    first = next((entry.source for entry in entries if entry.kind == kind), None)
    return gr.Dropdown(choices, value=first, label=label, elem_id=f"similarity-{kind}")
