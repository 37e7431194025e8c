"""The tab "How it works" as a visitor meets it. tests/run fails where this is skipped."""

import re

import pytest
from playwright.sync_api import expect

from tests.interface.browsing import keep_screenshot

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_three_steps_can_be_explored(visit, size):
    page = visit("tab=method", size=size, dark=size == "phone")
    expect(page.locator("#walk .w-has")).to_be_visible()
    page.locator(".w-matrix").click(position={"x": 40, "y": 60})
    expect(page.locator(".w-read")).to_contain_text("lands nearest to")
    page.locator(".w-picture").click(position={"x": 30, "y": 20})
    expect(page.locator(".w-bars .w-bar").first).to_be_visible()
    expect(page.locator(".w-clarity")).to_contain_text(re.compile(r"m = 0.*m = M"))
    page.locator(".w-step-at").fill("0")
    expect(page.locator(".w-probability")).to_contain_text("Before the first layer")
    page.locator("#method-added input, #method-added textarea").first.fill("lorry")
    page.keyboard.press("Enter")
    expect(page.locator(".w-read")).to_contain_text("“lorry” lands nearest to")
    keep_screenshot(page, f"method-{size}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
