"""Configurations to and from JSON; errors name the key, its value, and what it takes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Config = TypeVar("Config")


@dataclass(frozen=True)
class FieldHelp:
    """What a reader has to know of one field.

    Attributes:
        meaning: its text in the source.
        takes: type and range in words, "an integer, at least 1".
    """

    meaning: str
    takes: str


@cache
def explain(kind: type) -> dict[str, FieldHelp]:
    """Every field of a dataclass by its name: what it means and what it takes."""
    schema = _adapter(kind).json_schema()["properties"]
    return {
        name: FieldHelp(" ".join(rules.get("description", "").split()), _in_words(rules))
        for name, rules in schema.items()
    }


def to_json(config: object) -> dict[str, Any]:
    """The plain dictionary that ``json.dumps`` takes."""
    return dataclasses.asdict(config)


def from_json(kind: type[Config], values: object) -> Config:
    """Builds ``kind`` from a dictionary read from JSON (lists become tuples).

    Raises:
        ValueError: no dictionary, unknown keys, or values of a wrong type or out of their range;
            all of them, with what they take.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} is {brief(values)}; it takes an object of keys")
    known = {f.name for f in dataclasses.fields(kind)}
    unknown = sorted(map(str, set(values) - known))
    if unknown:
        raise ValueError(f"unknown {kind.__name__} keys {unknown}; known are {sorted(known)}")
    try:
        return _adapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise ValueError("; ".join(dict.fromkeys(_explain(kind, values, e) for e in errors))) from (
            None
        )


def brief(value: object) -> str:
    """A value as JSON has it, at most a line of it."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 80 else text[:77] + "..."


@cache
def _adapter(kind: type) -> TypeAdapter:
    return TypeAdapter(kind)


def _explain(kind: type, values: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in our words."""
    if not error["loc"]:  # of __post_init__, which knows better
        return str(error["ctx"]["error"])
    name = str(error["loc"][0])
    value = brief(values[name]) if name in values else "missing"
    return f"{name} is {value}; it takes {explain(kind)[name].takes}"


def _in_words(rules: Mapping[str, Any]) -> str:
    """What a JSON schema lets through."""
    if "enum" in rules:
        return " or ".join(map(repr, rules["enum"]))
    if "anyOf" in rules:
        return " or ".join(map(_in_words, rules["anyOf"]))
    if "prefixItems" in rules:
        items = rules["prefixItems"]
        return f"a list of {len(items)}, each {_in_words(items[0])}"
    if rules.get("type") == "array":
        return f"a list, each {_in_words(rules['items'])}"
    words = {"integer": "an integer", "number": "a number", "boolean": "true or false",
             "string": "a text", "object": "an object", "null": "null"}  # fmt: skip
    limits = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below",
              "maximum": "at most"}  # fmt: skip
    ranges = [f"{word} {rules[key]:g}" for key, word in limits.items() if key in rules]
    return " ".join([words[rules["type"]], *" and ".join(ranges).split()])
