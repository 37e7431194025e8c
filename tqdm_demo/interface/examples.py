"""The example pictures and what their index says about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tqdm_demo.streets.domains import CONDITIONS, PAINTERLY

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Title in the gallery's filter -> domains; none = all.
GALLERY_FILTERS: dict[str, tuple[str, ...]] = {
    "All": (),
    "Plain": ("game", "photo"),
    "Painted": PAINTERLY,
    "Weather": CONDITIONS,
}


@dataclass(frozen=True)
class Example:
    """One picture that the page offers.

    Attributes:
        path: its file.
        truth: file of its labels, uint8 Cityscapes train ids (H, W); None = not known.
        caption: a line below it.
        domain: the style it is drawn in.
        names: the classes that are in it.
        licence: of the picture.
    """

    path: Path
    truth: Path | None
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
        truth = folder / entry["truth"] if "truth" in entry else None
        for file in filter(None, (path, truth)):
            if not file.is_file():
                name = file.relative_to(folder).as_posix()
                raise ValueError(f"{index} names {name!r}, which is not there")
        examples.append(
            Example(
                path=path,
                truth=truth,
                caption=entry["caption"],
                domain=entry["domain"],
                names=tuple(entry["classes"]),
                licence=entry["licence"],
            )
        )
    return examples


def find_example(examples: Sequence[Example], picture: str | None) -> Example | None:
    """The example whose file a picture is, or None where it is a user's own."""
    return next((example for example in examples if str(example.path) == picture), None)


def read_truth(example: Example | None, size: tuple[int, int]) -> np.ndarray | None:
    """The labels of an example at another size, or None where they are not known.

    Args:
        example: of :func:`find_example`.
        size: (H, W).

    Returns:
        uint8 (H, W), Cityscapes train ids.
    """
    if example is None or example.truth is None:
        return None
    with Image.open(example.truth) as image:
        return np.asarray(image.resize((size[1], size[0]), Image.Resampling.NEAREST))


def filter_examples(examples: Sequence[Example], title: str) -> list[Example]:
    """The examples of some domains, in their order."""
    domains = GALLERY_FILTERS.get(title, ())
    return [example for example in examples if not domains or example.domain in domains]
