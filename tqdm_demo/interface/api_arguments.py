"""What programs send to the endpoints, checked: every wrong type is told what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_JSON = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    type(None): "null",
}


def check_picture(value: Any) -> str:
    """The path of a picture; that it is an upload, the door has checked.

    Raises:
        ValueError: no file as gradio names it; a sentence, as everywhere here.
    """
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        raise ValueError(
            'The picture is a file that was uploaded first, written as {"path": "...", "meta": '
            f'{{"_type": "gradio.FileData"}}}}; this is {_kind(value)}.'
        )
    return value["path"]


def check_names(value: Any) -> list[str]:
    """The class names; an empty list is one.

    Raises:
        ValueError: no list of texts.
    """
    return _texts(value, "The class names", 'such as ["road", "car, taxi"]')


def check_model(value: Any) -> str:
    """The name of a model.

    Raises:
        ValueError: no text.
    """
    if not isinstance(value, str):
        raise ValueError(f'The model is one text, its "source" in /models; this is {_kind(value)}.')
    return value


def check_models(value: Any, most: int) -> list[str]:
    """The names of several models.

    Raises:
        ValueError: no list of texts, an empty one, or one of more than ``most``.
    """
    models = _texts(value, "The models", 'each the "source" of one in /models')
    if not 1 <= len(models) <= most:
        raise ValueError(f"{len(models)} models: it takes 1 to {most}.")
    return models


def check_stage(value: Any, stages: Sequence[str]) -> str:
    """The name of a stage.

    Raises:
        ValueError: none of ``stages``.
    """
    if not isinstance(value, str) or value not in stages:
        this = repr(value[:40]) if isinstance(value, str) else _kind(value)
        raise ValueError(f"The stage is one of {', '.join(map(repr, stages))}; this is {this}.")
    return value


def _texts(value: Any, what: str, example: str) -> list[str]:
    expected = f"{what} are a list of texts, {example}"
    if not isinstance(value, list):
        raise ValueError(f"{expected}; this is {_kind(value)}.")
    for number, text in enumerate(value, start=1):
        if not isinstance(text, str):
            raise ValueError(f"{expected}; number {number} is {_kind(text)}.")
    return value


def _kind(value: Any) -> str:
    return _JSON.get(type(value), "a number")
