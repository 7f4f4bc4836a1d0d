"""What is counted of a body: what arrives, whatever the headers said, and how long that takes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message

from generia_worker.http import problems
from generia_worker.http.bodies import limit_bodies


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    problems.install(made)

    @made.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    return made


async def call(app: ASGIApp, headers: dict[str, str], messages: AsyncIterator[Message]) -> tuple[int, Any]:
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "raw_path": b"/echo",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, lambda: anext(messages), send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


async def in_parts(count: int, size: int) -> AsyncIterator[Message]:
    for number in range(count):
        yield {"type": "http.request", "body": b"x" * size, "more_body": number < count - 1}


async def never() -> AsyncIterator[Message]:
    await anyio.sleep_forever()
    yield {}


def test_bytes_are_counted_as_they_arrive(app: FastAPI) -> None:
    limit_bodies(app, 1000)
    assert anyio.run(call, app, {"content-length": "1000"}, in_parts(10, 100)) == (200, 1000)
    # A server that believes something else than we do: what arrives is what counts.
    status, body = anyio.run(call, app, {"content-length": "5"}, in_parts(11, 100))
    assert (status, body["status"]) == (413, 413)
    assert anyio.run(call, app, {}, in_parts(11, 100))[0] == 413


def test_a_body_that_does_not_come_is_not_waited_for(app: FastAPI) -> None:
    limit_bodies(app, 1000, body_s=0.01)
    status, body = anyio.run(call, app, {"content-length": "5"}, never())
    assert (status, body["status"]) == (408, 408)
