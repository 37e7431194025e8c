"""The tabs Similarity, Compare and Domain shift as a visitor meets them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.interface.browsing import CONTRAST, PATIENCE, SIZES, answered, keep_screenshot

pytestmark = pytest.mark.browser


def grid(page: Page, name: str, pictures: int) -> Locator:
    """Waits until a grid awaits nothing more; gives its cells."""
    found = page.locator(f"#{name} .image-grid")
    expect(found.locator("img")).to_have_count(pictures, timeout=2 * PATIENCE)
    expect(found).to_have_attribute("data-awaited", "0", timeout=PATIENCE)
    found.locator("img").last.evaluate("image => image.decode()")
    return found.locator("button")


def check_looks(page: Page, name: str, size: str, dark: bool) -> None:
    """Text can be read, pictures have a text, nothing sticks out sideways."""
    page.wait_for_timeout(300)
    found = page.evaluate(CONTRAST)
    keep_screenshot(page, f"{name}-{size}-{'dark' if dark else 'light'}")
    assert found["poor"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert page.locator("img:not([alt])").count() == 0


def choose(page: Page, elem_id: str, option: str) -> None:
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.mark.parametrize(("size", "dark"), [("desktop", False), ("phone", True)])
def test_similarity(visit, size, dark):
    page = visit("tab=similarity", size=size, dark=dark)
    cells = grid(page, "similarity-grid", 15)
    grid(page, "clarity-grid", 4)
    expect(page.locator("#clarity-table")).to_contain_text("that of the ground truth")
    check_looks(page, "similarity", size, dark)
    # Pointing at one map reads all of them.
    cells.first.hover()
    tags = page.locator("#similarity-grid .pointed .grid-tag")
    expect(tags).to_have_count(15)
    expect(tags.first).to_have_text(re.compile(r"^−?\d\.\d\d$"))
    # A click enlarges, keys go on and end it.
    cells.first.click()
    dialog = page.locator("dialog.grid-zoom[open]")
    expect(dialog).to_contain_text("Pre-trained CLIP, road")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("tqdm, before, road")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.grid-zoom[open]")).to_have_count(0)
    # Other colours, and another scale that says what it is.
    before = page.locator("#similarity-grid img").first.get_attribute("src")
    choose(page, "similarity-colours", "viridis")
    expect(page.locator("#similarity-grid img").first).not_to_have_attribute("src", before)
    choose(page, "similarity-scale", "Stretched per map")
    expect(page.locator("#similarity-scale-note")).to_contain_text("stretched to its own")


@pytest.mark.parametrize(("size", "dark"), [("desktop", True), ("phone", False)])
def test_compare_models(visit, size, dark):
    page = visit("tab=compare", size=size, dark=dark)
    expect(page.get_by_role("tab").filter(visible=True)).to_have_count(5)
    cells = grid(page, "compare-grid", 6)
    expect(page.locator("#compare-shares thead")).to_contain_text("Ground truth")
    expect(page.locator("#compare-grid")).to_contain_text(re.compile(r"mIoU \d+\.\d % against"))
    check_looks(page, "compare", size, dark)
    # The same place in all answers and the truth.
    cells.nth(1).hover()
    expect(page.locator("#compare-grid .pointed .grid-tag .grid-chip")).to_have_count(4)
    # Another pair.
    choose(page, "compare-second", "Ground truth")
    expect(page.locator("#compare-grid")).to_contain_text("≠ Ground truth")
    # The list is followed.
    page.locator("#names textarea").fill("road\nsky\ncar\nwall")
    expect(page.locator("#compare-shares tbody tr")).to_have_count(4, timeout=PATIENCE)


@pytest.mark.parametrize(("size", "dark"), [("desktop", False), ("phone", True)])
def test_domain_shift(visit, size, dark):
    page = visit("tab=shift", size=size, dark=dark)
    run = page.locator("#filter-run")
    expect(run).to_be_visible()
    # Fewer styles and models, for the time's sake.
    page.locator("#filter-domains [title=Clear]").click()
    choose(page, "filter-domains", "Fog")
    page.locator("#filter-models [title=Clear]").click()
    choose(page, "filter-models", "tqdm")
    page.locator("#filter-models input").press("Escape")
    run.click()
    grid(page, "filter-grid", 4)
    expect(page.locator("#filter-grid")).to_contain_text("% as before")
    expect(run).to_be_visible()
    page.locator("#chart-run").click()
    expect(page.locator("#chart circle")).to_have_count(5, timeout=PATIENCE)
    check_looks(page, "shift", size, dark)


# Ids of the events that are held back until their tab is shown, with the tab's.
HELD_BACK = """() => Object.fromEntries(window.gradio_config.dependencies
    .map(({ id, js }) => [id, /#tab-(\\w+)/.exec(js)?.[1]]).filter(([, tab]) => tab))"""


def test_an_edit_reaches_a_tab_that_was_closed_and_no_other_asks_a_model(visit):
    page = visit()
    answered(page)
    tabs = page.evaluate(HELD_BACK)
    assert set(tabs.values()) == {"segment", "similarity", "compare", "method"}
    asked = set()

    def keep(request: Request) -> None:
        if "queue/join" in request.url:
            asked.add(tabs.get(str(request.post_data_json["fn_index"])))

    page.on("request", keep)
    names = page.locator("#names textarea")
    names.fill(f"{names.input_value()}\nzebra\nsky dome")
    expect(page.locator(".v-chips button")).to_have_count(21)
    expect(page).to_have_url(re.compile("names="))
    assert asked - {None} == {"segment"}
    page.get_by_role("tab", name="Compare").click()
    grid(page, "compare-grid", 6)
    expect(page.locator("#compare-shares")).to_contain_text("zebra")
    assert asked - {None} == {"segment", "compare"}


def test_a_long_run_can_be_stopped(visit):
    page = visit("tab=shift")
    page.get_by_role("tab", name="A drawn street").click()
    page.locator("#street-run").click()
    first = page.locator("#street-grid .image-grid img").first
    expect(first).to_be_visible(timeout=PATIENCE)
    page.locator("#street-stop").click()
    expect(page.locator("#street-run")).to_be_visible()
    # Not of the element around it, where gradio keeps marks of its own that nobody sees.
    expect(page.locator("#street-status .prose")).to_have_text("")
    expect(first).to_be_visible()


def test_two_pictures_are_wiped_read_and_saved(visit):
    page = visit("tab=shift", size="phone")
    page.get_by_role("tab", name="Two pictures").click()
    page.locator("#pair-run").click()
    expect(page.locator("#pair-shares tbody tr").first).to_contain_text("points", timeout=PATIENCE)
    cells = page.locator("#pair-grid .grid-cell button")
    cells.nth(2).hover()
    expect(page.locator("#pair-grid .pointed .grid-tag .grid-chip")).to_have_count(4)
    apart = cells.nth(3).bounding_box()
    slider = page.get_by_role("slider", name="Wipe from First picture to Second picture")
    expect(slider).to_be_hidden()
    page.get_by_role("button", name="Wipe", exact=True).click()
    slider.press("ArrowLeft")
    assert page.locator("#pair-grid .image-grid").evaluate(
        "grid => getComputedStyle(grid).getPropertyValue('--wipe')"
    ) == "49%"  # fmt: skip
    first, second = (cells.nth(k).bounding_box() for k in (2, 3))
    assert apart["x"] > first["x"] and second == pytest.approx(first, abs=1)
    with page.expect_download() as download:
        page.locator("#pair-pdf").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
