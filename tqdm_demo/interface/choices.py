"""What the page chooses for a picture, and what it leaves to its user.

A street, as the bundled CLIP sees it, is given to the streets' model with its names; any other
picture to the photographs' model with its own. What a user has chosen is never changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.picture_kind import PHOTO, STREET, picture_kind
from tqdm_demo.interface import markup
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import DEFAULT_TEXT, MAX_SIDE, Choices, PageParts
from tqdm_demo.vocabulary import PRESETS

CLIP = "zero-shot:mini-clip"
SUITED = {STREET: "streets-tqdm", PHOTO: "photos-tqdm"}
# What the names of the models of each kind begin with.
WORLDS = ("streets-", "photos-")
SEEN = {STREET: "a street", PHOTO: "a photo or painting, not a street"}
INSTEAD = {
    STREET: "Use the photographs’ model instead",
    PHOTO: "Use the streets’ model instead",
}
FOR_ME = "Choose for me"
# A list of so few names gets a class for the rest by itself.
SHORT = 3


def can_choose(models: ModelManager) -> bool:
    """Whether the page opens with the bundled model, and both models and the CLIP are there."""
    sources = {entry.source for entry in models.entries}
    if models.columns[0] != SUITED[STREET] or not {*SUITED.values(), CLIP} <= sources:
        return False
    known = all(models.entry(source).names for source in SUITED.values())
    return known and bool(models.entry(CLIP).words)


def find_kind(models: ModelManager, picture: str) -> str | None:
    """The kind of a picture file; None where that cannot be told."""
    if not can_choose(models):
        return None
    try:
        return picture_kind(models.predictor(CLIP), models.pictures.read(picture, MAX_SIDE))
    except ValueError:  # whoever reads the picture next says what is wrong
        return None


def own_text(models: ModelManager, source: str) -> str:
    """The list that goes with a model: its own classes, or the usual one."""
    names = models.entry(source).names
    return "\n".join(names) if names and source != models.columns[0] else DEFAULT_TEXT


def is_short(text: str) -> bool:
    """Whether a list is written by hand and leaves out most of a picture."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 0 < len(lines) <= SHORT and lines not in map(list, PRESETS.values())


def find_rest(text: str, everything_else: bool, chosen: Choices) -> tuple[bool, Choices]:
    """Whether a list has a class for the rest: a short one has, unless its user decides.

    Args:
        text: the list.
        everything_else: whether it had one.
        chosen: by the user.
    """
    if chosen.rest:
        return everything_else, chosen
    if is_short(text):
        return True, replace(chosen, rest_by_page=chosen.rest_by_page or not everything_else)
    if chosen.rest_by_page:
        return False, replace(chosen, rest_by_page=False)
    return everything_else, chosen


def tell(models: ModelManager, kind: str | None, chosen: Choices, source: str) -> tuple[str, str]:
    """A sentence about the picture and what was chosen for it, and what a click does."""
    if kind is None:
        return "", ""
    entry = models.entry(source)
    if chosen.model:
        kept = "model and names are" if chosen.names else "model is"
        return markup.line(f"This looks like {SEEN[kind]}. Your own {kept} kept."), FOR_ME
    names = "your own names" if chosen.names else f"its {len(entry.names)} names"
    sentence = f"This looks like {SEEN[kind]}: the model “{entry.title}” is used with {names}."
    return markup.line(sentence), INSTEAD[kind]


def counterpart(models: ModelManager, source: str, model: str) -> str:
    """The same system of another model's kind: ``photos-queries`` for ``streets-queries``."""
    here, there = (next((w for w in WORLDS if s.startswith(w)), None) for s in (source, model))
    if here is None or there is None:
        return source
    other = there + source.removeprefix(here)
    return other if other in {entry.source for entry in models.entries} else source


def follow_model(page: PageParts) -> None:
    """Menus of models go with the page's model to its kind, unless their user has changed them."""
    menus: list[gr.Dropdown] = page.followers
    firsts = [menu.value for menu in menus]

    def moved(value: Any, model: str) -> Any:
        if isinstance(value, list):
            return [counterpart(page.models, source, model) for source in value]
        return counterpart(page.models, value, model)

    def follow(model: str, *values: Any) -> list[Any]:
        if not model.startswith(WORLDS):
            return [gr.skip() for _ in menus]
        updates = []
        for first, value in zip(firsts, values, strict=True):
            new, ours = moved(first, model), [moved(first, suited) for suited in SUITED.values()]
            updates.append(new if value in ours and value != new else gr.skip())
        return updates

    page.model.change(follow, [page.model, *menus], menus, **page.light)


def hints(models: ModelManager, classes: ClassList, source: str) -> str:
    """Words of the list that the model's CLIP never read, with known ones that look like them."""
    return markup.hints(classes.names, models.entry(source).words)
