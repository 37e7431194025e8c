"""Requests with values of wrong types: each is answered with what is expected. Prints a table."""

import base64

import pytest

from tests.interface.bad_input import PLAIN, RED, grey_png, saved
from tests.interface.forging import call, marked, open_line, upload
from tqdm_demo.inference.preprocessing import GONE
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.refusals import MALFORMED

TEXT = base64.b64encode(saved(PLAIN, "PNG")).decode()
PICTURE = "The picture is a file that was uploaded first"
NAMES = 'The class names are a list of texts, such as ["road", "car, taxi"]'
STAGE = "The stage is one of 'auto', 'clip', 'before', 'after', 'mask'; this is "
MODEL = 'The model is one text, its "source" in /models; this is '
# Endpoint, what takes the place of a good value, and what the answer says.
CASES = [
    ("segment", {0: None}, f"{PICTURE}, written as"),
    ("segment", {0: None}, "; this is null."),
    ("segment", {0: "/etc/passwd"}, "; this is a text."),
    ("segment", {0: TEXT}, "; this is a text."),
    ("segment", {0: f"data:image/png;base64,{TEXT}"}, "; this is a text."),
    ("segment", {0: 3.5}, "; this is a number."),
    ("segment", {0: []}, "; this is a list."),
    ("segment", {0: {"url": "http://127.0.0.1/a.png"}}, "; this is an object."),
    ("segment", {0: {"path": 5}}, GONE),
    ("segment", {0: {"path": None, "url": None}}, "; this is an object."),
    ("segment", {1: [["car", "taxi"], ["road"]]}, f"{NAMES}; number 1 is a list."),
    ("segment", {1: ["road", None]}, f"{NAMES}; number 2 is null."),
    ("segment", {1: ["road", 7]}, f"{NAMES}; number 2 is a number."),
    ("segment", {1: None}, f"{NAMES}; this is null."),
    ("segment", {1: "road"}, f"{NAMES}; this is a text."),
    ("segment", {1: {"0": "road"}}, f"{NAMES}; this is an object."),
    ("segment", {2: ["streets-tqdm"]}, f"{MODEL}a list."),
    ("segment", {2: None}, f"{MODEL}null."),
    ("segment", {2: True}, f"{MODEL}true or false."),
    ("segment", {2: "elsewhere"}, "There is no model 'elsewhere'"),
    ("similarity", {1: [["road"]]}, f"{NAMES}; number 1 is a list."),
    ("similarity", {3: "names"}, f"{STAGE}'names'."),
    ("similarity", {3: "__class__"}, f"{STAGE}'__class__'."),
    ("similarity", {3: None}, f"{STAGE}null."),
    ("similarity", {3: ["mask"]}, f"{STAGE}a list."),
    ("compare", {0: None}, "; this is null."),
    ("compare", {2: "streets-tqdm"}, "The models are a list of texts, each the"),
    ("compare", {2: None}, "; this is null."),
    ("compare", {2: [None]}, "; number 1 is null."),
    ("compare", {2: ["a"] * 6}, "6 models: it takes 1 to 5."),
]


@pytest.fixture(scope="module")
def served(tiny_models, drawn_examples, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        page = build_page(tiny_models, drawn_examples[:1])
        with open_line(launch_page(page, "127.0.0.1", port=None, block=False)) as http:
            yield http
        page.close()


def good_values(http, endpoint: str, source: str) -> list:
    values = [marked(upload(http, saved(RED, "PNG"))), ["road", "sky"], source]
    return {"segment": values, "similarity": [*values, "mask"], "compare": [*values[:2], [source]]}[
        endpoint
    ]


def test_every_wrong_type_is_told_what_is_expected(served, tiny_models):
    for endpoint, wrong, says in CASES:
        values = good_values(served, endpoint, tiny_models.columns[0])
        for place, value in wrong.items():
            values[place] = value
        reply = call(served, endpoint, values)
        shown = str(wrong) if len(str(wrong)) < 60 else str(wrong)[:57] + "..."
        print(f"/{endpoint:<11}{shown:<62}{reply.said}")
        assert not reply.ok and says in reply.said and reply.said.endswith("."), (wrong, reply)


def test_a_wrong_number_of_values_is_told(served, tiny_models):
    assert call(served, "segment", []).said == MALFORMED


def test_values_that_have_a_default_can_be_left_out(served, tiny_models):
    values = good_values(served, "similarity", tiny_models.columns[0])
    for endpoint in ("segment", "similarity", "compare"):
        for count in (1, 2):
            reply = call(served, endpoint, values[:count])
            assert reply.ok, (endpoint, reply)


def test_the_endpoints_have_a_largest_picture(served, tiny_models):
    picture = marked(upload(served, grey_png(4001, 4000)))
    reply = call(served, "segment", [picture, ["road"], tiny_models.columns[0]])
    assert reply.said == "This picture is too large: 4001 × 4000 pixels; 16 megapixels at most."
