"""What all tabs share: the user's picture, class list and model, and how events run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

# The long side of what is analysed and shown, in pixels.
MAX_SIDE = 1280
# Events with models that run side by side, of all users together.
AT_ONCE = 12
MOST_MODELS = 5  # side by side: those of the paper's comparison
FIRST_TAB = "segment"
# The match that a pixel needs to have a name, where there is a class for everything else.
THRESHOLD = 0.25
DEFAULT_TEXT = "\n".join(CITYSCAPES_NAMES)
# Holds an event back until its tab is shown; of those that wait, the last one goes on. Otherwise
# every edit would put an event of every tab into the queue of the models.
_WHEN_SHOWN = """async (...values) => {
    const turns = (window.turnsOfTabs ??= {});
    const turn = (turns["TAB"] = 1 + (turns["TAB"] ?? 0));
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    await wait(0);
    while (turn === turns["TAB"] && !document.querySelector("#tab-TAB")?.checkVisibility()) {
        await wait(100);
    }
    if (turn !== turns["TAB"]) await new Promise(() => {});
    return values;
}"""


@dataclass(frozen=True)
class Choices:
    """What a user has chosen.

    Attributes:
        model: the model.
        names: the class list.
        rest: whether there is a class for everything else.
        rest_by_page: that class is there because the page found the list short.
    """

    model: bool = False
    names: bool = False
    rest: bool = False
    rest_by_page: bool = False


@dataclass(frozen=True)
class PageParts:
    """What a tab needs to know of the page that it stands on.

    The states hold each user's own values. A tab reads them as inputs of its events and never
    writes one that another part owns.

    Attributes:
        models: the models.
        examples: the pictures that the page offers.
        picture: state, path of the user's picture, known to be readable; None = none yet.
        classes: state, the last good :class:`tqdm_demo.class_list.ClassList`.
        model: state, source of the model that was chosen.
        selected: state, id of the tab that is open.
        wanted: state, (source, time) of the model that the user asks for; the sidebar answers.
        chosen: state, the user's :class:`Choices`.
        kind: state, what the picture shows as far as the page can tell, or None.
        downloads: state, how many downloads of the user's have ended; others' may have, too.
        menus: where the tabs' models are chosen, in the order of the tabs: components or states
            of one source, or of many. Every tab adds its own.
        followers: those menus that go with the page's model to its kind.
        run: settings of an event that runs a model; the models take turns, see ``turns.py``.
        latest: the same, for events that overtake each other: the last one wins.
        light: settings of an event that runs no model.
    """

    models: ModelManager
    examples: Sequence[Example]
    picture: gr.State
    classes: gr.State
    model: gr.State
    selected: gr.State
    wanted: gr.State
    chosen: gr.State
    kind: gr.State
    downloads: gr.State
    menus: list[Any] = field(default_factory=list)
    followers: list[Any] = field(default_factory=list)
    run: dict[str, Any] = field(
        default_factory=lambda: {
            "api_visibility": "private",
            "concurrency_id": "models",
            "concurrency_limit": AT_ONCE,
            "show_progress": "hidden",
        }
    )

    @property
    def latest(self) -> dict[str, Any]:
        """See the class."""
        return {**self.run, "trigger_mode": "always_last"}

    @property
    def light(self) -> dict[str, Any]:
        """See the class."""
        # Through the queue all the same: without it no state tells that it has changed.
        return {
            "api_visibility": "private",
            "concurrency_limit": None,
            "show_progress": "hidden",
        }

    @property
    def changes(self) -> list[Any]:
        """Triggers for ``gr.on``: another picture, class list, or open tab; new weights."""
        states = (self.picture, self.classes, self.selected, self.downloads)
        return [state.change for state in states]


def when_shown(tab: str) -> str:
    """``js`` of an event that a tab, given by its id, needs only while it is open."""
    return _WHEN_SHOWN.replace("TAB", tab)


def make_parts(models: ModelManager, examples: Sequence[Example]) -> PageParts:
    """Creates the states inside the current ``gr.Blocks``."""
    return PageParts(
        models=models,
        examples=tuple(examples),
        picture=gr.State(None),
        classes=gr.State(parse_class_list(DEFAULT_TEXT)),
        model=gr.State(models.columns[0]),
        selected=gr.State(FIRST_TAB),
        wanted=gr.State(None),
        chosen=gr.State(Choices()),
        kind=gr.State(None),
        downloads=gr.State(0),
    )
