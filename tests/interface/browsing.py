"""What the browser tests share: where the browser is, sizes, contrast, screenshots."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PATIENCE = 60_000  # milliseconds: an answer may include a model's first run
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
# What the line below the viewer says of a question that is new, or that was asked before.
ANSWERED = re.compile("decoded in|asked before")
# Pictures of the page that a person may look at after the tests; not in git.
SCREENSHOTS = Path(__file__).resolve().parents[2] / "runs" / "screenshots"

# The smallest contrast of text and its background: [ratio, text] of every visible text below 4.5.
# Left out: text on pictures, whose background is no colour, and what is disabled.
CONTRAST = """() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    }
    return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => {
      const part = v / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  let count = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const node = walker.currentNode.parentElement;
    const seen = { opacityProperty: true, visibilityProperty: true };
    if (!text || !node.checkVisibility(seen)) continue;
    if (node.closest("#examples, .sr-only, [disabled], script, style, noscript")) continue;
    const box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const back = behind(node);
    const front = over(rgba(getComputedStyle(node).color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    count++;
    if (ratio < 4.5) poor.push([ratio.toFixed(2), text.slice(0, 40), node.className]);
  }
  return { count, poor };
}"""


def keep_screenshot(page: Page, name: str) -> None:
    """Keeps a picture of the whole page for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def answered(page: Page) -> None:
    """Waits for the first answer in the viewer."""
    expect(page.locator("#viewer .v-has, #viewer.v-has").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".v-chips button").first).to_be_visible()
    expect(page.locator("#status")).to_contain_text(ANSWERED)


def remove_picture(page: Page) -> None:
    """Empties the picture field, and waits for nothing but the field."""
    page.locator("#picture").get_by_label("Remove Image").click()
    page.locator("#picture input[type=file]").wait_for(state="attached")


def send_file(page: Page, path: Path) -> None:
    """Chooses a file in the empty picture field."""
    page.locator("#picture input[type=file]").set_input_files(path)
