import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drive_server import DriveServer


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriveServer]:
    """A stand-in for Google Drive, an empty cache for published weights, and no waiting."""
    from huggingface_hub import constants

    from tqdm_demo.checkpoints import download, drive_pages

    server = DriveServer()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(drive_pages, "DRIVE_ADDRESS", server.address)
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("TQDM_CACHE_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("TQDM_KEEP_DOWNLOADS", raising=False)
    yield server
    server.shutdown()
    server.server_close()
