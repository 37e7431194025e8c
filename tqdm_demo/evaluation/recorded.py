"""What was measured of a model, as its own folder tells it: to the page, the card and the Hub.

``results.measured`` of ``config.json`` has mIoU in percent and the number of pictures of every data
set, by its specification without paths; the model card ends with a table of the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.data.specs import STREETS, Spec, split_specs
from tqdm_demo.evaluation.score_tables import mean_miou, spec_groups

SECTION = "## Measured"


def record(folder: Path, by_spec: Mapping[str, Mapping]) -> None:
    """Adds figures to what a model's folder says of itself.

    Args:
        folder: with ``config.json`` and perhaps a card.
        by_spec: as in :func:`add_figures`.
    """
    config, card = folder / "config.json", folder / "README.md"
    sections = add_figures(json.loads(config.read_text(encoding="utf-8")), by_spec)
    text = card.read_text(encoding="utf-8") if card.exists() else f"# {folder.name}\n"
    replace_text(config, json.dumps(sections, indent=2, ensure_ascii=False) + "\n")
    replace_text(card, add_table(text, sections))


def add_figures(sections: Mapping[str, Any], by_spec: Mapping[str, Mapping]) -> dict[str, Any]:
    """A ``config.json`` with new figures; those of other data sets stay.

    Args:
        sections: of the file.
        by_spec: specification of a data set -> ``miou`` and ``pictures``, see scoring.Measured.
    """
    results = dict(sections.get("results", {}))
    measured = dict(results.get("measured", {}))
    for spec, found in by_spec.items():
        mapped = spec.startswith("mapillary:") and "mapping" in found  # it decides the figures
        key = without_paths(spec) + (f" ({found['mapping']})" if mapped else "")
        measured[key] = {"miou": found["miou"], "pictures": found["pictures"]}
    for name, group in spec_groups(by_spec).items():
        pictures = sum(by_spec[spec]["pictures"] for spec in group)
        measured[name] = {"miou": round(mean_miou(by_spec, group), 2), "pictures": pictures}
    return {**sections, "results": {**results, "measured": measured}}


def add_table(card: str, sections: Mapping[str, Any]) -> str:
    """A model card that ends with the figures of its ``config.json``."""
    measured = sections["results"]["measured"]
    rows = [f"| {name} | {m['miou']:.1f} | {m['pictures']} |" for name, m in measured.items()]
    lines = [
        *(SECTION, ""),
        "By `python -m tqdm_demo.evaluate`; rows without a colon are means over domains.",
        *("", "| data | mIoU % | pictures |", "|---|---|---|", *rows),
    ]
    return f"{card.split(SECTION)[0].rstrip()}\n\n" + "\n".join(lines) + "\n"


def without_paths(specs: str) -> str:
    """Specifications that name no folder of this machine: "folder:camvid:val", "gta5".

    What is in brackets behind one (the mapping of its labels) stays.
    """
    bare, bracket = re.fullmatch(r"(.*?)( \([^():/]*\))?", specs, re.DOTALL).groups()
    return ",".join(map(_without_path, split_specs(bare))) + (bracket or "")


def _without_path(spec: Spec) -> str:
    kept = {STREETS: spec.place, "folder": spec.short_place}
    return str(replace(spec, place=kept.get(spec.kind, ""))).replace("::", ":")
