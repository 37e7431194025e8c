"""Command-line options from a dataclass: one ``--field-name`` for every field."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Collection
from typing import Any, TypeVar

from tqdm_demo.config_json import explain, from_json

Instance = TypeVar("Instance")

_METAVARS = {int: "N", float: "X", str: "TEXT"}


def add_options(
    parser: argparse.ArgumentParser, title: str, defaults: object, skip: Collection[str] = ()
) -> None:
    """Adds an option for every field of a dataclass but those in ``skip``.

    Numbers and texts take one value, tuples of numbers as many as their default has, booleans are
    ``--name`` and ``--no-name``. What is not given on the command line is not in the namespace.

    Args:
        parser: gets a group of options for every entry of the dataclass' ``GROUPS``.
        title: what the headings of the groups begin with.
        defaults: the instance whose values ``--help`` shows.
        skip: names of fields.
    """
    kind = type(defaults)
    types, explained = typing.get_type_hints(kind), explain(kind)
    headings, group = getattr(kind, "GROUPS", {}), None
    for field in dataclasses.fields(kind):
        if group is None or field.name in headings:
            group = parser.add_argument_group(f"{title}{headings.get(field.name, '')}")
        if field.name in skip:
            continue
        value, plain = getattr(defaults, field.name), types[field.name]
        settings: dict[str, Any] = {"type": plain, "metavar": _METAVARS.get(plain)}
        if plain is bool:
            settings = {"action": argparse.BooleanOptionalAction}
        elif isinstance(value, tuple):
            plain = type(value[0])
            settings = {"type": plain, "metavar": _METAVARS.get(plain), "nargs": len(value)}
        text = f"{explained[field.name].meaning} {_facts(value, explained[field.name].takes)}"
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            default=argparse.SUPPRESS,
            help=text.replace("``", "").replace("%", "%%"),
            **settings,
        )


def with_options(
    instance: Instance, arguments: argparse.Namespace, skip: Collection[str] = ()
) -> Instance:
    """A copy of a dataclass instance with the fields that were given on the command line.

    Fields in ``skip`` stay: an option of such a name means something else.

    Raises:
        ValueError: a value out of its range.
    """
    given = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(instance)
        if hasattr(arguments, field.name) and field.name not in skip
    }
    return from_json(type(instance), {**dataclasses.asdict(instance), **given})


def _facts(value: Any, takes: str) -> str:
    """What an option takes and its default, in brackets, as it stands on the command line."""
    if isinstance(value, bool):
        return f"(default: {'on' if value else 'off'})"
    shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "empty"
    return f"(default: {shown})" if isinstance(value, str) else f"({takes}; default: {shown})"
