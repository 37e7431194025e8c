"""Every way in which a picture comes into the page; the last one that was chosen is the one."""

import base64
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.interface.browsing import answered, remove_picture, send_file

pytestmark = pytest.mark.browser
# Drops a file on what the field shows: [its name, its kind, its bytes in base64].
DROP = """([name, type, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    const field = document.querySelector("#picture");
    const shown = field.querySelector(".image-frame img") ?? field.querySelector("button");
    shown.dispatchEvent(drop);
}"""
# Clicks examples 20 ms after each other, faster than the page can answer.
CLICK_ALL = """(numbers) => numbers.forEach((number, i) => setTimeout(
    () => document.querySelectorAll("#examples .thumbnail-item")[number].click(), 20 * i
))"""


@pytest.fixture
def noise(tmp_path):
    """Makes a picture file of a width that tells it from others; 40 pixels are its height."""

    def make(name, width, kind="PNG"):
        path = tmp_path / name
        pixels = np.random.default_rng(width).integers(0, 256, (40, width, 3), np.uint8)
        Image.fromarray(pixels).save(path, kind)
        return path

    return make


def is_answered(page: Page, width: int) -> None:
    """Waits for the answer to the picture of this width."""
    style = re.compile(rf"aspect-ratio: {width} / 40;")
    expect(page.locator(".v-canvas")).to_have_attribute("style", style)
    expect(page.locator("#status")).to_contain_text("decoded in")
    expect(page.locator("#picture-problem")).to_have_text("")


def test_of_quick_clicks_the_last_one_counts(visit, drawn_examples):
    page = visit()
    answered(page)
    last = len(drawn_examples) - 1
    for numbers in ([1, last], [last, 0], [0, 1, last, 1]):
        page.evaluate(CLICK_ALL, numbers)
        address = re.compile(f"example={drawn_examples[numbers[-1]].path.stem}(&|$)")
        expect(page).to_have_url(address)
        page.wait_for_timeout(400)  # an answer that comes late must not take its place
        expect(page).to_have_url(address)


def test_a_picture_can_be_replaced_before_it_is_answered(visit, noise):
    page = visit()
    for width in range(50, 90, 5):
        remove_picture(page)
        send_file(page, noise(f"{width}.png", width))
        page.locator("#picture .image-frame img").wait_for()
    is_answered(page, 85)


def test_a_file_need_not_say_what_it_is(visit, noise, tmp_path):
    page = visit()
    remove_picture(page)
    send_file(page, noise("photo", 51))
    is_answered(page, 51)
    # On a picture, and of a kind that the system does not know.
    drop(page, noise("scan", 52, "TIFF"))
    is_answered(page, 52)
    drop(page, noise("plain.png", 53), "image/png")
    is_answered(page, 53)
    notes = tmp_path / "notes.xyz"
    notes.write_bytes(b"these are my notes")
    drop(page, notes)
    expect(page.locator("#picture-problem")).to_contain_text("not an image")
    # On the empty field.
    drop(page, noise("again", 54))
    is_answered(page, 54)


def drop(page: Page, path, kind: str = "") -> None:
    content = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(DROP, [path.name, kind, content])
