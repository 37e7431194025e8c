"""The tab "Segment" as a visitor meets it. tests/run fails where this is skipped."""

import io
import json
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect

from tests.interface.browsing import (
    CONTRAST,
    SIZES,
    answered,
    keep_screenshot,
    remove_picture,
    send_file,
)

pytestmark = pytest.mark.browser
ATTACK = "<img src=x onerror=boom()>"


def chip(page: Page, name: str):
    return page.locator(".v-chips button", has=page.locator(f'b:text-is("{name}")'))


def middle(page: Page) -> list[int]:
    """The colour in the middle of the canvas, as it is drawn."""
    page.wait_for_timeout(150)  # drawing waits for the next frame
    return page.locator(".v-canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]"
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_readable_everywhere(visit, size, dark):
    page = visit(size=size, dark=dark)
    answered(page)
    page.locator(".v-canvas").click()
    expect(page.locator(".v-reading li").first).to_be_visible()
    found = page.evaluate(CONTRAST)
    keep_screenshot(page, f"segment-{size}-{'dark' if dark else 'light'}")
    assert found["count"] > 60 and found["poor"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    unnamed = page.locator("img:not([alt]), canvas:not([aria-label])")
    assert unnamed.count() == 0, "every picture has a text"


def test_from_the_first_example_to_an_edited_list(visit, street):
    page = visit()
    answered(page)
    expect(page.locator("#model-card")).to_contain_text("mIoU")
    # An own picture.
    remove_picture(page)
    expect(page.locator(".v-empty")).to_be_visible()
    send_file(page, street)
    expect(page.locator("#status")).to_contain_text("picture encoded in")
    # A new name: the picture is not encoded again, the name is; markup stays text.
    names = page.locator("#names textarea")
    names.fill(f"road\nzebra crossing\ncar, taxi: #ff00aa\n{ATTACK}")
    expect(page.locator("#status")).to_contain_text("picture features reused")
    expect(chip(page, "zebra crossing")).to_contain_text("not trained: nearest trained class “")
    expect(page.locator(".v-chips button", has_text=ATTACK)).to_be_visible()
    assert page.locator(".v-chips img").count() == 0
    # A mistake is answered in place; the answer before it stays.
    names.fill("car\nCar")
    expect(page.locator("#names-problem")).to_contain_text("“Car” is there twice")
    names.press("Control+a")
    names.press("Delete")
    expect(page.locator("#names-problem")).to_contain_text("is empty")
    expect(chip(page, "zebra crossing")).to_be_visible()
    # Ready lists, the switch, and back to one's own.
    page.get_by_role("button", name="Things only").click()
    expect(chip(page, "everything else")).to_be_visible()
    expect(page.locator(".v-chips button")).to_have_count(9)
    page.get_by_role("button", name="Your last list").click()
    expect(chip(page, "zebra crossing")).to_be_visible()


def test_the_viewer_needs_no_server(visit):
    page = visit()
    answered(page)
    page.evaluate(
        """() => {
            const fetch = window.fetch;
            window.asked = [];
            window.fetch = (...what) => {
                window.asked.push(String(what[0]));
                return fetch(...what);
            };
        }"""
    )
    # The modes, opacity and wipe change what is drawn in the middle.
    overlay = middle(page)
    page.get_by_role("radio", name="Picture").click()
    plain = middle(page)
    page.get_by_role("radio", name="Labels").click()
    labels = middle(page)
    assert overlay != plain != labels != overlay
    page.get_by_role("radio", name="Overlay").click()
    page.locator(".v-opacity input").fill("0")
    assert middle(page) == plain
    page.locator(".v-opacity input").fill("66")
    assert middle(page) == overlay
    page.locator(".v-wipe").click()
    page.locator(".v-place input").fill("80")
    assert middle(page) == plain
    page.locator(".v-wipe").click()
    # Pointing names the class and its score.
    page.locator(".v-canvas").hover()
    tip = page.locator(".v-tip")
    expect(tip).to_contain_text(re.compile(r"score \d"))
    name = tip.locator("b").text_content()
    # Hiding and showing it alone.
    page.mouse.move(0, 0)
    chip(page, name).click()
    expect(chip(page, name)).to_have_attribute("aria-pressed", "false")
    page.mouse.move(0, 0)
    hidden = middle(page)
    assert hidden != overlay
    # Smoothing lets a neighbour's edge through, where there is one.
    assert max(abs(a - b) for a, b in zip(hidden, plain, strict=True)) < 8
    page.get_by_role("button", name="Show all").click()
    assert middle(page) == overlay
    chip(page, name).dblclick()
    expect(page.locator('.v-chips [aria-pressed="true"]')).to_have_count(1)
    chip(page, name).press("s")
    expect(page.locator('.v-chips [aria-pressed="false"]')).to_have_count(0)
    assert page.evaluate("window.asked") == []


def test_the_viewer_can_be_worked_by_keys(visit):
    page = visit()
    answered(page)
    # The menu before it opens with the focus, and closes with it.
    page.locator("#model input").focus()
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_have_count(0)
    canvas = page.locator(".v-canvas")
    canvas.focus()
    for key, mode in (("2", "Labels"), ("4", "Picture"), ("3", "Outlines"), ("1", "Overlay")):
        canvas.press(key)
        expect(page.get_by_role("radio", name=mode)).to_have_attribute("aria-checked", "true")
    canvas.press("ArrowLeft")
    expect(page.locator(".v-live")).to_contain_text(re.compile(r".+, score \d"))
    canvas.press("+")
    expect(page.locator('[data-zoom="reset"]')).to_have_text("150 %")
    canvas.press("0")
    expect(page.locator('[data-zoom="reset"]')).to_have_text("100 %")
    canvas.press("w")
    expect(page.locator(".v-wipe")).to_have_attribute("aria-pressed", "true")
    canvas.press("Enter")
    expect(page.locator(".v-reading li")).to_have_count(19)
    canvas.press("Escape")
    expect(page.locator(".v-reading")).to_be_hidden()
    outline = canvas.evaluate("c => getComputedStyle(c).outlineStyle")
    assert outline == "solid", "the focus is visible"


def test_a_click_reads_all_classes_and_follows_the_list(visit):
    page = visit()
    answered(page)
    page.locator(".v-canvas").click()
    rows = page.locator(".v-reading li")
    expect(rows).to_have_count(19)
    first = rows.first.locator("b").inner_text()
    expect(page.locator(".v-reading header")).to_contain_text(first)
    numbers = [float(text) for text in rows.locator("span:nth-of-type(1)").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 0
    page.locator("#names textarea").fill("road\nsky\ncar\nwall")
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".v-reading")).to_be_hidden()


def test_the_address_brings_everything_back(visit, served_models):
    page = visit()
    answered(page)
    page.locator("#examples .thumbnail-item").nth(4).click()
    page.locator("#names textarea").fill("road\ncar: #ff00aa")
    # The page adds a class for the rest to so short a list.
    expect(page.locator("#everything-else input")).to_be_checked()
    expect(chip(page, "everything else")).to_be_visible()
    page.locator("#model").click()
    page.get_by_role("option").nth(2).click()
    expect(page.locator("#status")).to_contain_text(served_models.entries[2].title)
    page.wait_for_function("location.search.includes('model=')")
    title = re.compile(f"of {re.escape(served_models.entries[2].title)}: ")
    expect(page.locator(".v-canvas")).to_have_attribute("aria-label", title)
    address, shown = page.url, page.locator(".v-canvas").get_attribute("aria-label")
    again = visit(address.split("?")[1])
    answered(again)
    expect(again.locator(".v-canvas")).to_have_attribute("aria-label", shown)
    expect(again.locator("#names textarea")).to_have_value("road\ncar: #ff00aa")
    expect(again.locator("#everything-else input")).to_be_checked()
    expect(again.locator("#model input")).to_have_value(served_models.entries[2].title)
    expect(again.locator(".v-chips button")).to_have_count(3)


def test_the_result_can_be_taken_along(visit):
    page = visit()
    answered(page)
    with page.expect_download() as download:
        page.locator("#zip").click()
    content = download.value.path().read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert {"labels.png", "colours.png", "overlay.png", "legend.json"} <= set(archive.namelist())
    assert len(json.loads(archive.read("legend.json"))["classes"]) == 19


def test_what_is_no_picture_is_said_in_place(visit, tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_bytes(b"these are my notes")
    page = visit()
    answered(page)
    remove_picture(page)
    send_file(page, text)
    expect(page.locator("#picture-problem")).to_contain_text("not an image")
    page.locator("#examples .thumbnail-item").nth(1).click()
    expect(page.locator("#picture-problem")).to_have_text("")
    answered(page)
