"""Chance that can be repeated: what happens depends only on the seed, the request and how often it was sent."""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict
from typing import Any

_REMEMBERED = 100_000


def digest(*parts: Any) -> str:
    """Return a short stable digest of anything with a stable repr."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Dice:
    """The draws of one call. Each name is drawn independently of the others and of their order."""

    def __init__(self, *parts: Any, active: bool = True) -> None:
        self._key = digest(*parts)
        self.active = active

    def hit(self, name: str, probability: float) -> bool:
        """True with this probability, and the same each time that it is asked."""
        return self.active and probability > 0 and self.random(name).random() < probability

    def random(self, name: str) -> random.Random:
        """Return a generator of its own for this name."""
        return random.Random(f"{self._key}:{name}")


class Attempts:
    """Counts how often each request was sent, so that a repeated one draws anew; remembers a bounded number."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()

    def next(self, key: str) -> int:
        """Return how often this request was seen before, and count it."""
        count = self._seen.pop(key, 0)
        self._seen[key] = count + 1
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return count
