"""Command-line options from a dataclass: one ``--field-name`` for every field."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Collection
from typing import Any, TypeVar

Instance = TypeVar("Instance")


def add_options(parser: argparse.ArgumentParser, kind: type, skip: Collection[str] = ()) -> None:
    """Adds an option for every field of a dataclass but those in ``skip``.

    Numbers and texts take one value, tuples of numbers as many as their default has, booleans are
    ``--name`` and ``--no-name``. What is not given on the command line is not in the namespace.
    """
    types = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if field.name in skip:
            continue
        settings: dict[str, Any] = {"type": types[field.name]}
        if types[field.name] is bool:
            settings = {"action": argparse.BooleanOptionalAction}
        elif isinstance(field.default, tuple):
            settings = {"type": type(field.default[0]), "nargs": len(field.default)}
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, default=argparse.SUPPRESS, **settings)


def with_options(
    instance: Instance, arguments: argparse.Namespace, skip: Collection[str] = ()
) -> Instance:
    """A copy of a dataclass instance with the fields that were given on the command line.

    Fields in ``skip`` stay: an option of such a name means something else.
    """
    given = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(instance)
        if hasattr(arguments, field.name) and field.name not in skip
    }
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return dataclasses.replace(instance, **given)
