"""What programs print, on consoles that do not know every character."""

from __future__ import annotations

import io
import sys


def print_any_text() -> None:
    """Lets an unknown character be printed as its code instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
