"""What a process remembers of what it has read, for all of its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What was read by key, as long as `cache` (one of cachetools, which are not thread-safe) holds it.

    Only what is `lasting` is kept; everything else is read anew each time.
    """

    def __init__(self, cache: MutableMapping[str, T], lasting: Callable[[T], bool]) -> None:
        self._cache = cache
        self._lasting = lasting
        self._lock = threading.Lock()

    def get(self, key: str, read: Callable[[str], T]) -> T:
        """Return what is kept under a key, else read it. Raises what `read` raises."""
        with self._lock:
            kept = self._cache.get(key)
        if kept is not None:
            return kept
        found = read(key)
        if self._lasting(found):
            with self._lock:
                self._cache[key] = found
        return found
