"""Small damages to bytes, texts and JSON values, for :mod:`tests.fuzz`."""

from __future__ import annotations

import copy
import random
from typing import Any

ODD_BYTES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\0")
ODD_TEXTS = (
    ":", ",", "::", "#", "#fff", "#ggg", ": #00ff00", "\n", "\r\n", "\t", "\0", "\u202e", "\ufeff",
    "\ud83d", "🚗", "é", "e\u0301", "樹", "ａ", "'", '"', "<b>", "{", "%s", "../", "x" * 70,
    " " * 80, "none", "everything else", "\u200b", "I\u0307", "ß", "\x1b[31m", "\u2028",
)  # fmt: skip
ODD_VALUES = (
    None, True, False, 0, -1, 1, 2, 7, 10**4, 10**9, 10**30, -(10**9), 0.5, -0.0, 1e308,
    float("nan"), float("inf"), "", "x", "road", "../../x", "mini-clip", "open_clip:x/y", "1",
    [], [0], [[]], ["a"], [None], {}, {"": None}, {"x": [1]}, [1, 2, 3], [10**9, 10**9],
)  # fmt: skip


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """One to eight edits: flips, overwritten numbers, cuts, insertions, repeats, swapped parts."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        # Headers decide more than what follows them.
        end = rng.choice((64, 512, len(damaged))) or 1
        place = rng.randrange(max(min(end, len(damaged)), 1))
        length = rng.choice((1, 2, 4, 16, 256))
        match rng.randrange(7):
            case 0 if damaged:
                damaged[place] ^= 1 << rng.randrange(8)
            case 1:
                damaged[place : place + 4] = rng.choice(ODD_BYTES)
            case 2:
                del damaged[place:]
            case 3:
                del damaged[place : place + length]
            case 4:
                damaged[place:place] = rng.randbytes(length)
            case 5:
                damaged[place:place] = damaged[place : place + length] * rng.choice((1, 1, 40))
            case 6:
                other = rng.randrange(len(damaged) + 1)
                damaged[place : place + length] = damaged[other : other + length]
    return bytes(damaged)


def damage_text(text: str, rng: random.Random) -> str:
    """One to eight edits with pieces that mean something, or are awkward."""
    for _ in range(rng.choice((1, 2, 4, 8))):
        place, length = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 3, 10))
        piece = rng.choice((*ODD_TEXTS, chr(rng.randrange(0x11_0000)), text[place : place + 9]))
        repeated = piece * rng.choice((1, 1, 1, 3, 200))
        text = text[:place] + repeated + text[place + length :]
    return text


def damage_json(value: Any, rng: random.Random) -> Any:
    """One to three edits anywhere in a JSON value: other values, lost, added and moved keys."""
    root = [copy.deepcopy(value)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder, key = rng.choice(_places(root))
        match rng.randrange(6):
            case 0 if isinstance(holder, dict) or len(holder) > 1:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[str(key) + "_x"] = holder[key]
            case 2:
                holder[key] = [holder[key]]
            case 3 if isinstance(holder[key], int | float) and abs(holder[key]) < 1e9:
                holder[key] = holder[key] * rng.choice((-1, 0, 2, 3, 1.5, 1000))
            case _:
                holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
        if not root:
            return None
    return root[0]


def _places(root: list[Any]) -> list[tuple[Any, Any]]:
    """(container, key) of every value below the outermost list."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [root]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found
