"""A bounded cache that several threads share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Keeps the values that were used last. Safe to use from several threads.

    Args:
        limit: what all values together may weigh.
        weigh: the weight of one value; None = 1 each, so that ``limit`` counts them.
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int] | None = None) -> None:
        self._limit = limit
        self._weigh = weigh or (lambda value: 1)
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def peek(self, key: Hashable) -> Value | None:
        """The value, or None where there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps a value; drops those that were not used for the longest time.

        A value that is heavier than the limit is not kept, and drops no other.
        """
        weight = self._weigh(value)
        if weight > self._limit:
            return
        with self._lock:
            if key in self._values:
                self._weight -= self._values.pop(key)[1]
            self._values[key] = (value, weight)
            self._weight += weight
            while self._weight > self._limit:
                self._weight -= self._values.popitem(last=False)[1][1]

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The value, made where there is none, and whether it was there already."""
        value = self.peek(key)
        if value is not None:
            return value, True
        # Made outside the lock: two users may make the same one, but nobody waits for another.
        value = make()
        self.put(key, value)
        return value, False
