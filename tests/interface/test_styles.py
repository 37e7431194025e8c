"""Style sheets and what they select: a class that is renamed on one side alone looks broken."""

import re
from functools import cache
from pathlib import Path

import pytest

INTERFACE = Path(__file__).resolve().parents[2] / "tqdm_demo" / "interface"
# Classes and ids that gradio makes.
GRADIOS = set(
    [
        "caption-label",
        "dark",
        "divider",
        "gallery-container",
        "gradio-container",
        "grid-container",
        "grid-wrap",
        "html-container",
        "icon-wrap",
        "image-frame",
        "input-container",
        "main",
        "secondary-wrap",
        "selected",
        "tab-container",
        "tabitem",
        "thumbnail-item",
    ]
)
SELECTED = re.compile(r"[.#](-?[a-zA-Z_][\w-]*)")


def selectors(sheet: Path) -> set[str]:
    """All classes and ids that a style sheet selects."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    heads = re.findall(r"([^{};]+)\{", text)
    # Numbers are counted on: series-0, series-1 ...
    return {name.rstrip("0123456789") for head in heads for name in SELECTED.findall(head)}


@cache
def made() -> str:
    """All text that makes elements."""
    kinds = ("*.py", "*.js", "*.html")
    return "\n".join(p.read_text("utf-8") for kind in kinds for p in INTERFACE.rglob(kind))


def is_made(name: str) -> bool:
    end = "" if name.endswith("-") else r"(?![\w-])"
    return re.search(rf"(?<![\w-]){re.escape(name)}{end}", made()) is not None


@pytest.mark.parametrize("sheet", sorted(INTERFACE.rglob("*.css")), ids=lambda path: path.name)
def test_everything_that_is_selected_is_made_somewhere(sheet):
    wanted = selectors(sheet) - GRADIOS
    assert wanted, "no selector was read"
    missing = {name for name in wanted if not is_made(name)}
    assert missing == set()


@pytest.mark.parametrize("sheet", sorted(INTERFACE.rglob("*.css")), ids=lambda path: path.name)
def test_no_rule_for_small_screens_names_the_container_that_gradio_puts_before_it(sheet):
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    inside = re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)", text)
    assert len(inside) == text.count("@media")
    assert [block for block in inside if ".gradio-container" in block] == []
