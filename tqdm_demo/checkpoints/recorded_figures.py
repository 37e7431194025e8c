"""One line from what a checkpoint's ``config.json`` records of its training and its figures."""

from __future__ import annotations

from typing import Any

# Data sets, and means over several, as an evaluation names them, in words.
GROUPS = {
    "folder:camvid:train:include=0001TP*": "on CamVid’s drive 0001TP",
    "painterly": "through painterly filters",
    "conditions": "through filters of weather and light",
}


def describe_training(sections: dict[str, Any]) -> str:
    """One line from what a checkpoint's config records of its training and results."""
    results = sections.get("results", {})
    data = sections.get("training", {}).get("source", "")
    figures = _figures(results.get("measured", {}), data)
    if "clip" in sections:
        return "Never trained to segment." + (f" Zero-shot mIoU {figures}." if figures else "")
    trained = f"Trained on {_in_words(data)}." if data else "Its training is not recorded."
    if figures:
        return f"{trained} mIoU {figures}."
    figures = _figures(results.get("validation", {}), data)
    return trained + (f" Validation mIoU {figures}." if figures else "")


def _figures(found: dict[str, Any], data: str) -> str:
    """mIoU per data set in words; of many styles only the mean.

    Args:
        found: data set -> ``miou`` in percent; where ``unseen`` is among them, it is the mean of
            all styles but the source's.
        data: what the model was trained on; empty for a CLIP.
    """
    # Of pictures through filters the means are enough.
    listed = [name for name in found if name != "held-out" and "filter=" not in name]
    listed.sort(key=lambda name: name != data)  # the source first
    places = {name: GROUPS.get(name) or f"on {_in_words(name)}" for name in listed}
    if "unseen" in found:
        source = data or "streets:game"
        places = {k: v for k, v in places.items() if k == source or not k.startswith("streets:")}
        places["unseen"] = "in other styles on average"
    if data in places:
        places[data] = "on other pictures of it"
    return ", ".join(f"{found[name]['miou']:.1f} {place}" for name, place in places.items())


def _in_words(spec: str) -> str:
    """What a data set's spec names, for who has never seen one: drawn streets have styles."""
    kind, _, rest = spec.partition(":")
    if kind == "streets":
        return f"drawn streets in the style “{rest}”"
    return rest.replace(":", " ") if kind == "folder" else spec.replace(":", " ")
