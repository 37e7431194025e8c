"""What visitors should not send, but do: a sentence, and a page that goes on working."""

import re
import subprocess
import sys
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.interface.bad_input import NAMES, PICTURES, BadPicture, OddNames, grey_png
from tests.interface.browsing import ANSWERED, answered, remove_picture, send_file
from tqdm_demo.class_list import EVERYTHING_ELSE, parse_class_list
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest
from tqdm_demo.interface.choices import is_short
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import MAX_SIDE, make_parts
from tqdm_demo.interface.permalink import write_link
from tqdm_demo.interface.sidebar import build_sidebar, edit_names, take_picture

ROOT = Path(__file__).resolve().parents[2]
# What the page treats like others of the table; the rest goes through the browser as well.
SAME_TO_A_BROWSER = (
    "truncated PNG", "HEIC, other brand", "EPS", "16-bit", "alpha", "palette", "JPEG called PNG",
)  # fmt: skip
# A refused picture may cost this many kilobytes more than nothing at all.
SMALL = 100_000
MEASURE = """
import resource, sys
from tqdm_demo.inference.preprocessing import read_image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_image(sys.argv[1], 1280)
except ValueError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture(scope="module")
def built(tiny_weights):
    """Page, sidebar and store, on an untrained model."""
    models = ModelManager([str(tiny_weights / "tiny-tqdm")], "cpu")
    models.predictor(models.columns[0])
    with gr.Blocks():
        page = make_parts(models, [])
        sidebar = build_sidebar(page)
    return page, sidebar, AnswerStore(models)


@pytest.mark.parametrize("bad", PICTURES, ids=lambda bad: bad.case)
def test_a_picture_is_shown_or_answered_with_a_sentence(built, tmp_path, bad: BadPicture):
    page, sidebar, store = built
    path = tmp_path / bad.name
    path.write_bytes(bad.content)
    updates = take_picture(str(path), page, sidebar)
    if bad.says:
        told = updates.pop(sidebar.picture_problem)
        assert bad.says in told and told.count("<p") == 1
        assert updates == {sidebar.picture: None}, "the last good picture stays"
        return
    assert updates[sidebar.picture_problem] == "" and updates[page.picture] == str(path)
    image = read_image(path, MAX_SIDE)
    assert image.shape == (bad.size[1], bad.size[0], 3)
    if bad.left_top:
        np.testing.assert_allclose(np.int32(image[0, 0]), bad.left_top, atol=8)
    # What a browser cannot show by its name comes back as pixels.
    is_named = any(
        bad.content.startswith(start) and bad.name.endswith(suffix)
        for start, suffix in ((b"\xff\xd8", ".jpg"), (b"\x89PNG", ".png"))
    )
    assert isinstance(updates[sidebar.picture], str) == is_named
    answer, _ = store.ask(
        SegmentRequest(str(path), parse_class_list("road\nsky"), page.models.columns[0])
    )
    assert answer.result.label_map.shape == image.shape[:2]
    store.to_viewer(answer)


@pytest.mark.parametrize("odd", NAMES, ids=lambda odd: odd.case)
def test_a_class_list_is_taken_or_answered_with_a_sentence(built, tmp_path, odd: OddNames):
    page, sidebar, store = built
    source = page.models.columns[0]
    updates = edit_names(odd.text, False, source, page, sidebar)
    if odd.says:
        told = updates.pop(sidebar.names_problem)
        assert odd.says in told and len(told) < 1000
        assert updates == {}, "the last good list stays"
        return
    assert updates[sidebar.names_problem] == ""
    classes = updates[page.classes]
    assert classes.labels == odd.labels
    path = tmp_path / "grey.png"
    Image.new("RGB", (90, 60), "grey").save(path)
    answer, _ = store.ask(SegmentRequest(str(path), classes, source))
    store.to_viewer(answer).model_dump_json()
    write_link(str(path), classes, source, "segment", page.models, page.examples).encode()


@pytest.mark.process
def test_a_small_file_with_a_large_picture_costs_no_memory(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(grey_png(12000, 12000))
    assert path.stat().st_size < 20_000
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < SMALL


def test_many_names_are_told_quickly_from_few():
    assert len(parse_class_list("\n".join(f"name {i}" for i in range(64))).names) == 64
    with pytest.raises(ValueError, match="65 names are too many"):
        parse_class_list("\n".join(f"name {i}" for i in range(65)))


@pytest.mark.browser
def test_the_page_goes_on_working(visit, street, tmp_path):
    page = visit()
    answered(page)
    told = ""
    for number, bad in enumerate(bad for bad in PICTURES if bad.case not in SAME_TO_A_BROWSER):
        path = tmp_path / str(number) / bad.name
        path.parent.mkdir()
        path.write_bytes(bad.content)
        send(page, path)
        if bad.says:
            assert bad.says != told, "the same sentence again would prove nothing"
            told = bad.says
            expect(page.locator("#picture-problem"), bad.case).to_contain_text(bad.says)
            expect(page.locator("#picture .image-frame"), bad.case).to_have_count(0)
        else:
            expect(page.locator("#picture-problem"), bad.case).to_have_text("")
            expect(page.locator("#status"), bad.case).to_contain_text(ANSWERED)
            style = re.compile("aspect-ratio: {} / {};".format(*bad.size))
            expect(page.locator(".v-canvas"), bad.case).to_have_attribute("style", style)
    names, problem = page.locator("#names textarea"), page.locator("#names-problem")
    for odd in NAMES:
        if "\ud83d" in odd.text:  # the test's own line to the browser takes no half characters
            continue
        write(names, odd.text)
        if odd.says:
            expect(problem, odd.case).to_contain_text(odd.says)
        else:
            expect(problem, odd.case).to_have_text("")
            # Their order is that of their shares, which is the model's business.
            chips = page.locator(".v-chips button b")
            # A short list gets a class for the rest.
            labels = [*odd.labels, EVERYTHING_ELSE] if is_short(odd.text) else odd.labels
            expect(chips, odd.case).to_have_count(len(labels))
            for label in labels:
                chip = chips.filter(has_text=re.compile(f"^{re.escape(label)}$"))
                expect(chip, odd.case).to_have_count(1)
    assert page.locator(".v-chips img, .v-chips script").count() == 0
    names.fill("road\nsky")
    send(page, street)
    expect(page.locator("#status")).to_contain_text("picture encoded in")
    expect(page.locator(".v-chips button")).to_have_count(3)
    expect(page.locator("#picture-problem")).to_have_text("")


def write(field: Locator, text: str) -> None:
    """Puts a text into a field as a paste does; typing it, as ``fill`` does, may take minutes."""
    field.evaluate(
        "(field, text) => { field.value = text; field.dispatchEvent(new Event('input')); }", text
    )


def send(page: Page, path: Path) -> None:
    """Chooses a file, after emptying the field where it holds one."""
    remove = page.locator("#picture").get_by_label("Remove Image")
    field = page.locator("#picture input[type=file]")
    expect(remove.or_(field).first).to_be_attached()
    if remove.count():
        remove_picture(page)
        expect(page.locator(".v-empty")).to_be_visible()
    send_file(page, path)
