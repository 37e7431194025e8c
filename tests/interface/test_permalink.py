from urllib.parse import parse_qs

import pytest

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.parts import DEFAULT_TEXT, FIRST_TAB
from tqdm_demo.interface.permalink import Link, copy_script, read_link, write_link

TABS = ("segment", "similarity")


@pytest.fixture(scope="module")
def examples():
    return read_examples()


def back(query, models, examples):
    return read_link({k: v[0] for k, v in parse_qs(query).items()}, models, examples, TABS)


def test_what_is_written_is_read_again(tiny_models, examples):
    classes = parse_class_list("road & more\ncar, taxi: #ff00aa\nسيارة\n<b>", True, (), 0.4)
    model, picture = tiny_models.columns[1], str(examples[3].path)
    query = write_link(picture, classes, model, "similarity", tiny_models, examples)
    assert back(query, tiny_models, examples) == Link(
        picture, classes.text, True, model, "similarity", 0.4
    )


def test_a_fresh_page_names_its_example_only(tiny_models, examples):
    classes = parse_class_list(DEFAULT_TEXT)
    first = str(examples[0].path)
    query = write_link(first, classes, tiny_models.columns[0], FIRST_TAB, tiny_models, examples)
    assert query == f"example={examples[0].path.stem}"
    fresh = Link(first, DEFAULT_TEXT, False, tiny_models.columns[0], FIRST_TAB)
    assert back(query, tiny_models, examples) == back("", tiny_models, examples) == fresh


def test_an_uploaded_picture_stays_out(tiny_models, examples):
    classes = parse_class_list(DEFAULT_TEXT)
    query = write_link(
        "/tmp/x/secret.jpg", classes, tiny_models.columns[0], FIRST_TAB, tiny_models, examples
    )
    assert query == ""


def test_nonsense_is_as_on_a_fresh_page(tiny_models, examples):
    link = back(
        "model=/etc/passwd&example=../../etc/passwd&tab=none&else=yes", tiny_models, examples
    )
    assert link == back("", tiny_models, examples)
    assert len(back(f"names={'x' * 20000}", tiny_models, examples).text) == 6000


def test_without_examples_there_is_no_picture(tiny_models):
    assert read_link({}, tiny_models, [], TABS).picture is None


def test_a_link_to_a_space_is_one_to_its_own_page(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert "location.href" in copy_script()
    monkeypatch.setenv("SPACE_ID", "some-one/de.mo")
    assert '"https://huggingface.co/spaces/some-one/de.mo"' in copy_script()
    monkeypatch.setenv("SPACE_ID", '"+alert(1)//x/y')
    assert "location.href" in copy_script()


@pytest.mark.browser
def test_the_link_of_a_space_keeps_what_the_page_wrote_alone(monkeypatch, browser):
    monkeypatch.setenv("SPACE_ID", "user/demo")
    page = browser.new_page()
    page.goto("about:blank")
    script = copy_script().replace("navigator.clipboard?.writeText(link)", "link")
    script = script.replace("window.location.search", '"?__theme=dark&names=a%0Ab&__sign=secret"')
    assert page.evaluate(script) == "https://huggingface.co/spaces/user/demo?names=a%0Ab"
    page.close()
