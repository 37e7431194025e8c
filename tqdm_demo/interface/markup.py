"""The page's HTML fragments. Names come from visitors, so everything is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tqdm_demo.interface.models import Model, describe_effort
from tqdm_demo.predictor import Segmentation
from tqdm_demo.rendering import colour_stops
from tqdm_demo.vocabulary import Colour, colours_for

# A class with less than this share of the picture in every model is listed as not found.
_FOUND = 0.0005


def strip(colours: Sequence[Colour]) -> str:
    """A row of colours."""
    return "".join(f'<i style="background: rgb{tuple(colour)}"></i>' for colour in colours)


def field_title(title: str, hint: str) -> str:
    """Head of a field."""
    return (
        f'<div class="card-title"><strong>{escape(title)}</strong><span>{escape(hint)}</span></div>'
    )


def card_title(model: Model) -> str:
    """Head of a model's column."""
    return field_title(model.title, model.subtitle)


def caption(segmentation: Segmentation) -> str:
    """Line below a prediction: what was reused and what it took."""
    return f'<p class="caption">{escape(describe_effort(segmentation.effort))}</p>'


def problem(text: str) -> str:
    """A mistake, told in place; empty text = nothing to tell."""
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def heat_caption(meaning: str, low: float, high: float) -> str:
    """Below a heat map: its scale and what is shown."""
    stops = ", ".join(colour_stops())
    return (
        '<div class="scale">'
        f"<span>{low:.2f}</span>"
        f'<i style="background: linear-gradient(90deg, {stops})"></i>'
        f'<span>{high:.2f}</span></div><p class="caption">{escape(meaning)}</p>'
    )


def legend(models: Sequence[Model], results: Sequence[Segmentation | None]) -> str:
    """One legend for all columns: colour, name, share of the picture in every model.

    Args:
        models: the columns.
        results: of the same list of names; None where there is none yet.
    """
    done = [result for result in results if result is not None]
    if not done:
        return ""
    names = done[0].names
    chips = [_chip(colour) for colour in colours_for(names)]
    shares = [None if result is None else result.shares for result in results]
    largest = [max(row[k] for row in shares if row) for k in range(len(names))]
    order = sorted(range(len(names)), key=lambda k: -largest[k])
    labels = [
        f"{chips[k]}{escape(names[k])}{_notes(models, results, k)}" for k in range(len(names))
    ]
    heads = "".join(f'<th scope="col">{escape(model.title)}</th>' for model in models)
    rows = "".join(
        f'<tr><th scope="row">{labels[k]}</th>'
        + "".join(_share(m, row, k) for m, row in zip(models, shares, strict=True))
        + "</tr>"
        for k in order
        if largest[k] >= _FOUND
    )
    absent = "".join(f"<li>{labels[k]}</li>" for k in order if largest[k] < _FOUND)
    if absent:
        absent = f'<p class="absent-title">Not found</p><ul class="absent">{absent}</ul>'
    return (
        '<table class="legend"><caption class="sr-only">Share of the picture by class</caption>'
        f'<thead><tr><th scope="col">Class</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{absent}"
    )


def _chip(colour: Colour) -> str:
    return f'<span class="chip" style="background: rgb{tuple(colour)}"></span>'


def _share(model: Model, shares: Sequence[float] | None, index: int) -> str:
    if shares is None:
        return "<td>…</td>" if model.predictor else "<td>–</td>"
    percent = 100 * shares[index]
    shown = f"{percent:.1f} %" if percent >= 0.05 else "–"
    bar = f'<i class="bar" style="width: {percent:.0f}%"></i>' if percent >= 1 else ""
    return f"<td>{bar}<span>{shown}</span></td>"


def _notes(models: Sequence[Model], results: Sequence[Segmentation | None], index: int) -> str:
    """What a visitor should know of a name: to which class it leans, which words are unknown."""
    pairs = [(m, r) for m, r in zip(models, results, strict=True) if r is not None]
    notes = []
    leanings: dict[str, list[str]] = {}
    for model, result in pairs:
        if result.leanings[index] is not None:
            leanings.setdefault(result.leanings[index], []).append(model.title)
    if leanings:
        apart = len(leanings) > 1
        classes = (
            f"<b>{escape(trained)}</b>" + (f" ({escape(' and '.join(titles))})" if apart else "")
            for trained, titles in leanings.items()
        )
        notes.append(f"not trained, leans to {', '.join(classes)}")
    unknown = dict.fromkeys(word for _, result in pairs for word in result.unknown[index])
    if unknown:
        words = ", ".join(f"“{escape(word)}”" for word in unknown)
        notes.append(f"this CLIP never read {words}")
    return f"<small>{'; '.join(notes)}</small>" if notes else ""
