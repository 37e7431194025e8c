"""The demo as a host meets it: exported, installed, started by variables alone, asked.

The folder runs in an environment of its own that borrows this one's packages, and pip holds its
requirements against them. Nothing is downloaded: whether the versions that it names for other
machines (the CPU build of torch, ZeroGPU's) can be installed is not looked at.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from tests.interface.browsing import PATIENCE, answered
from tqdm_demo.publish import main as publish

pytestmark = pytest.mark.process
LONGEST = 300  # seconds until it listens, on a slow machine
MODEL = "photos-tqdm"


@dataclass(frozen=True)
class Space:
    """A running Space: its folder, its Python, its address."""

    folder: Path
    python: Path
    url: str


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Iterator[Space]:
    folder = tmp_path_factory.mktemp("host") / "space"
    hosted = ["--space", "user/demo", "--hardware", "cpu-basic", "--models", MODEL]
    publish([*hosted, "--export", str(folder)])
    python = make_environment(folder.parent / "venv")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder.parent / "log"
    with log.open("w") as out:
        program = subprocess.Popen(
            [python, "app.py"], cwd=folder, env=settings(folder, port), stdout=out, stderr=out
        )
    try:
        start = time.monotonic()
        while not listens(port):
            assert program.poll() is None and time.monotonic() < start + LONGEST, log.read_text()
            time.sleep(0.2)
        yield Space(folder, python, f"http://127.0.0.1:{port}/")
    finally:
        program.terminate()
        program.wait(30)


def make_environment(folder: Path) -> Path:
    """A fresh virtual environment that sees the packages of this one; gives its Python."""
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    (own,) = folder.glob("[lL]ib/**/site-packages")
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def settings(folder: Path, port: int) -> dict[str, str]:
    """The variables of a Space, and nothing that this project is set up with here."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TQDM_", "GRADIO_", "PYTHON"))}
    return kept | {
        "SPACE_ID": "user/demo",
        "TQDM_MODELS": MODEL,
        "CPU_CORES": "1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder.parent / "files"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_its_requirements_are_met_by_what_is_installed(space):
    command = [space.python, "-m", "pip", "install", "--dry-run", "--no-index", "-r"]
    done = subprocess.run(
        [*command, "requirements.txt"], cwd=space.folder, capture_output=True, text=True
    )
    assert done.returncode == 0 and "Would install" not in done.stdout, done.stderr


def test_a_program_asks_it(space):
    client = Client(space.url, verbose=False)
    assert client.predict(api_name="/models")[0]["source"] == MODEL
    picture = handle_file(space.folder / "examples" / "oil.jpg")
    _, names, shares = client.predict(picture, ["sky", "road"], api_name="/segment")
    assert names == ["sky", "road"] and sum(shares) == pytest.approx(1)


@pytest.mark.browser
def test_a_visitor_opens_it_and_copies_a_link_to_the_space(space, browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{space.url}?names=sky%0Aroad")
    answered(page)
    assert page.locator(".v-chips button").count() == 2
    page.wait_for_url("**example=oil**")
    page.locator("#link").click()
    page.get_by_text("The link is copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "https://huggingface.co/spaces/user/demo?example=oil&names=sky%0Aroad"
    context.close()
