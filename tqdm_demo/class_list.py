"""The class list as a visitor types it: one class a line, with synonyms and a colour.

::

    road
    car, automobile: #0000ff

Names after a comma are synonyms of the same class, the best of them counts. A colour after a
colon is optional.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm_demo.vocabulary import (
    CITYSCAPES_NAMES,
    MAX_NAMES,
    SYNONYM_NAMES,
    Colour,
    check_names,
    colours_for,
    display_name,
    split_synonyms,
    tell_mistakes,
)

EVERYTHING_ELSE = "everything else"
_GREY: Colour = (150, 150, 150)
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


@dataclass(frozen=True)
class ClassList:
    """A checked list of K classes.

    Attributes:
        names: K entries as a predictor takes them, synonyms separated by commas.
        colours: K RGB colours, 0 to 255.
        labels: K short names as the page shows them.
        text: what was typed, one class a line.
        everything_else: whether the last entry stands for what the list does not name.
    """

    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    labels: tuple[str, ...]
    text: str = ""
    everything_else: bool = False


def parse_class_list(text: str, everything_else: bool = False) -> ClassList:
    """Reads what a visitor typed; blank lines do not count.

    Args:
        text: one class a line, for instance ``"road\\ncar, taxi: #0000ff"``.
        everything_else: adds a grey class for what the list does not name, see
            :func:`background_words`.

    Raises:
        ValueError: the list is not usable; one sentence for every mistake.
    """
    # Half of a surrogate pair, which a browser can send, cannot be written anywhere else.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    entries, chosen, problems = [], [], []
    for number, line in enumerate(lines, start=1):
        entry, colour, problem = _split_colour(line, number)
        entries.append(entry)
        chosen.append(colour)
        problems += [problem] if problem else []
    if problems:
        raise ValueError(tell_mistakes(problems))
    names = check_names(entries)
    colours = colours_for(names)
    colours = tuple(own or other for own, other in zip(chosen, colours, strict=True))
    labels = tuple(map(display_name, names))
    words = background_words(names) if everything_else else ()
    if words:
        names, labels = (*names, ", ".join(words)), (*labels, EVERYTHING_ELSE)
        colours = (*colours, _GREY)
    return ClassList(names, colours, labels, "\n".join(lines), bool(words))


def background_words(names: Sequence[str]) -> tuple[str, ...]:
    """The common street words that a list leaves out, so that a short list leaves room for them.

    A word is left out when the list has it, its synonym, or something that ends with it ("sports
    car" leaves out "car"). As many words are given as :data:`MAX_NAMES` allows.

    Args:
        names: checked entries.
    """
    listed = [name.lower() for entry in names for name in split_synonyms(entry)]
    taken = {*listed, *(name.split()[-1] for name in listed)}
    pairs = zip(CITYSCAPES_NAMES, SYNONYM_NAMES, strict=True)
    words = [word for word, other in pairs if not {word, other} & taken]
    return tuple(words[: max(MAX_NAMES - len(listed), 0)])


def _split_colour(line: str, number: int) -> tuple[str, Colour | None, str]:
    """One line without its colour, the colour, and what is wrong with it."""
    name, colon, written = unicodedata.normalize("NFKC", line).rpartition(":")
    if not colon:
        return line, None, ""
    found = _HEX.fullmatch(written.strip())
    if found is None:
        shown = written.strip()[:20]
        return name, None, f"Line {number}: “{shown}” is no colour; write it like #0000ff."
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return name, (red, green, blue), ""
