"""Measures how long a visitor waits, in a real browser, with the bundled models on this machine.

    python -m tests.interface.latency [--repeats 5]

Takes about three minutes on a free machine with two cores; prints one line a measure: the median
in milliseconds. Network and screen are this machine's own. Every repeat of a tab has a new page
and a new picture, so that nothing is kept from the one before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.interface.browsing import CHROMIUM, FLAGS, PATIENCE, SIZES
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.page import build_page, launch_page

# Runs `act`, and resolves with the milliseconds until `done()` is true.
WATCH = """([act, done]) => new Promise((tell) => {
    const act_ = new Function(act), done_ = new Function(`return ${done}`);
    const start = performance.now();
    const look = () => done_() ? tell(performance.now() - start) : requestAnimationFrame(look);
    act_();
    requestAnimationFrame(look);
})"""


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description="Measures how long a visitor waits.")
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    models = ModelManager((), "cpu")
    for source in models.columns:
        models.predictor(source)
    blocks = build_page(models, read_examples())
    url = launch_page(blocks, "127.0.0.1", port=None, block=False)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        width, height = SIZES["desktop"]
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        start = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(".v-chips button")
        print(f"{'opening until the first answer':42} {1000 * (time.perf_counter() - start):7.0f}")
        for name, measure in _measures(page, Path(folder)).items():
            print(f"{name:42} {statistics.median(measure(i) for i in range(repeats)):7.0f}")
        page.close()
        rounds = [_of_the_tabs(browser, url, Path(folder), i) for i in range(repeats)]
        for name in rounds[0]:
            print(f"{name:42} {statistics.median(times[name] for times in rounds):7.0f}")
        browser.close()
    blocks.close()


def _measures(page: Page, folder: Path) -> dict[str, Callable[[int], float]]:
    """Name -> what takes the number of the repeat and gives milliseconds."""
    return {**_of_the_viewer(page), **_of_the_models(page, folder)}


def _of_the_viewer(page: Page) -> dict[str, Callable[[int], float]]:
    canvas = page.locator(".v-canvas").bounding_box()

    def watch(act: str, done: str) -> float:
        return page.evaluate(WATCH, [act, done])

    def opacity(i: int) -> float:
        act = (
            "const field = document.querySelector('.v-opacity input');"
            f"field.value = {10 + i}; field.dispatchEvent(new Event('input', {{bubbles: true}}))"
        )
        shown = "document.querySelector('.v-opacity output').textContent"
        return watch(act, f"{shown} === '{10 + i} %'")

    def pointer(kind: str, i: int) -> str:
        x, y = canvas["x"] + canvas["width"] * (0.2 + 0.1 * i), canvas["y"] + canvas["height"] / 2
        return (
            f"document.querySelector('.v-canvas').dispatchEvent(new PointerEvent('{kind}', "
            f"{{bubbles: true, clientX: {x}, clientY: {y}, pointerId: 1, pointerType: 'mouse'}}));"
        )

    def hover(i: int) -> float:
        leave = pointer("pointerout", i)
        return watch(
            leave + pointer("pointermove", i), "document.querySelector('.v-tip.v-on') !== null"
        )

    def click(i: int) -> float:
        page.evaluate("document.querySelector('.v-reading').hidden = true")
        start = time.perf_counter()
        page.mouse.click(canvas["x"] + 60 + 90 * i, canvas["y"] + canvas["height"] / 2)
        page.wait_for_selector(".v-reading li:first-child")
        return 1000 * (time.perf_counter() - start)

    return {"opacity": opacity, "hover": hover, "click on a pixel": click}


def _of_the_models(page: Page, folder: Path) -> dict[str, Callable[[int], float]]:
    def edit(i: int) -> float:
        # A list of up to three would get "everything else" by itself.
        names = ["sky", "car", *(f"name {k} {i}" for k in range(1 + i))]
        start = time.perf_counter()
        page.locator("#names textarea").fill("\n".join(["road", *names]))
        page.wait_for_function(
            "count => document.querySelectorAll('.v-chips button').length === count", arg=4 + i
        )
        return 1000 * (time.perf_counter() - start)

    def picture(i: int) -> float:
        path = _noise(folder, i)
        page.locator("#picture").get_by_label("Remove Image").click()
        page.wait_for_selector(".v-empty", state="visible")
        start = time.perf_counter()
        page.locator("#picture input[type=file]").set_input_files(path)
        page.wait_for_selector(".v-empty", state="hidden")
        return 1000 * (time.perf_counter() - start)

    def model(i: int) -> float:
        page.locator("#model").click()
        option = page.get_by_role("option").nth((i + 1) % 3)
        title = option.get_attribute("aria-label") or option.inner_text().strip()
        start = time.perf_counter()
        option.click()
        page.wait_for_function(
            "title => document.querySelector('.v-canvas').ariaLabel.includes(`of ${title}:`)",
            arg=title.removeprefix("✓").strip(),
        )
        return 1000 * (time.perf_counter() - start)

    return {
        "class edit (350 of them wait for more keys)": edit,
        "a new picture of 1280 x 640 pixels": picture,
        "another model, loaded already": model,
    }


def _of_the_tabs(browser: Browser, url: str, folder: Path, i: int) -> dict[str, float]:
    """Name -> milliseconds of what follows one new picture, in a new page, one after the other."""
    width, height = SIZES["desktop"]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector(".v-chips button")
    files = [_noise(folder, 1000 + 4 * i + k) for k in range(4)]
    times = {}

    def timed(name: str, done: str, act: Callable[[], object]) -> None:
        start = time.perf_counter()
        act()
        page.locator(done).first.wait_for()
        times[name] = 1000 * (time.perf_counter() - start)

    def open_tab(name: str) -> None:
        page.get_by_role("tab", name=name).click()

    def add_name() -> None:
        page.locator("#method-added input, #method-added textarea").first.fill("lorry")
        page.keyboard.press("Enter")

    def save_figure() -> None:
        with page.expect_download() as download:
            page.locator("#pair-png").click()
        download.value.path()

    send = page.locator("#picture input[type=file]").first.set_input_files
    kind = "#picture-kind:has-text('photo or painting')"
    answer = f"body:has({kind}) #status:has-text('photographs')"
    timed("a picture that gets another model", answer, lambda: send(files[0]))
    timed("How it works", "#walk .w-has", lambda: open_tab("How it works"))
    timed("a name added there", ".w-read:has-text('lorry')", add_name)
    timed("Similarity", "#clarity-table table", lambda: open_tab("Similarity"))
    timed("Compare", "#compare-differing :is(table, p)", lambda: open_tab("Compare"))
    open_tab("Domain shift")
    open_tab("Two pictures")
    timed("two pictures", "#pair-shares table", page.locator("#pair-run").click)
    timed("their figure as PNG", "#pair-png", save_figure)
    open_tab("One class")
    page.locator("#many-files input[type=file]").set_input_files(files)
    page.wait_for_timeout(1500)
    shares = "#many-shares tr:nth-child(4)"
    timed("one class in four pictures", shares, page.locator("#many-run").click)
    page.close()
    return times


def _noise(folder: Path, seed: int) -> Path:
    """A picture of 1280 x 640 pixels that nobody has sent before."""
    path = folder / f"{seed}.png"
    pixels = np.random.default_rng(seed).integers(0, 256, (640, 1280, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


if __name__ == "__main__":
    main()
