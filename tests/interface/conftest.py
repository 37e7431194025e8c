"""The page on a free port, and a browser: with the bundled weights where they are there."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.interface.browsing import CHROMIUM, FLAGS, PATIENCE, SIZES
from tests.real_pictures import real_pictures
from tqdm_demo.checkpoints.folder_files import WEIGHTS
from tqdm_demo.interface.examples import Example, read_examples
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.page import build_page, launch_page

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ("streets-tqdm", "streets-queries", "zero-shot:mini-clip")


def let_threads_end(patience: float = 60.0) -> None:
    """Waits until no thread runs the package: Python may not end while one is inside torch.

    A run that a visitor has stopped, or whose page was closed, works on to its next step.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        others = (f for t, f in sys._current_frames().items() if t != threading.get_ident())
        files = {step.f_code.co_filename for f in others for step, _ in traceback.walk_stack(f)}
        if not any(Path(file).is_relative_to(ROOT / "tqdm_demo") for file in files):
            return
        time.sleep(0.1)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The server, its models and a browser share the cores: torch's threads would only wait."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_models(tiny_weights: Path) -> ModelManager:
    """Untrained models: the first three are of every kind."""
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    return ModelManager(
        [str(tiny_weights / "tiny-tqdm"), str(tiny_weights / "tiny-queries"), clip], "cpu"
    )


@pytest.fixture(scope="session")
def served_models(request: pytest.FixtureRequest) -> ModelManager:
    """The bundled models; untrained ones where their folders are missing."""
    names = [source.removeprefix("zero-shot:") for source in BUNDLED]
    if all((WEIGHTS / name / "model.safetensors").is_file() for name in names):
        return ModelManager(BUNDLED, "cpu")
    return request.getfixturevalue("tiny_models")


@pytest.fixture(scope="session")
def drawn_examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """The bundled examples; two plain pictures where there are none."""
    if examples := read_examples():
        return examples
    folder = tmp_path_factory.mktemp("examples")
    examples = []
    for name, colour in (("grey", (128, 128, 128)), ("blue", (70, 130, 180))):
        path = folder / f"{name}.jpg"
        Image.new("RGB", (128, 64), colour).save(path)
        examples.append(Example(path, None, name, "game", ("road",), "Apache-2.0"))
    return examples


@pytest.fixture(scope="session")
def page_url(
    served_models: ModelManager,
    drawn_examples: list[Example],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    # A proxy from the environment must not stand between the page and its own browser.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("gradio"))
    page = build_page(served_models, drawn_examples)
    yield launch_page(page, "127.0.0.1", port=None, block=False)
    page.close()
    let_threads_end()


@pytest.fixture(scope="session")
def camvid_frame() -> Path:
    """A real frame; see :func:`tests.real_pictures.real_pictures`."""
    return real_pictures("camvid", "images/val/*.jpg")[0]


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A picture file that no test has sent before: 150 x 100 pixels."""
    pixels = np.random.default_rng().integers(0, 256, (100, 150, 3), np.uint8)
    path = tmp_path / "street.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here (its path goes into the variable CHROMIUM)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, page_url: str) -> Iterator[Callable[..., Page]]:
    """Opens pages: ``visit(query, size="desktop" | "phone", dark=False)``.

    At the end they must have been quiet: no error in a script, and nothing asked from anywhere
    but the page's own server.
    """
    errors, strangers, contexts = [], [], []
    own = (page_url, "data:", "blob:")

    def open_page(query: str = "", size: str = "desktop", dark: bool = False) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            color_scheme="dark" if dark else "light",
            has_touch=size == "phone",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: strangers.append(request.url))
        theme = "__theme=dark&" if dark else ""
        page.goto(f"{page_url}?{theme}{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == [] and [url for url in strangers if not url.startswith(own)] == []
