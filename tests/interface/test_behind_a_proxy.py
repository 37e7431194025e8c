"""The page below a path of another server: pictures, events, the API, links and themes work."""

import threading
from urllib.parse import urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from tests.interface.browsing import PATIENCE, answered
from tests.interface.conftest import let_threads_end
from tests.interface.proxy import PrefixProxy
from tqdm_demo.interface.page import build_page, launch_page


@pytest.fixture(scope="module")
def proxied(tiny_models, drawn_examples, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", "/demo")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("proxied")))
        page = build_page(tiny_models, drawn_examples[:2])
        url = launch_page(page, "127.0.0.1", port=None, block=False)
        proxy = PrefixProxy(url, "/demo")
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        yield proxy
        page.close()
        proxy.shutdown()
        proxy.server_close()
        let_threads_end()


def test_a_program_asks_through_the_proxy(proxied, tiny_models, street):
    client = Client(proxied.address, verbose=False)
    source = tiny_models.columns[0]
    assert client.predict(api_name="/models")[0]["source"] == source
    labels, names, _ = client.predict(handle_file(street), ["sky"], source, api_name="/segment")
    assert names == ["sky"] and np.asarray(Image.open(labels)).shape == (100, 150)
    assert proxied.strangers == []


@pytest.mark.browser
def test_a_visitor_opens_a_link_through_the_proxy(proxied, browser):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    failed = []
    page.on("response", lambda r: failed.append((r.status, r.url)) if r.status >= 400 else None)
    page.goto(f"{proxied.address}?__theme=dark&names=road%0Asky&tab=segment")
    answered(page)
    assert page.locator(".v-chips button").count() == 2
    assert "dark" in page.locator("body").get_attribute("class").split()
    pictures = page.locator("#examples img, #picture img")
    assert pictures.count() == 3
    assert all(pictures.evaluate_all("all => all.map((i) => i.complete && i.naturalWidth > 0)"))
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_url("**tab=compare**")
    address = urlsplit(page.url)
    assert address.path == "/demo/" and "names=road%0Asky" in address.query
    assert "__theme=dark" in address.query
    page.close()
    # What browsers ask of every site is for the other server to answer.
    assert failed == [] and set(proxied.strangers) <= {"/favicon.ico"}
