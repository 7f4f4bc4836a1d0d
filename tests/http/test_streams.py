"""A stream whose client reads nothing, over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from generia_worker.embedded.ports import free_port
from generia_worker.http.connections import GuardedProtocol, guarded
from generia_worker.http.streams import EventStream
from tests.gateway.conftest import serving


@contextmanager
def client_of(port: int) -> Iterator[socket.socket]:
    """Ask for a stream, and read no more than the first line of the answer."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


@pytest.mark.parametrize("sends", [False, True], ids=["silent", "sends something"])
def test_a_stream_that_nobody_reads_is_ended(monkeypatch: pytest.MonkeyPatch, sends: bool) -> None:
    closed, paused = threading.Event(), threading.Event()
    pause_writing = GuardedProtocol.pause_writing

    def noted(self: GuardedProtocol) -> None:
        pause_writing(self)
        paused.set()

    monkeypatch.setattr(GuardedProtocol, "pause_writing", noted)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b": nothing\n\n" * 1000
            await asyncio.sleep(0)

    async def close() -> None:
        closed.set()

    async def stream(_: Request) -> EventStream:
        return EventStream(endless(), close)

    port = free_port()
    app = Starlette(routes=[Route("/", stream)])
    how = uvicorn.Config(app, port=port, log_config=None, lifespan="off", **guarded(10, stuck_s=1.0))
    with serving(how), client_of(port) as client:
        if sends:
            assert paused.wait(30)
            client.sendall(b"x")
        assert closed.wait(30)
