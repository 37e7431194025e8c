"""Downloads of published weights that users of the page have asked for, one a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tqdm_demo.checkpoints.sources import locate

# How often a page is told how far a download is, seconds.
PACE = 0.5


class Fetching:
    """Runs downloads in threads of their own, whoever waits for them. Safe to use from many."""

    def __init__(self) -> None:
        self._running: dict[str, _Download] = {}
        self._lock = threading.Lock()

    def fetch(self, source: str) -> Iterator[tuple[str, float]]:
        """Downloads a model, or joins its download.

        Yields:
            What is going on, and the share of it that is done; again and again.

        Raises:
            ValueError: it cannot be had; a sentence for the user.
        """
        with self._lock:
            download = self._running.get(source)
            if download is None or not download.is_alive():
                download = self._running[source] = _Download(source)
                download.start()
        while download.is_alive():
            yield download.state
            download.join(PACE)
        if download.error is not None:
            raise ValueError(str(download.error)) from download.error


class _Download(threading.Thread):
    """One download; it goes on when its user leaves, and ends with the program."""

    def __init__(self, source: str) -> None:
        super().__init__(daemon=True)
        self.state = ("Asking for the download …", 0.0)
        self.error: Exception | None = None
        self._source = source

    def run(self) -> None:
        """Downloads and converts."""
        try:
            locate(self._source, tell=self._tell)
        except Exception as error:  # whoever waits reads it
            self.error = error

    def _tell(self, text: str, share: float) -> None:
        self.state = (text, share)
