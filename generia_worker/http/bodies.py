"""Bodies of requests: bounded in bytes and in time, framed in one way only, and read after their caller is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from generia_worker.http.problems import problem

#: A whole body must have arrived within this, in seconds.
BODY_S = 30.0
_LENGTH = re.compile(rb"[0-9]{1,18}")


class _Limit:
    """ASGI middleware: plain, because Starlette's own base class would hold back streams."""

    def __init__(self, app: ASGIApp, most_bytes: int, below: Mapping[str, int], body_s: float) -> None:
        self._app = app
        self._most = most_bytes
        self._below = below
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next(
            (least for path, least in self._below.items() if scope["path"].startswith(path)), self._most
        )
        refusal = _refusal(scope, most)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _counted(receive, most, self._body_s), send)


def _refusal(scope: Scope, most: int) -> Response | None:
    """Return why a body isn't read at all, by the headers alone. The connection ends with that: what follows on it may be
    the rest of a body."""
    close = {"Connection": "close"}
    lengths = {value for name, value in scope["headers"] if name == b"content-length"}
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    if lengths and (chunked or len(lengths) > 1):
        # Whoever stands before us may have read the other one.
        return problem(400, "Send one Content-Length, and no Transfer-Encoding.", headers=close)
    if chunked:
        return problem(411, "Send a Content-Length.", headers=close)
    if not lengths:
        return None
    (length,) = lengths
    if not _LENGTH.fullmatch(length) or int(length) > most:
        return problem(413, f"The body may hold {most} bytes at most.", headers=close)
    return None


def _counted(receive: Receive, most: int, body_s: float) -> Receive:
    """Count what arrives, whatever the headers said of it, and wait for it so long."""
    taken, whole, deadline = 0, False, anyio.current_time() + body_s

    async def counted() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()
        try:
            with anyio.fail_after(max(deadline - anyio.current_time(), 0)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                408, f"The body must arrive within {body_s:.0f} s.", headers={"Connection": "close"}
            ) from None
        taken += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if taken > most:
            detail = f"The body may hold {most} bytes at most."
            raise HTTPException(413, detail, headers={"Connection": "close"})
        return message

    return counted


def limit_bodies(
    app: FastAPI, most_bytes: int, below: Mapping[str, int] | None = None, body_s: float = BODY_S
) -> None:
    """Refuse requests whose body is larger (413), does not say how large it is (411), says so in two ways (400), or takes
    longer than `body_s` seconds (408). `below` has other limits, by the beginning of a path."""
    app.add_middleware(_Limit, most_bytes=most_bytes, below=below or {}, body_s=body_s)


def admitted_by(dependency: Callable[..., Any], admit: Callable[[Request], None]) -> type[APIRoute]:
    """Return a class of routes that call `admit`, in a thread, before the body is read, where they have this dependency.

    FastAPI itself reads a body first and asks dependencies later: anybody could have it read theirs. What `admit` raises
    is the answer.
    """

    def has(dependant: Dependant) -> bool:
        return dependant.call is dependency or any(has(one) for one in dependant.dependencies)

    class Admitted(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            if not has(self.dependant):
                return handle

            async def admitted(request: Request) -> Response:
                await run_in_threadpool(admit, request)
                return await handle(request)

            return admitted

    return Admitted
