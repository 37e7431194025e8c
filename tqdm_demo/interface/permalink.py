"""The page's state in its address: model, class list, example and tab.

The address of a page that shows the first example with the usual names is plain; what differs is
written behind it, and opening such an address restores it. An uploaded picture is not in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tqdm_demo.class_list import ClassList
from tqdm_demo.interface.choices import own_text
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import FIRST_TAB, THRESHOLD

# A list of 64 long names fits; more is nobody's class list.
LONGEST_TEXT = 6000

_KEYS = ("model", "names", "else", "match", "example", "tab")
# Writes the query into the address without a new page, and leaves gradio's own parts alone.
WRITE = """(query) => {
    const url = new URL(window.location);
    for (const key of KEYS) url.searchParams.delete(key);
    for (const [key, value] of new URLSearchParams(query)) url.searchParams.set(key, value);
    window.history.replaceState(window.history.state, "", url);
}""".replace("KEYS", str(list(_KEYS)))


# On a Space the page lies in a frame of another page, whose query is passed on to it.
_COPY_IN_SPACE = """() => {
    const query = new URLSearchParams(window.location.search);
    for (const key of [...query.keys()]) if (!KEYS.includes(key)) query.delete(key);
    const link = "https://huggingface.co/spaces/SPACE" + (query.size ? "?" + query : "");
    return navigator.clipboard?.writeText(link);
}""".replace("KEYS", str(list(_KEYS)))
_COPY = "() => navigator.clipboard?.writeText(window.location.href)"


def copy_script() -> str:
    """JavaScript that copies a link to what is shown; on a Space one to the Space's own page."""
    space = os.environ.get("SPACE_ID", "")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", space):
        return _COPY
    return _COPY_IN_SPACE.replace("SPACE", space)


@dataclass(frozen=True)
class Link:
    """What an address says.

    Attributes:
        picture: path of the example that it names.
        text: the class list as it is typed, unchecked.
        everything_else: the switch beside it.
        threshold: the least match, see :class:`tqdm_demo.class_list.ClassList`.
        model: source of the model.
        tab: id of the tab.
    """

    picture: str | None
    text: str
    everything_else: bool
    model: str
    tab: str
    threshold: float = THRESHOLD


def read_link(
    query: Mapping[str, str], models: ModelManager, examples: Sequence[Example], tabs: Sequence[str]
) -> Link:
    """Reads an address; what is not there, or not known here, is as on a fresh page.

    Args:
        query: the parameters of the address, whatever they hold.
        models: the models that can be asked for.
        examples: the pictures that can be asked for.
        tabs: ids of the tabs.
    """
    names = {example.path.stem: str(example.path) for example in examples}
    model, tab = query.get("model"), query.get("tab")
    if model not in {entry.source for entry in models.entries}:
        model = models.columns[0]
    return Link(
        picture=names.get(query.get("example", ""), next(iter(names.values()), None)),
        text=query.get("names", own_text(models, model))[:LONGEST_TEXT],
        everything_else=query.get("else") == "1",
        model=model,
        tab=tab if tab in tabs else FIRST_TAB,
        threshold=_threshold(query.get("match", "")),
    )


def write_link(
    picture: str | None,
    classes: ClassList,
    model: str,
    tab: str,
    models: ModelManager,
    examples: Sequence[Example],
) -> str:
    """The query for what a user sees: :func:`read_link` gives it back."""
    names = {str(example.path): example.path.stem for example in examples}
    query: dict[str, str] = {}
    if picture in names:
        query["example"] = names[picture]
    if model != models.columns[0]:
        query["model"] = model
    if classes.text != own_text(models, model):
        query["names"] = classes.text
    if classes.everything_else:
        query["else"] = "1"
        if classes.threshold != THRESHOLD:
            query["match"] = f"{classes.threshold:g}"
    if tab != FIRST_TAB:
        query["tab"] = tab
    return urlencode(query)


def _threshold(written: str) -> float:
    """A number from 0 to 1; the usual one where it is none."""
    try:
        value = float(written)
    except ValueError:
        return THRESHOLD
    return value if 0 <= value <= 1 else THRESHOLD
