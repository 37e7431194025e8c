"""Many visitors at once: each gets their own right answer, and the memory comes back."""

from __future__ import annotations

import ctypes
import gc
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from gradio.routes import App
from PIL import Image

from tqdm_demo.interface import api, parts
from tqdm_demo.interface.components.queue_line import count_waiting
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.page import QUEUE, build_page, launch_page
from tqdm_demo.interface.turns import MOST_OF_A_USER

CLIENTS, REQUESTS = 32, 5
SIZES = ((24, 48), (48, 24), (36, 36), (30, 40))
WORDS = ("road", "sky", "car", "taxi", "vegetation", "traffic light", "photo", "light")


@pytest.fixture(scope="module")
def small_manager(tiny_weights) -> ModelManager:
    """Models whose cache is full after a few pictures: what is kept on purpose is no leak."""
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    sources = [str(tiny_weights / "tiny-tqdm"), str(tiny_weights / "tiny-queries"), clip]
    return ModelManager(sources, "cpu", cache_mb=12)


@pytest.fixture(scope="module")
def small_url(small_manager, tmp_path_factory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("load")))
        page = build_page(small_manager, [])
        yield launch_page(page, "127.0.0.1", port=None, block=False).rstrip("/")
        page.close()


def asked(client: int, request: int) -> tuple[np.ndarray, list[str]]:
    """Another picture and another class list for every request."""
    rng = np.random.default_rng([client, request])
    # Few sizes: torch keeps what it prepared for every size it has met.
    height, width = SIZES[client % len(SIZES)]
    names = rng.permutation(WORDS)[: 2 + client % 3].tolist()
    return rng.integers(0, 256, (height, width, 3), np.uint8), names


def ask(http: httpx.Client, image: np.ndarray, names: list[str], source: str) -> tuple:
    """One request to /segment as a program makes it: the label map and the names."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    sent = http.post("/gradio_api/upload", files={"files": ("a.png", file.getvalue())})
    picture = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    called = http.post("/gradio_api/call/segment", json={"data": [picture, names, source]})
    with http.stream("GET", f"/gradio_api/call/segment/{called.json()['event_id']}") as events:
        lines = [line for line in events.iter_lines() if line]
    event, data = lines[-2:]
    assert event == "event: complete", lines
    ((labels, answered, _),) = json.loads(data.removeprefix("data: "))
    png = http.get(f"/gradio_api/file={labels['path']}").content
    return np.asarray(Image.open(BytesIO(png))), answered


def visit(url: str, client: int, sources: tuple[str, ...], requests: range) -> list[tuple]:
    # Without certificates, which 32 clients would otherwise read into the memory that is measured.
    with httpx.Client(base_url=url, timeout=300, trust_env=False, verify=False) as http:
        return [
            ask(http, *asked(client, request), sources[(client + request) % len(sources)])
            for request in requests
        ]


def visit_all(url: str, sources: tuple[str, ...], requests: range) -> list[list[tuple]]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(visit, url, c, sources, requests) for c in range(CLIENTS)]
        return [job.result() for job in jobs]


def resident() -> float | None:
    """This process's memory in MB, where the system tells; not what only the allocator keeps."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    with suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


@pytest.mark.slow
def test_nobody_gets_anothers_answer_and_the_memory_comes_back(small_manager, small_url):
    sources = small_manager.columns
    visit_all(small_url, sources, range(100, 102))  # so that all that is loaded once is there
    before = resident()
    answers = visit_all(small_url, sources, range(REQUESTS))
    after = resident()
    assert sum(map(len, answers)) == CLIENTS * REQUESTS
    for client, row in enumerate(answers):
        for request, (labels, names) in enumerate(row):
            image, wanted = asked(client, request)
            model = small_manager.predictor(sources[(client + request) % len(sources)])
            expected = model.segment(image, wanted)
            assert names == wanted
            np.testing.assert_array_equal(labels, expected.label_map)
    if before is not None:
        print(f"{before:.0f} MB before, {after:.0f} MB after {CLIENTS * REQUESTS} requests")
        assert after <= 1.1 * before


def test_the_queue_has_an_end(tiny_models):
    page = build_page(tiny_models, [])
    for name, limit in (("models", parts.AT_ONCE), ("api", api.AT_ONCE)):
        assert {f.concurrency_limit for f in page.fns.values() if f.concurrency_id == name} == {
            limit
        }
    # So that those who wait for a model leave threads for all other events.
    assert parts.AT_ONCE + api.AT_ONCE <= 20 and MOST_OF_A_USER < parts.AT_ONCE
    assert CLIENTS <= QUEUE <= 100
    assert count_waiting(page, tiny_models.turns) == 0


def test_the_queue_tells_its_length(tiny_models):
    page = build_page(tiny_models, [])
    page._queue.event_queue_per_concurrency_id["models"] = SimpleNamespace(queue=[1, 2, 3])
    # What gradio tells everybody; the page reads the same without a request.
    status = TestClient(App.create_app(page)).get("/gradio_api/queue/status")
    assert count_waiting(page, SimpleNamespace(waiting=0)) == status.json()["queue_size"] == 3
    assert count_waiting(page, SimpleNamespace(waiting=2)) == 5
