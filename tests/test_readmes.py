"""The READMEs and model cards: their links, commands and Python snippets are true."""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import re
import runpy
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import gradio
import numpy as np
import pytest
from huggingface_hub import metadata_load
from packaging.version import Version
from PIL import Image

from tqdm_demo.publish import space_uploads

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for folder in ("", "tqdm_demo/", "weights/", "examples/", "tests/")
    for path in ROOT.glob(f"{folder}{'**/' if folder else ''}*.md")
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
QUICK = re.compile(r"^<!-- quick -->\n```bash\n(.*?)^```$", re.M | re.S)
INDENTED = re.compile(r"(?:^(?: {4}.*)\n)+", re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
PROGRAM_NAME = re.compile(r"app\.py|tqdm_demo[\w.]*")
PROGRAM = re.compile(r"(?:python |-m )(?:app\.py|tqdm_demo[\w.]*)")
PROGRAMS = ("app.py", "tqdm_demo.streets.paint_examples") + tuple(
    f"tqdm_demo.{name}"
    for name in (
        *("segment", "train", "pretrain", "evaluate", "ablate", "convert", "publish", "benchmark"),
    )
)


class Parsed(Exception):
    """A program has read its arguments, with this parser, and would begin to work."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", INDENTED.sub("\n", FENCED.sub("", text)))


def anchors(path: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def command_lines(text: str) -> list[str]:
    """The lines of a shell block, joined where they go on, one command each."""
    lines = text.replace("\\\n", " ").splitlines()
    return [" ".join(part.split()) for line in lines for part in line.split("&&") if part.strip()]


def commands() -> list[str]:
    """Every command line of every page that runs a program of this project."""
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    blocks = [block for text in texts for kind, block in FENCED.findall(text) if kind == "bash"]
    blocks += [block for text in texts for block in INDENTED.findall(FENCED.sub("", text))]
    blocks += [span for text in texts for span in re.findall(r"`([^`\n]+)`", text)]
    return sorted({line for block in blocks for line in command_lines(block)
                   if PROGRAM.search(line)})  # fmt: skip


def quick_commands() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    return [
        line for text in texts for block in QUICK.findall(text) for line in command_lines(block)
    ]


@pytest.fixture
def parser_of(monkeypatch):
    """Gives the parser of a program that was called with arguments that it takes."""
    parse = argparse.ArgumentParser.parse_args

    def stop(parser, *arguments):
        parse(parser, *arguments)
        raise Parsed(parser)

    def run(program: str, *arguments: str) -> argparse.ArgumentParser:
        monkeypatch.setattr("sys.argv", [program, *arguments])
        with pytest.raises(Parsed) as stopped:
            importlib.import_module(program.removesuffix(".py")).main()
        return stopped.value.args[0]

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.syspath_prepend(ROOT)
    return run


def test_the_front_matter_is_what_the_hub_takes():
    found = metadata_load(ROOT / "README.md")
    assert found["sdk"] == "gradio" and (ROOT / found["app_file"]).is_file()
    assert Version(found["sdk_version"]).major == Version(gradio.__version__).major
    assert len(found["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {found["colorFrom"], found["colorTo"]} <= colours


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page):
    for link in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists() and target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_a_space_gets_what_its_pages_link_to():
    sent = {upload.name for upload in space_uploads(ROOT)}
    for page in (page for page in PAGES if name_of(page) in sent):
        links = LINK.findall(without_code(page.read_text(encoding="utf-8")))
        places = [link.partition("#")[0] for link in links if not re.match(r"\w+:|#", link)]
        targets = {name_of((page.parent / place).resolve()) for place in places}
        assert targets <= sent, name_of(page)


def test_paths_that_pages_name_are_there():
    for page in PAGES:
        spans = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
        paths = [s for s in spans if re.fullmatch(r"(tests|tqdm_demo|weights|examples)/[\w./]+", s)]
        assert [path for path in paths if not (ROOT / path).exists()] == [], name_of(page)


def test_every_folder_of_the_package_has_its_line_in_the_tree():
    (tree,) = (b for b in INDENTED.findall((ROOT / "README.md").read_text()) if "app.py  " in b)
    told = dict(line.split(maxsplit=1) for line in tree.splitlines())
    folders = {f"{path.parent.name}/" for path in ROOT.glob("tqdm_demo/*/__init__.py")}
    tops = {"app.py", "tqdm_demo/", "weights/", "examples/", "tests/"}
    assert set(told) == folders | tops


@pytest.mark.parametrize("command", commands())
def test_commands_are_what_the_programs_take(command, parser_of):
    words = [word for word in shlex.split(command, comments=True) if word != "--help"]
    at = next(i for i, word in enumerate(words) if PROGRAM_NAME.fullmatch(word))
    if len(words) > at + 1 or command.endswith("--help"):
        parser_of(words[at], *words[at + 1 :])
    else:  # a page that only names the program
        assert find_spec(words[at].removesuffix(".py")) is not None


def test_flags_that_pages_name_exist(parser_of):
    needed = {
        "tqdm_demo.segment": ["P"],
        "tqdm_demo.evaluate": ["M"],
        "tqdm_demo.ablate": ["--out", "F"],
        "tqdm_demo.convert": ["a", "b"],
        "tqdm_demo.publish": ["a", "b/c"],
        "tqdm_demo.benchmark": ["M"],
    }
    usages = [parser_of(name, *needed.get(name, ())).format_usage() for name in PROGRAMS]
    known = {"--help", *itertools.chain(*map(FLAG.findall, usages))}
    for page in PAGES:
        spans = re.findall(r"`([^`]+)`", FENCED.sub("", page.read_text(encoding="utf-8")))
        named = {flag for span in spans for flag in FLAG.findall(span)}
        assert named <= known, f"{name_of(page)}: {sorted(named - known)}"


@pytest.mark.process
@pytest.mark.parametrize("command", quick_commands())
def test_quick_commands_run(command, tmp_path):
    words = shlex.split(command, comments=True)
    assert words[:2] == ["python", "-m"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_python_snippets_of_the_front_page_run(tmp_path, monkeypatch):
    blocks = FENCED.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    (block,) = (block for kind, block in blocks if kind == "python" and "Predictor" in block)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "snippet.py").write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = runpy.run_path("snippet.py")["result"]
    mask = np.asarray(Image.open(tmp_path / "car.png"))
    assert len(result.names) == 3 and np.array_equal(mask, result.label_map == 0)


def test_every_python_snippet_is_run_by_a_test():
    """The others ask a page that is served: :mod:`tests.interface.test_api` runs these two."""
    snippets = {
        name_of(page): ["Client(" in block for kind, block in FENCED.findall(page.read_text())
                        if kind == "python"]
        for page in PAGES
    }  # fmt: skip
    assert {page: kinds for page, kinds in snippets.items() if kinds} == {
        "README.md": [False, True],
        "tqdm_demo/interface/README.md": [True],
    }
