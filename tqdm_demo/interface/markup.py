"""The page's HTML fragments. Names come from users, so everything is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tqdm_demo.checkpoints.sources import BUNDLED, Description
from tqdm_demo.vocabulary import CITYSCAPES_COLOURS, Colour


def strip(colours: Sequence[Colour]) -> str:
    """A row of colours."""
    return "".join(f'<i style="background: rgb{tuple(colour)}"></i>' for colour in colours)


HEADLINE = f"""<header class="headline">
<div class="strip" aria-hidden="true">{strip(CITYSCAPES_COLOURS)}</div>
<h1>Name it, and see it</h1>
<p class="lead">Write class names in plain words: <b>tqdm</b>, a segmenter whose queries are made
from text, labels every pixel of a picture with one of them.</p>
</header>"""
FOOTER = """<footer class="footer">Method: <a
href="https://arxiv.org/abs/2407.09033">Textual Query-Driven Mask Transformer for Domain
Generalized Segmentation</a> (ECCV 2024). The example pictures are drawn by this project.
Pictures that you upload are used for your results only.</footer>"""


def field_title(title: str, hint: str) -> str:
    """Head of a field."""
    return (
        f'<div class="card-title"><strong>{escape(title)}</strong><span>{escape(hint)}</span></div>'
    )


def problem(text: str) -> str:
    """A mistake, told in place; empty text = nothing to tell."""
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def working(text: str) -> str:
    """A bar that moves while something runs, and what it is."""
    return (
        '<div class="working" role="progressbar" aria-valuetext="'
        f'{escape(text)}"><i></i></div><p class="caption">{escape(text)}</p>'
    )


def progress(text: str, share: float) -> str:
    """A bar of what is done, 0 to 1, and what it is."""
    return (
        f'<div class="progress"><progress value="{share:.3f}" max="1" '
        f'aria-label="{escape(text)}"></progress><span>{escape(text)}</span></div>'
    )


def line(text: str) -> str:
    """A quiet line of text."""
    return f'<p class="caption">{escape(text)}</p>'


def missing(entry: Description) -> str:
    """A model whose weights are missing: what a user should know before they are downloaded."""
    return (
        f'<p class="missing"><strong>{escape(entry.title)}: the weights are not downloaded yet.'
        f"</strong> {escape(entry.about)}</p>"
    )


def model_card(entry: Description) -> str:
    """What is loaded, what it was trained on, and what to expect of it."""
    advice = ""
    if entry.source.removeprefix("zero-shot:").startswith("streets-"):
        advice = (
            "It is tiny and was trained on drawn streets; for photographs choose “tqdm, "
            "photographs” and the names “Photographs 23”, or one of open_clip’s models."
        )
    elif entry.source in BUNDLED:
        advice = "It is tiny and knows the names of the list “Photographs 23” best."
    return f'<p class="model-card">{escape(entry.about)} <span>{advice}</span></p>'
