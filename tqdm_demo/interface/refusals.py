"""What is answered to a request that no page sends, and what the server's log says of it."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path

MALFORMED = (
    "This request is not one that the page would send: a value is missing, there is one too many, "
    "or one is of another type."
)
UNFIT = (
    "This request does not fit the page: one of its values is not one that can be chosen here. "
    "Reload the page, and try again."
)
FAILED = "The server could not answer this request. Try again later."
# Lines a minute. Whoever forges requests forges many: the log must not fill the disk.
MOST_LINES = 60
_LONGEST = 200
# Every request comes through these.
_CALLERS = ("process_api", "__call__")
_PACKAGE = str(Path(__file__).resolve().parents[1])


class RefusalLog:
    """Writes one line for a refused request, and not too many.

    Args:
        most_lines: a minute.
        clock: seconds.
    """

    def __init__(
        self, most_lines: int = MOST_LINES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_lines = most_lines
        self._clock = clock
        self._log = logging.getLogger("tqdm_demo.interface")
        self._minute, self._lines = -1, 0

    def __call__(self, request: str, error: BaseException) -> None:
        """Writes what was asked, the error, and the lines of this package that it came through.

        Args:
            request: a word for it.
            error: what Python raised.
        """
        minute = int(self._clock() // 60)
        if minute != self._minute:
            if self._lines > self._most_lines:
                self._log.warning("refused: %d more", self._lines - self._most_lines)
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines <= self._most_lines:
            said = _printable(f"{type(error).__name__}: {error}")
            self._log.warning("refused: %s: %s%s", _printable(request), said, _places(error))


note_refusal = RefusalLog()


def _printable(text: str) -> str:
    """A text from outside, short and on one line."""
    return ascii(text[:_LONGEST])[1:-1]


def _places(error: BaseException) -> str:
    """Where it was raised, and who of this package had called that."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames[:-1] if f.filename.startswith(_PACKAGE) and f.name not in _CALLERS]
    told = [*own, *frames[-1:]]
    return "".join(f", in {f.name} ({Path(f.filename).name}:{f.lineno})" for f in told[-3:])
