"""A limit on what a request may hold, before any of it is read."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from generia_worker.http.problems import problem


class _Limit:
    """ASGI middleware: plain, because Starlette's own base class would hold back streams."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Any:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        if length is None:
            # HTTP/1.1 names the length, or sends chunks of who knows how much.
            return problem(411, "Send a Content-Length.") if b"transfer-encoding" in headers else None
        if not length.isdigit() or int(length) > self._most:
            return problem(413, f"The body may hold {self._most} bytes at most.")
        return None


def limit_bodies(app: FastAPI, most_bytes: int) -> None:
    """Refuse requests whose body is larger (413), or that do not say how large it is (411)."""
    app.add_middleware(_Limit, most_bytes=most_bytes)
