"""The read-through cache: what lasts is read once, everything else each time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from cachetools import LRUCache, TTLCache

from generia_worker.storage.cache import ReadThroughCache
from tests.books import in_parallel


def reading(*values: str | None) -> tuple[Callable[[str], str | None], list[str]]:
    """A source that gives these values one after the other, and the keys that it was asked for."""
    left, asked = list(values), []

    def read(key: str) -> str | None:
        asked.append(key)
        return left.pop(0)

    return read, asked


def whole(value: str | None) -> bool:
    return value is not None


def test_what_lasts_is_read_once() -> None:
    cache: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(10), lasting=whole)
    read, asked = reading("a", "b")
    assert [cache.get(key, read) for key in ("x", "x", "y", "x", "y")] == ["a", "a", "b", "a", "b"]
    assert asked == ["x", "y"]


def test_what_does_not_last_is_read_each_time() -> None:
    cache: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(10), lasting=whole)
    read, asked = reading(None, None, "a")
    assert [cache.get("x", read) for _ in range(4)] == [None, None, "a", "a"]
    assert len(asked) == 3


def test_an_empty_value_that_lasts_is_kept() -> None:
    cache: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(10), lasting=whole)
    read, asked = reading("")
    assert [cache.get("x", read) for _ in range(2)] == ["", ""]
    assert asked == ["x"]


def test_what_the_source_raises_is_not_kept() -> None:
    cache: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(10), lasting=whole)
    read, _ = reading()
    with pytest.raises(IndexError):
        cache.get("x", read)
    assert cache.get("x", lambda _: "a") == "a"


def test_it_holds_as_much_and_as_long_as_what_it_is_given() -> None:
    small: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(1), lasting=whole)
    read, asked = reading("a", "b", "c")
    assert [small.get(key, read) for key in ("x", "y", "x")] == ["a", "b", "c"]
    now = 0.0
    recent: TTLCache[str, str | None] = TTLCache(10, 2.0, timer=lambda: now)
    short: ReadThroughCache[str | None] = ReadThroughCache(recent, lasting=whole)
    read, asked = reading("a", "b")
    assert [short.get("x", read), short.get("x", read)] == ["a", "a"]
    now = 2.5
    assert short.get("x", read) == "b"
    assert asked == ["x", "x"]


def test_a_reader_does_not_wait_for_another_ones_read() -> None:
    cache: ReadThroughCache[str | None] = ReadThroughCache(LRUCache(10), lasting=whole)
    meeting = threading.Barrier(4, timeout=10)

    def read(key: str) -> str:
        meeting.wait()
        return key

    found: list[str | None] = []
    in_parallel(lambda number: found.append(cache.get(f"key-{number}", read)), 4)
    assert sorted(map(str, found)) == ["key-0", "key-1", "key-2", "key-3"]
