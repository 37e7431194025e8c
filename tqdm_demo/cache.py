"""A bounded cache that several threads share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Keeps the ``limit`` values that were used last. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def peek(self, key: Hashable) -> Value | None:
        """The value, or None where there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps a value; drops the one that was not used for the longest time."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The value, made where there is none, and whether it was there already."""
        value = self.peek(key)
        if value is not None:
            return value, True
        # Made outside the lock: two visitors may make the same one, but nobody waits for another.
        value = make()
        self.put(key, value)
        return value, False
