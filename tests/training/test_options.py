"""Options of a program are the fields of its configuration."""

import argparse
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
from pydantic import ConfigDict, Field

from tqdm_demo.training.options import add_options, with_options


@dataclass(frozen=True)
class Settings:
    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)
    GROUPS: ClassVar[dict[str, str]] = {"step_count": "length", "name": "others"}

    step_count: Annotated[int, Field(ge=1)] = 3
    """Steps, 100% of them, in all."""
    rate: float = 0.5
    name: str = "a"
    fast: bool = True
    span: tuple[float, float] = (1.0, 2.0)
    hidden: dict | None = None


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_options(parser, "settings: ", Settings(name="preset"), skip={"hidden"})
    return with_options(Settings(name="preset"), parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], Settings(name="preset")),
        (["--step-count", "7", "--rate", "1e-3"], Settings(7, 0.001, "preset")),
        (["--no-fast", "--name", "b"], Settings(name="b", fast=False)),
        (["--span", "3", "4.5"], Settings(name="preset", span=(3.0, 4.5))),
    ],
)
def test_options(arguments, wanted):
    assert parse(*arguments) == wanted


def test_an_option_of_another_meaning_is_passed_over():
    arguments = argparse.Namespace(name="a folder", rate=0.1)
    assert with_options(Settings(), arguments, skip={"name"}) == Settings(rate=0.1)


@pytest.mark.parametrize("arguments", [["--hidden", "1"], ["--span", "3"], ["--step-count", "x"]])
def test_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        parse(*arguments)


def test_a_value_out_of_its_range_is_named():
    with pytest.raises(ValueError, match="step_count is 0; it takes an integer at least 1"):
        parse("--step-count", "0")


def test_help_has_sentences_ranges_and_the_values_of_the_instance(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    printed = capsys.readouterr().out
    length, others = printed.split("settings: length:")[1].split("settings: others:")
    assert "Steps, 100% of them, in all. (an integer at least 1; default: 3)" in " ".join(
        length.split()
    )
    assert "--no-fast" in others and "(default: preset)" in others and "default: 1.0 2.0" in others
