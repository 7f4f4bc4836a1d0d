"""Scripted servers and one pool of connections a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from generia_worker.providers.http import HttpPool
from tests.providers.server import Handler, Scripted, start

Serve = Callable[[Handler], Scripted]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer as their handler says."""
    stops: list[Callable[[], None]] = []

    def run(handler: Handler) -> Scripted:
        scripted, stop = start(handler)
        stops.append(stop)
        return scripted

    yield run
    for stop in stops:
        stop()


@pytest.fixture
def pool() -> Iterator[HttpPool]:
    """Connections, closed after the test."""
    made = HttpPool(8, 2)
    yield made
    made.close()
