import httpx
from gradio import networking

from tqdm_demo.interface.page import build_page, launch_page


def test_a_machine_that_answers_slowly_serves_the_page(tiny_models, monkeypatch, tmp_path):
    """As gradio finds it that waits three seconds for the page, and then would end the program."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    page = build_page(tiny_models, [])
    try:
        url = launch_page(page, "127.0.0.1", port=None, block=False)
        assert httpx.get(f"{url}config", trust_env=False, timeout=300).status_code == httpx.codes.OK
    finally:
        page.close()
