"""The page's state in its address: model, class list, example and tab.

The address of a page that shows the first example with the usual names is plain; what differs is
written behind it, and opening such an address restores it. An uploaded picture is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tqdm_demo.class_list import ClassList
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import DEFAULT_TEXT, FIRST_TAB

# A list of 64 long names fits; more is nobody's class list.
LONGEST_TEXT = 6000

# Writes the query into the address without a new page, and leaves gradio's own parts alone.
WRITE = """(query) => {
    const url = new URL(window.location);
    for (const key of ["model", "names", "else", "example", "tab"]) url.searchParams.delete(key);
    for (const [key, value] of new URLSearchParams(query)) url.searchParams.set(key, value);
    window.history.replaceState(window.history.state, "", url);
}"""
COPY = "() => navigator.clipboard?.writeText(window.location.href)"


@dataclass(frozen=True)
class Link:
    """What an address says.

    Attributes:
        picture: path of the example that it names.
        text: the class list as it is typed, unchecked.
        everything_else: the switch beside it.
        model: source of the model.
        tab: id of the tab.
    """

    picture: str | None
    text: str
    everything_else: bool
    model: str
    tab: str


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
    return Link(
        picture=names.get(query.get("example", ""), next(iter(names.values()), None)),
        text=query.get("names", DEFAULT_TEXT)[:LONGEST_TEXT],
        everything_else=query.get("else") == "1",
        model=model if model in {entry.source for entry in models.entries} else models.columns[0],
        tab=tab if tab in tabs else FIRST_TAB,
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
    if classes.text != DEFAULT_TEXT:
        query["names"] = classes.text
    if classes.everything_else:
        query["else"] = "1"
    if tab != FIRST_TAB:
        query["tab"] = tab
    return urlencode(query)
