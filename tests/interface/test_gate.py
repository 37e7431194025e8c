"""Requests that gradio's own routes did not expect: a sentence, and one line in the log."""

import json
import time

import gradio as gr
import httpx
import pytest

from tests.interface.forging import Reply, finish, open_line, trigger
from tqdm_demo.interface import gate
from tqdm_demo.interface.door import GuardedBlocks
from tqdm_demo.interface.gate import MOST_BYTES, Gate
from tqdm_demo.interface.page import launch_page
from tqdm_demo.interface.refusals import FAILED, MALFORMED

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PART = 'Content-Disposition: form-data; name="files"'


def join(**values) -> dict:
    return {"content": json.dumps({"data": [], "fn_index": 0, "session_hash": "s"} | values)}


def form(head: str, boundary: str = "--x") -> dict:
    return {"content": f"{boundary}\r\n{head}\r\n\r\nabc\r\n--x--\r\n", "headers": FORM}


# Each ended in a traceback, or took what nobody should be able to send.
CASES = [
    ("POST /queue/join", join(fn_index=99), 400, MALFORMED),
    ("POST /queue/join", {"content": '{"data": [], "fn_index": 1e400}'}, 400, MALFORMED),
    ("POST /queue/join", join(session_hash=""), 400, MALFORMED),
    ("POST /queue/join", join(session_hash="a<gradio-sep>b"), 400, MALFORMED),
    ("POST /queue/join", join(session_hash="x" * 65), 400, MALFORMED),
    ("POST /queue/join", join(data=["x" * MOST_BYTES[""]]), 413, "too large: 0.25 MB at most."),
    ("POST /call/nothing", {"json": {"data": []}}, 400, MALFORMED),
    ("POST /call/v2/nothing", {"json": {}}, 400, MALFORMED),
    ("POST /component_server/", {"json": {"data": 1, "component_id": 99, "session_hash": "s",
                                          "fn_name": "x"}}, 400, MALFORMED),
    ("POST /component_server/", form(PART), 400, MALFORMED),
    ("POST /upload", form(PART), 400, MALFORMED),
    ("GET /queue/data?session_hash=nobody", {}, 200, "session_not_found"),
    ("GET /call/show/nobody", {}, 200, "event: error"),
    ("GET /file=http://example.org/a.png", {}, 404, "Not found."),
    ("GET /file=http://example.org/gradio_api/a.png", {}, 404, "Not found."),
    ("GET /proxy=https://a.hf.space/", {}, 404, "Not found."),
    ("GET /proxy=::", {}, 404, "Not found."),
    ("GET /file//etc/passwd", {}, 404, "Not found."),
    ("GET /deep_link?session_hash=s", {}, 404, "Not found."),
    ("GET /dev/reload", {}, 404, "Not found."),
    ("POST /process_recording", form('Content-Disposition: form-data; name="video"; filename="a"'),
     404, "Not found."),
]  # fmt: skip


def five() -> int:
    """What a program asks for."""
    return 5


def make_page() -> gr.Blocks:
    """A page with one event, which keeps what it is given."""
    with GuardedBlocks(analytics_enabled=False) as page:
        kept, field = gr.State(""), gr.Textbox()
        gr.Button().click(lambda text: (text, text), field, [kept, field], api_name="show")
        gr.api(five, api_name="five")
    return page


@pytest.fixture
def served(tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    page = make_page()
    with open_line(launch_page(page, "127.0.0.1", port=None, block=False)) as http:
        http.headers["Content-Type"] = "application/json"
        yield page, http
    page.close()


def test_every_odd_request_gets_a_sentence_and_one_line_in_the_log(served, capfd, caplog):
    for request, content, status, says in CASES:
        method, path = request.split()
        reply = served[1].request(method, path, **content)
        print(f"{request:<40}{reply.status_code}  {reply.text[:90]!r}")
        assert reply.status_code == status and says in reply.text, (request, reply.text)
    log = capfd.readouterr().err + caplog.text
    assert "Traceback" not in log
    assert log.count("refused: POST /gradio_api/queue/join: KeyError: 99") == 1
    assert trigger(served[1], 0, ["a"]).ok, "the page goes on"


def test_half_a_character_ends_no_stream(served):
    for odd in ("\ud800", ["\ud800"], {"\ud800": 1}):
        assert trigger(served[1], 0, [odd], "mine") == Reply(False, MALFORMED, [])
    assert trigger(served[1], 0, ["\U0001f600"], "mine").ok


@pytest.mark.parametrize("status", [400, 500])
def test_a_fault_of_the_server_is_told_apart(status):
    async def app(scope, receive, send):
        raise {400: KeyError(5), 500: OSError("disk full")}[status]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Gate(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as http:
            return await http.post("/gradio_api/upload")

    reply = finish(ask())
    assert (reply.status_code, reply.text) == (status, {400: MALFORMED, 500: FAILED}[status])


def test_a_body_without_a_length_is_counted(served):
    body = join(data=["x" * MOST_BYTES[""]])["content"].encode()
    parts = (body[start : start + 2**16] for start in range(0, len(body), 2**16))
    assert served[1].post("/queue/join", content=parts).status_code == 400


def test_calls_of_programs_push_no_user_out(served):
    page, http = served
    page.state_holder.capacity = 3
    assert trigger(http, 0, ["mine"], "user").ok
    for _ in range(4):
        http.post("/call/five", json={"data": []}).raise_for_status()
        odd = {"data": 1, "component_id": 1, "session_hash": f"odd{_}", "fn_name": "x"}
        http.post("/component_server/", json=odd)
    deadline = time.monotonic() + 60
    while list(page.state_holder.session_data) != ["user"]:  # it is tidied after the answers
        assert time.monotonic() < deadline, page.state_holder.session_data
        time.sleep(0.01)


def test_a_user_whose_page_is_open_is_not_pushed_out(served):
    page, http = served
    page.state_holder.capacity = 3
    with http.stream("GET", "/heartbeat/user") as connection:
        lines = connection.iter_lines()
        next(lines)
        for session in ("user", "a", "b", "c", "d"):
            assert trigger(http, 0, ["mine"], session).ok
        assert list(page.state_holder.session_data) == ["c", "d", "user"]
    while page.watched:
        time.sleep(0.01)


def test_old_files_are_looked_for_now_and_then(served, monkeypatch):
    cleaned = []
    monkeypatch.setattr(gate, "clean", cleaned.append)
    served[1].get("/startup-events")
    monkeypatch.setattr(gate, "CLEAN_EVERY", 0)
    served[1].get("/startup-events")
    while not cleaned:  # it is done after the answer, perhaps of the first request, too
        time.sleep(0.01)
    assert cleaned[0] is served[0]
