"""Files that requests name: uploads are read, nothing else, on no way."""

import os
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.interface.bad_input import RED, saved
from tests.interface.forging import Reply, call, marked, open_line, trigger, upload
from tqdm_demo.inference.preprocessing import GONE
from tqdm_demo.interface.door import check_files
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.page import build_page, launch_page

NAMES = ["road", "sky"]


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Example:
    path = tmp_path_factory.mktemp("examples") / "blue.png"
    Image.new("RGB", (60, 40), "blue").save(path)
    return Example(path, None, "blue", "game", ("sky",), "Apache-2.0")


@pytest.fixture(scope="module")
def served(tiny_models, example, tmp_path_factory):
    """A page and its address; its upload folder is ``served[2]``."""
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        page = build_page(tiny_models, [example])
        yield page, launch_page(page, "127.0.0.1", port=None, block=False), folder
        page.close()


@pytest.fixture
def http(served):
    with open_line(served[1]) as client:
        yield client


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Path:
    """A picture of the server's owner."""
    path = tmp_path_factory.mktemp("home") / "private.png"
    RED.save(path)
    return path


@pytest.fixture
def others(served, private, http, tiny_models) -> dict[str, str]:
    """Paths that are no uploads, by what is wrong with them."""
    _, _, folder = served
    pipe, link, text = folder / "pipe.png", folder / "link.png", private.parent / "notes.txt"
    uploaded = upload(http, saved(RED, "PNG"), "mine.png")
    swapped = upload(http, saved(RED, "PNG"), "swapped.png")
    for path, make in (
        (pipe, os.mkfifo),
        (link, lambda path: path.symlink_to(private)),
        (text, lambda path: path.write_text("no picture")),
    ):
        if not os.path.lexists(path):
            make(path)
    os.unlink(swapped)
    os.symlink(private, swapped)
    source = tiny_models.columns[0]
    answered = call(http, "segment", [marked(uploaded), NAMES, source]).values[0]["path"]
    return {
        "there": str(private),
        "not there": str(private.with_name("nothing.png")),
        "not a picture": str(text),
        "dots": f"{folder}/../{private.parent.name}/{private.name}",
        "dots behind an upload": f"{uploaded}/../../../{private.parent.name}/{private.name}",
        "link": str(link),
        "upload that became a link": swapped,
        "pipe": str(pipe),
        "device": "/dev/zero",
        "environment": "/proc/self/environ",
        "folder": str(folder),
        "folder of an upload": str(Path(uploaded).parent),
        "address": "http://127.0.0.1:9/a.png",
        "address of an upload": f"{served[1]}gradio_api/file={uploaded}",
        "answer of the server": answered,
        "empty": "",
        "no character of a path": "a\0b.png",
        "number": 5,
        "list": [str(private)],
    }


def test_an_upload_is_read(http, tiny_models):
    source = tiny_models.columns[0]
    path = upload(http, saved(RED, "PNG"))
    for picture in (marked(path), {"path": path}):
        reply = call(http, "segment", [picture, NAMES, source])
        assert reply.ok and reply.values[1] == NAMES, reply


def test_every_other_file_gets_the_same_sentence(http, others, tiny_models):
    source = tiny_models.columns[0]
    for case, path in others.items():
        for picture in ({"path": path}, marked(path)):
            reply = call(http, "segment", [picture, NAMES, source])
            assert reply == Reply(False, GONE, []), case


def test_no_event_takes_a_file_past_the_door(served, http, private):
    """Also none that is added one day: a file in any input of any event is refused."""
    checked = []
    for number, function in served[0].fns.items():
        # Those that stop another one get the visitor's own number in place of what was sent.
        if function.fn is None or function.cancels:
            continue
        for place, component in enumerate(function.inputs):
            if component.stateful:  # is on the server, nobody can send it
                continue
            values = [None] * len(function.inputs)
            values[place] = {"path": str(private)}
            reply = trigger(http, number, values)
            assert reply == Reply(False, GONE, []), (function.api_name, component)
            checked.append(function.api_name)
    assert {"segment", "similarity", "compare"} <= set(checked) and len(checked) > 20


@pytest.mark.parametrize(
    "wrapped", [lambda file: [file], lambda file: {"a": [[{"image": file, "path": None}]]}]
)
def test_files_are_found_at_any_depth(tmp_path, wrapped):
    mine = tmp_path / "mine.png"
    mine.touch()
    check_files(wrapped({"path": str(mine)}), {str(mine)}, str(tmp_path))
    with pytest.raises(ValueError, match=GONE):
        check_files(wrapped({"path": str(mine)}), set(), str(tmp_path))


@pytest.mark.parametrize(("kind", "in_a_list"), [("image", False), ("file", True)])
def test_the_fields_for_files_take_uploads(served, http, kind, in_a_list):
    file = marked(upload(http, saved(RED, "PNG")))
    functions = {
        number: [block.get_block_name() == kind for block in function.inputs]
        for number, function in served[0].fns.items()
    }
    value = [file] if in_a_list else file
    taking = {number: fits for number, fits in functions.items() if any(fits)}
    assert taking
    for number, fits in taking.items():
        reply = trigger(http, number, [value if fit else None for fit in fits])
        assert reply.said != GONE


def test_functions_without_the_queue_open_no_file(served, http, private):
    page, asked = served[0], 0
    for number, block in page.blocks.items():
        for function in getattr(block, "server_fns", ()):
            body = {"data": {"path": str(private), "token": str(private), "place": [0, 0]}}
            body |= {"component_id": number, "session_hash": "s", "fn_name": function.__name__}
            reply = http.post("/component_server/", json=body)
            assert reply.json() in (None, 0)
            asked += 1
    assert asked == 2


def test_no_route_passes_by_the_queue(http):
    assert http.post("/run/models", json={"data": []}).status_code == httpx.codes.NOT_FOUND


def test_the_links_of_the_page_lead_to_no_other_file(served, http, private):
    for path in (private, "/proc/self/environ"):
        assert http.get(f"/file={path}").status_code == httpx.codes.FORBIDDEN
