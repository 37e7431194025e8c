"""The grammar of data specifications: ``KIND:FOLDER:OPTION:...``, several separated by commas.

A folder whose name has a colon or a comma stands in double quotes (``folder:"/data/a,b":val``; a
quote inside them is doubled); a Windows drive letter needs none (``folder:C:\\data:val``). Options
are words (a split, a condition) and ``name=value`` pairs; those of :data:`SETTINGS` are known for
every set on disk and may be repeated. ``KIND::OPTION`` leaves the folder open, for ``--data-root``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath

# include, exclude: patterns of picture names; every: each N-th of them; filter: look of a domain.
SETTINGS = ("include", "exclude", "every", "filter")
STREETS = "streets"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SPECIAL = re.compile(r'[:,"]|^\s|\s$')
_SEPARATOR = re.compile("[:,]")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"\s*')


@dataclass(frozen=True)
class Spec:
    """One part of a specification; ``str()`` writes it again.

    Attributes:
        kind: what stands before the first colon.
        place: the folder, or the domain of drawn streets; "" = left open.
        words: options without a value.
        settings: options with one, as (name, value).
    """

    kind: str
    place: str = ""
    words: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        place = self.place
        if _SPECIAL.search(place[2:] if _DRIVE.match(place) else place):
            place = '"' + place.replace('"', '""') + '"'
        options = [*self.words, *(f"{name}={value}" for name, value in self.settings)]
        return ":".join([self.kind, place, *options] if place or options else [self.kind])

    def values(self, name: str) -> tuple[str, ...]:
        """All values of one setting, in order."""
        return tuple(value for key, value in self.settings if key == name)

    def with_setting(self, name: str, value: str | None) -> Spec:
        """A copy with this setting alone of its name, or without it for None."""
        kept = tuple(pair for pair in self.settings if pair[0] != name)
        return replace(self, settings=kept if value is None else (*kept, (name, value)))

    @property
    def set_name(self) -> str:
        """What a reader is told: the kind, of a plain folder also its name."""
        return f"folder {self.short_place}" if self.kind == "folder" else self.kind

    @property
    def short_place(self) -> str:
        """The last part of the folder's name, whichever way its slashes lean."""
        return PureWindowsPath(self.place).name or self.place


def split_specs(text: str) -> tuple[Spec, ...]:
    """Reads a comma-separated list; an empty part becomes a Spec of an empty kind.

    Raises:
        ValueError: a quote that is not closed, text behind a closed one, or an unknown setting.
    """
    return tuple(map(_read, _parts(text))) if text.strip() else ()


def with_root(text: str, root: str) -> str:
    """A specification list whose open folders are ``root``."""
    return ",".join(
        str(spec if spec.place or spec.kind == STREETS else replace(spec, place=root))
        for spec in split_specs(text)
    )


def open_kinds(text: str) -> tuple[str, ...]:
    """The kinds whose folder is left open."""
    return tuple(spec.kind for spec in split_specs(text) if spec.kind and not spec.place)


def _parts(text: str) -> Iterator[list[str]]:
    """The colon-separated fields of every comma-separated part, without their quotes."""
    fields, position = [], 0
    while True:
        field, position = _field(text, position, folder=len(fields) == 1)
        fields.append(field)
        if position == len(text) or text[position] == ",":
            yield fields
            fields = []
        if position == len(text):
            return
        position += 1


def _field(text: str, start: int, folder: bool) -> tuple[str, int]:
    """One field, and where its separator is; a quoted one keeps every character."""
    while text[start : start + 1].isspace():
        start += 1
    if text[start : start + 1] == '"':
        return _quoted(text, start)
    search = start + 2 if folder and _DRIVE.match(text, start) else start
    found = _SEPARATOR.search(text, search)
    end = found.start() if found else len(text)
    return text[start:end].strip(), end


def _quoted(text: str, start: int) -> tuple[str, int]:
    found = _QUOTED.match(text, start)
    if found is None:
        raise ValueError(f"a quote is not closed in the data specification {text!r}")
    if found.end() < len(text) and text[found.end()] not in ":,":
        raise ValueError(f"{text[found.end() :]!r} stands behind a closed quote in {text!r}")
    return found[1].replace('""', '"'), found.end()


def _read(fields: list[str]) -> Spec:
    kind, place, *options = [*fields, ""][: max(2, len(fields))]
    words, settings = [], []
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            words.append(option)
        elif name in SETTINGS and value:
            settings.append((name, value))
        else:
            known = ", ".join(f"{name}=..." for name in SETTINGS)
            raise ValueError(
                f"{option!r} in {':'.join(fields)!r} is not understood; known: {known}"
            )
    return Spec(kind, place, tuple(words), tuple(settings))
