"""The main path as a visitor takes it. tests/run fails where this is skipped."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds: the first answer includes a model's first run
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here (its path goes into the variable CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """A page that has opened with its first example; at the end it must have been quiet.

    Quiet: no error in a script, and nothing asked from anywhere but the page's own server.
    """
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 2400})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors, strangers = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: strangers.append(request.url))
    page.goto(page_url)
    for index in range(3):
        decoded(page.locator(f"#prediction-{index} img"))
    expect(page.locator("#caption-2")).to_contain_text("decoded in", timeout=PATIENCE)
    yield page
    context.close()
    own = (page_url, "data:", "blob:")
    assert errors == [] and [url for url in strangers if not url.startswith(own)] == []


def decoded(image: Locator) -> str:
    """Waits until a picture is really there; gives its address."""
    expect(image).to_be_visible(timeout=PATIENCE)
    image.evaluate("image => image.decode()")
    return image.get_attribute("src")


def prediction(page: Page, index: int) -> Locator:
    return page.locator(f"#prediction-{index} img")


def empty(page: Page) -> None:
    """Empties the field of the picture; the predictions go with it."""
    page.locator("#picture").get_by_label("Remove Image").click()
    expect(prediction(page, 0)).to_have_count(0, timeout=PATIENCE)


def test_from_the_first_example_to_an_edited_list(page, street):
    # The page has answered for its first example.
    legend = page.locator("#legend")
    expect(legend.locator("thead th")).to_have_count(4)
    expect(legend).to_contain_text("%")
    before = [decoded(prediction(page, index)) for index in range(3)]

    # An own picture: all three models answer.
    empty(page)
    page.locator("#picture input[type=file]").set_input_files(street)
    for index in range(3):
        caption = page.locator(f"#caption-{index}")
        expect(caption).to_contain_text("picture encoded in", timeout=PATIENCE)
        assert decoded(prediction(page, index)) != before[index]

    # Typing a new name: the picture is not encoded again, the name is.
    names = page.locator("#names textarea")
    names.fill(names.input_value() + "\nzebra crossing")
    for index in range(3):
        expect(page.locator(f"#caption-{index}")).to_contain_text(
            re.compile("picture features reused, 1 new name encoded in .+, decoded in"),
            timeout=PATIENCE,
        )
    expect(legend).to_contain_text("zebra crossing")
    expect(legend).to_contain_text("not trained, leans to")

    # A mistake is answered in place; the answer before it stays.
    names.fill("car\nCar")
    expect(page.locator("#names-problem")).to_contain_text("“Car” is there twice", timeout=PATIENCE)
    names.press("Control+a")
    names.press("Delete")
    expect(page.locator("#names-problem")).to_contain_text("is empty", timeout=PATIENCE)
    expect(legend).to_contain_text("zebra crossing")

    # A short list, and its heat map.
    names.fill("road\nsky")
    expect(page.locator("#names-problem")).to_have_text("", timeout=PATIENCE)
    expect(page.locator("#heat-name input")).to_have_value("road", timeout=PATIENCE)
    expect(legend).not_to_contain_text("zebra crossing", timeout=PATIENCE)
    old = decoded(page.locator("#heat-0 img"))
    page.locator("#heat-view label", has_text="Score").click()
    expect(page.locator("#heat-caption-0")).to_contain_text("probability", timeout=PATIENCE)
    assert decoded(page.locator("#heat-0 img")) != old


def test_an_example_and_a_ready_list(page, drawn_examples):
    before = decoded(prediction(page, 2))
    page.locator("#examples .thumbnail-item").nth(1).click()
    expect(prediction(page, 2)).not_to_have_attribute("src", before, timeout=PATIENCE)
    page.get_by_role("button", name="A walk in the park").click()
    expect(page.locator("#names textarea")).to_have_value(re.compile("footpath"))
    expect(page.locator("#legend")).to_contain_text("footpath", timeout=PATIENCE)


def test_what_is_no_picture_is_said_in_place(page, tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_bytes(b"these are my notes")
    before = decoded(prediction(page, 0))
    empty(page)
    page.locator("#picture input[type=file]").set_input_files(text)
    expect(page.locator("#picture-problem")).to_contain_text("not an image", timeout=PATIENCE)
    page.locator("#examples .thumbnail-item").nth(0).click()
    assert decoded(prediction(page, 0)) == before
    expect(page.locator("#picture-problem")).to_have_text("")


def test_a_narrow_screen_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
