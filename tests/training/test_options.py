"""Options of a program are the fields of its configuration."""

import argparse
from dataclasses import dataclass

import pytest

from tqdm_demo.training.options import add_options, with_options


@dataclass(frozen=True)
class Settings:
    step_count: int = 3
    rate: float = 0.5
    name: str = "a"
    fast: bool = True
    span: tuple[float, float] = (1.0, 2.0)
    hidden: dict | None = None


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_options(parser, Settings, skip={"hidden"})
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
