"""The page's HTML fragments. Names come from users, so everything is escaped here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from html import escape

from tqdm_demo.checkpoints.sources import BUNDLED, Description
from tqdm_demo.vocabulary import CITYSCAPES_COLOURS, Colour, unknown_words


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
        f'<div class="working" role="progressbar" aria-label="{escape(text)}"><i></i></div>'
        f'<p class="caption">{escape(text)}</p>'
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


# Puts a known word in the place of an unknown one, as if it had been typed.
TAKE_WORD = """element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-word]");
    if (!button) return;
    const field = document.querySelector("#names textarea");
    const lines = field.value.split("\\n").map((line) => {
        const [names, colour] = line.split(/:(?=[^:]*$)/);
        const words = names.split(/([\\s,]+)/).map((word) =>
            word.toLowerCase() === button.dataset.instead ? button.dataset.word : word
        );
        return words.join("") + (colour === undefined ? "" : ":" + colour);
    });
    field.value = lines.join("\\n");
    field.dispatchEvent(new Event("input", { bubbles: true }));
});"""
# So many unknown words are told, with so many known ones each.
_TOLD, _OFFERED = 4, 3


def hints(names: Sequence[str], known: Collection[str]) -> str:
    """Unknown words of a list, with buttons for the known words that are spelt most alike."""
    unknown = dict.fromkeys(word for name in names for word in unknown_words(name, known))
    rows = []
    for word in list(unknown)[:_TOLD]:
        near = get_close_matches(word, sorted(known), _OFFERED)
        buttons = " ".join(
            f'<button type="button" data-instead="{escape(word)}" data-word="{escape(other)}">'
            f"{escape(other)}</button>"
            for other in near
        )
        offer = f"Use instead: {buttons}" if near else "No known word is spelt like it."
        rows.append(f"<p>This model never read “{escape(word)}”. {offer}</p>")
    return f'<div class="caption hints">{"".join(rows)}</div>' if rows else ""
