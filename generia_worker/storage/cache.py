"""A read-through cache: what a process has read, for all of its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadThroughCache(Generic[T]):
    """Values by key, for as long as `cache` (one of cachetools, which are not thread-safe) holds them.

    Only what is `lasting` is kept; everything else is read each time:

        casts = ReadThroughCache(LRUCache(500), lasting=lambda cast: cast is not None)
        cast = casts.get("world/cast/0", read_from_database)
    """

    def __init__(self, cache: MutableMapping[str, T], lasting: Callable[[T], bool]) -> None:
        self._cache = cache
        self._lasting = lasting
        self._lock = threading.Lock()

    def get(self, key: str, read: Callable[[str], T]) -> T:
        """Return the value under a key, else read it. Raises what `read` raises."""
        with self._lock:
            known = self._cache.get(key)
        if known is not None:
            return known
        found = read(key)
        self.put(key, found)
        return found

    def put(self, key: str, value: T) -> None:
        """Keep a value that was not read but made here, if it is lasting."""
        if self._lasting(value):
            with self._lock:
                self._cache[key] = value
