"""The page below a path of another server: uploads, events and files of answers go through it."""

import threading

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

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
