"""A bounded cache that several threads share, and what its values weigh."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

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

    @property
    def weight(self) -> int:
        """What all values weigh now, never more than the limit."""
        return self._weight

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
            self._remove(key)
            self._values[key] = (value, weight)
            self._weight += weight
            while self._weight > self._limit:
                self._weight -= self._values.popitem(last=False)[1][1]

    def limit_to(self, limit: int) -> None:
        """Takes a lower limit."""
        self._limit = min(self._limit, limit)

    def section(self) -> CacheSection:
        """A part of the cache for one owner."""
        return CacheSection(self)

    def discard(self, section: CacheSection) -> None:
        """Drops all values of a section."""
        with self._lock:
            for key in [k for k in self._values if isinstance(k, tuple) and k[0] is section]:
                self._remove(key)

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The value, made where there is none, and whether it was there already."""
        value = self.peek(key)
        if value is not None:
            return value, True
        # Made outside the lock: two users may make the same one, but nobody waits for another.
        value = make()
        self.put(key, value)
        return value, False

    def _remove(self, key: Hashable) -> None:
        if key in self._values:
            self._weight -= self._values.pop(key)[1]


class CacheSection:
    """What one owner keeps in a cache that others share: its keys meet no keys of theirs.

    Args:
        cache: whose bound applies to all sections together.
    """

    def __init__(self, cache: BoundedCache[Any]) -> None:
        self._cache = cache

    def peek(self, key: Hashable) -> Any | None:
        """See :meth:`BoundedCache.peek`."""
        return self._cache.peek((self, key))

    def put(self, key: Hashable, value: Any) -> None:
        """See :meth:`BoundedCache.put`."""
        self._cache.put((self, key), value)

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """See :meth:`BoundedCache.get`."""
        return self._cache.get((self, key), make)

    def clear(self) -> None:
        """Drops all of the section."""
        self._cache.discard(self)


def size_in_bytes(value: Any) -> int:
    """What the arrays and tensors in a value take: in it, in its fields, or in a list of them."""
    if isinstance(getattr(value, "nbytes", None), int):
        return value.nbytes
    if is_dataclass(value):
        return sum(size_in_bytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple | list):
        return sum(map(size_in_bytes, value))
    return 0
