"""A stream whose client reads nothing, over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from generia_worker.http.connections import guarded
from generia_worker.http.streams import EventStream
from tests.embedded.conftest import eventually


def test_a_stream_that_nobody_reads_is_ended() -> None:
    closed = threading.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b": nothing\n\n" * 1000
            await asyncio.sleep(0)

    async def close() -> None:
        closed.set()

    async def stream(_: Request) -> EventStream:
        return EventStream(endless(), close)

    app = Starlette(routes=[Route("/", stream)])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = guarded(10, stuck_s=0.2)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **options))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            assert eventually(lambda: server.started)
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"
                assert closed.wait(30)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
