"""The example pictures and what their index says about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """One picture that the page offers.

    Attributes:
        path: its file.
        caption: a line below it.
        domain: the style it is drawn in.
        names: the classes that are in it.
        licence: of the picture.
    """

    path: Path
    caption: str
    domain: str
    names: tuple[str, ...]
    licence: str


def read_examples(folder: Path = EXAMPLES) -> list[Example]:
    """Reads ``index.json`` of the folder; without one there are no examples.

    Raises:
        ValueError: an entry without its picture.
    """
    index = folder / "index.json"
    if not index.is_file():
        return []
    examples = []
    for entry in json.loads(index.read_text(encoding="utf-8")):
        path = folder / entry["file"]
        if not path.is_file():
            raise ValueError(f"{index} names {entry['file']!r}, which is not there")
        examples.append(
            Example(
                path=path,
                caption=entry["caption"],
                domain=entry["domain"],
                names=tuple(entry["classes"]),
                licence=entry["licence"],
            )
        )
    return examples
