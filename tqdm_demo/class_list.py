"""A list of classes: read and checked once, from what a user types or a program gives.

One class a line; names after a comma are synonyms of the same class, the best of them counts. A
colour after a colon is optional::

    road
    car, automobile: #0000ff
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tqdm_demo.vocabulary import (
    CITYSCAPES_NAMES,
    MAX_NAMES,
    SYNONYM_NAMES,
    Colour,
    check_names,
    colours_for,
    split_names,
    tell_mistakes,
)

EVERYTHING_ELSE = "everything else"
_GREY: Colour = (150, 150, 150)
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


@dataclass(frozen=True)
class ClassEntry:
    """One class.

    Attributes:
        names: the name and its synonyms; a pixel has the score of the best.
        colour: RGB, 0 to 255.
        label: what the page calls the class; mostly the first name.
    """

    names: tuple[str, ...]
    colour: Colour
    label: str

    @property
    def text(self) -> str:
        """The names as they are written: separated by commas."""
        return ", ".join(self.names)


@dataclass(frozen=True)
class ClassList:
    """K classes whose names are checked. It stays as it is on its way to the model.

    Attributes:
        entries: the K classes.
        text: what was typed, one class a line.
        everything_else: whether the last entry stands for what the list does not name.
        threshold: with ``everything_else``, the match that a pixel needs to have a name, see
            :mod:`tqdm_demo.inference.matches`; 0 = none.
    """

    entries: tuple[ClassEntry, ...]
    text: str = ""
    everything_else: bool = False
    threshold: float = 0.0

    @classmethod
    def from_names(cls, names: Sequence[str]) -> ClassList:
        """Reads one text a class, synonyms separated by commas, without colours.

        Raises:
            ValueError: what :func:`tqdm_demo.vocabulary.split_names` refuses.
        """
        entries = _coloured(split_names(names))
        return cls(entries, "\n".join(entry.text for entry in entries))

    @property
    def names(self) -> tuple[str, ...]:
        """Every class as it is written, synonyms separated by commas."""
        return tuple(entry.text for entry in self.entries)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the page calls the classes."""
        return tuple(entry.label for entry in self.entries)

    @property
    def colours(self) -> tuple[Colour, ...]:
        """RGB colours of the classes, 0 to 255."""
        return tuple(entry.colour for entry in self.entries)

    def extended(self, added: Sequence[ClassEntry]) -> ClassList:
        """The list with further classes behind, in colours that differ from its own.

        Raises:
            ValueError: too many names, or one that is there already.
        """
        entries = (*self.entries, *added)
        check_names([entry.names for entry in entries])
        fresh = colours_for([entry.label for entry in entries])[len(self.entries) :]
        added = tuple(replace(e, colour=colour) for e, colour in zip(added, fresh, strict=True))
        return replace(self, entries=(*self.entries, *added))


def parse_class_list(
    text: str,
    everything_else: bool = False,
    known: Sequence[str] = (),
    threshold: float = 0.0,
) -> ClassList:
    """Reads what a user typed; blank lines do not count.

    Args:
        text: one class a line, for instance ``"road\\ncar, taxi: #0000ff"``.
        everything_else: adds a grey class for what the list does not name, see
            :func:`background_words`.
        known: the classes that the model was trained on, which it is made of; empty = streets'.
        threshold: see :class:`ClassList`.

    Raises:
        ValueError: the list is not usable; one sentence for every mistake.
    """
    # Half of a surrogate pair, which a browser can send, cannot be written anywhere else.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    written, chosen, problems = [], [], []
    for number, line in enumerate(lines, start=1):
        names, colour, problem = _split_colour(line, number)
        written.append(names)
        chosen.append(colour)
        problems += [problem] if problem else []
    if problems:
        raise ValueError(tell_mistakes(problems))
    entries = _coloured(split_names(written), chosen)
    words = background_words(entries, known) if everything_else else ()
    if words:
        entries = (*entries, ClassEntry(words, _GREY, EVERYTHING_ELSE))
    return ClassList(entries, "\n".join(lines), bool(words), threshold if words else 0.0)


def background_words(entries: Sequence[ClassEntry], known: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes that a list leaves out, so that a short list leaves room for them.

    They are ``known``, or the common street words where nothing is given.

    A word is left out when the list has it, its synonym, or something that ends with it ("sports
    car" leaves out "car"). As many words are given as :data:`MAX_NAMES` allows.
    """
    listed = [name.lower() for entry in entries for name in entry.names]
    taken = {*listed, *(name.split()[-1] for name in listed)}
    others = dict(zip(CITYSCAPES_NAMES, SYNONYM_NAMES, strict=True))
    words = [
        word for word in known or CITYSCAPES_NAMES if not {word, others.get(word, word)} & taken
    ]
    return tuple(words[: max(MAX_NAMES - len(listed), 0)])


def _coloured(
    groups: Sequence[tuple[str, ...]], chosen: Sequence[Colour | None] | None = None
) -> tuple[ClassEntry, ...]:
    """Entries of checked names, in the colours that were chosen, or else in usual ones."""
    usual = colours_for([names[0] for names in groups])
    colours = zip(chosen or [None] * len(groups), usual, strict=True)
    return tuple(
        ClassEntry(names, own or other, names[0])
        for names, (own, other) in zip(groups, colours, strict=True)
    )


def _split_colour(line: str, number: int) -> tuple[str, Colour | None, str]:
    """One line without its colour, the colour, and what is wrong with it."""
    names, colon, written = unicodedata.normalize("NFKC", line).rpartition(":")
    if not colon:
        return line, None, ""
    found = _HEX.fullmatch(written.strip())
    if found is None:
        shown = written.strip()[:20]
        return names, None, f"Line {number}: “{shown}” is no colour; write it like #0000ff."
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return names, (red, green, blue), ""
