"""Model cards (a folder's README.md): of converted checkpoints, and what the Hub shows of any.

A card opens with front matter that the Hub reads, and ends with what ``config.json`` records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FRONT_MATTER = "---"
FACTS = "## Configuration, data and results"

# Systems of the paper's comparison: what each is, and the terms of its code and weights.
_RIVALS = {
    "rein": (
        "Rein (CVPR 2024, arXiv 2312.04265): a frozen DINOv2 with trained low-rank tokens",
        "Rein's code is under GPL-3.0 and was not used; its weights come without terms of their "
        "own, DINOv2's are under Apache-2.0",
    ),
    "soma": (
        "SoMA (CVPR 2025, arXiv 2412.04077): DINOv2 with merged low-rank adapters",
        "SoMA's code is under the MIT licence; its weights come without terms of their own, "
        "DINOv2's are under Apache-2.0",
    ),
    "tldr": (
        "TLDR (ICCV 2023, arXiv 2303.11546): DeepLabV3+ on a ResNet that learns from texture",
        "neither TLDR's code nor its weights come with a licence",
    ),
}

# mIoU in percent, (title's backbone, training set) -> data set -> figure: the paper's, Table 1.
PAPER_MIOU = {
    ("CLIP ViT-B/16", "GTA5"): {"Cityscapes": 57.50, "BDD100K": 47.66, "Mapillary": 59.76},
    ("EVA02-CLIP-L/14-336", "GTA5"): {"Cityscapes": 68.88, "BDD100K": 59.18, "Mapillary": 70.10},
    ("EVA02-CLIP-L/14-336", "Cityscapes"): {"BDD100K": 64.72, "Mapillary": 76.15},
}


def published_card(name: str, sections: Mapping[str, Any]) -> str:
    """The card of a converted checkpoint, without the recorded facts.

    Args:
        name: of its folder.
        sections: of its ``config.json``.
    """
    if sections.get("system") in _RIVALS:
        return _rival_card(name, sections)
    provenance, model = sections["provenance"], sections["model"]
    trained_on = sections["training"].get("source")
    names, positions, prompt = (
        len(model["class_names"]),
        model["text_positions"],
        model["prompt_length"],
    )
    lines = [
        *front_matter("other"),
        "",
        f"# {name}",
        "",
        f"{provenance['published']} (Textual Query-Driven Mask Transformer, ECCV 2024, arXiv "
        "2407.09033): segments street scenes by class names.",
        "",
        f"- **From** `{provenance['file']}`, a checkpoint of the authors ({provenance['source']}), "
        "converted tensor by tensor; nothing was trained or measured here.",
        f"- **Trained on** {trained_on or 'a set that the file does not name'}.",
        *_paper(provenance["published"], trained_on),
        f"- **Use**: `python app.py --model FOLDER`, or `Predictor.load` of this project. Pictures "
        f"are cut into windows of {model['input_size'][0]} pixels, as in the published evaluation.",
        f"- **Names**: the {names} trained ones, or any others of at most "
        f"{positions - prompt - 2} word pieces: the checkpoint holds {positions} text positions, "
        f"{prompt} of them for the prompt. Where open_clip's `{model['clip_weights']}` is in the "
        "local cache, all its positions are used.",
        "- **Terms**: the published code is under the MIT licence; for the weights see the "
        "authors' page, the CLIP that they start from and the data that they were trained on.",
    ]
    return "\n".join(lines) + "\n"


def _rival_card(name: str, sections: Mapping[str, Any]) -> str:
    provenance, model = sections["provenance"], sections["model"]
    what, terms = _RIVALS[sections["system"]]
    trained_on = sections["training"].get("source") or "a set that the file does not name"
    lines = [
        *front_matter("other"),
        "",
        f"# {name}",
        "",
        f"{what}.",
        "",
        f"- **From** `{provenance['file']}`, published by the authors ({provenance['source']}), "
        "converted tensor by tensor; nothing was trained or measured here.",
        f"- **Trained on** {trained_on}.",
        "- **Use**: `python app.py --model FOLDER`, or `Predictor.load` of this project.",
        f"- **Names**: the {len(model['class_names'])} trained ones and synonyms of them; other "
        "names get no pixels, and pixels of classes that are not asked for stay unlabelled.",
        f"- **Terms**: {terms}. Do not publish these weights without asking the authors.",
    ]
    return "\n".join(lines) + "\n"


def complete_card(name: str, text: str, sections: Mapping[str, Any]) -> str:
    """A folder's card with everything that the Hub and a reader need.

    Args:
        name: of the model.
        text: of the folder's own card; empty where there is none.
        sections: of its ``config.json``.
    """
    if not text.startswith(FRONT_MATTER):
        text = "\n".join([*front_matter("other"), "", text or f"# {name}", ""])
    facts = "\n".join([*_towers(sections.get("model", {})), *_facts(sections)]).rstrip()
    return f"{text.split(FACTS)[0].rstrip()}\n\n{FACTS}\n\n{facts}\n"


def front_matter(licence: str) -> list[str]:
    """The lines that the Hub reads."""
    return [FRONT_MATTER, f"license: {licence}", "pipeline_tag: image-segmentation", FRONT_MATTER]


def as_text(value: Any) -> str:
    """A value of a configuration for the cell of a Markdown table."""
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")


def _paper(published: str, trained_on: str | None) -> list[str]:
    key = (published.removeprefix("tqdm with "), trained_on)
    if key not in PAPER_MIOU:
        return []
    figures = ", ".join(f"{miou:.2f} on {data}" for data, miou in PAPER_MIOU[key].items())
    return [f"- **The paper's** mIoU in percent, not measured here: {figures}."]


def _towers(model: Mapping[str, Any]) -> list[str]:
    """Which other folder the model needs, if any."""
    needed = {model.get("text_tower"), model.get("image_tower")} - {None}
    if not needed:
        return []
    names = ", ".join(f"`{name}`" for name in sorted(needed))
    return [f"Loads together with the CLIP {names}: a folder beside this one, or bundled.", ""]


def _facts(sections: Mapping[str, Any]) -> Iterator[str]:
    """What ``config.json`` records, as tables; open_clip's own configuration in one row."""
    for section, values in sections.items():
        rows = list(_rows("", values)) if isinstance(values, Mapping) else [("", values)]
        if rows:
            yield from (f"### {section}", "", "| | |", "|---|---|")
            yield from (f"| {as_text(key)} | {as_text(value)} |" for key, value in rows)
            yield ""


def _rows(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _rows(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value
