"""What both APIs need of HTTP: bodies with a limit, keys, waiting that notices a lost client, and broken answers."""

from __future__ import annotations

import asyncio
import json
import re
from email.utils import formatdate
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from generia_worker.simulator.behaviour import Behaviour
from generia_worker.simulator.ledger import Entry

MAX_BODY_BYTES = 4_000_000
_BEARER = re.compile(r"Bearer\s+sim-\S{1,200}")
_PADDING_INTERVAL_S = 0.2
#: What a 5xx of a provider looks like; None stands for a proxy's HTML page.
OUTAGES: dict[int, str | None] = {
    500: "Internal Server Error",
    502: None,
    503: "No instances available",
    504: "The upstream provider timed out",
    524: "A timeout occurred",
    529: "Provider is overloaded",
}
HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class BadBody(ValueError):  # noqa: N818 - it is a fact about a request
    """Raised when a body is too large or no JSON; `status` is what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def has_key(request: Request) -> bool:
    """True when the request carries a key of the simulator: `Bearer sim-…`."""
    return _BEARER.fullmatch(request.headers.get("authorization", "")) is not None


async def read_json(request: Request) -> Any:
    """Return the body as JSON. Raises BadBody."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadBody(413, "Request body is too large")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody(400, "Request body is not valid JSON") from None


def retry_after(behaviour: Behaviour) -> dict[str, str]:
    """Return the Retry-After header as the behaviours want it."""
    seconds = behaviour.retry_after_s
    if seconds is None:
        return {}
    if behaviour.retry_after_date:
        return {"Retry-After": formatdate(time() + seconds, usegmt=True)}
    return {"Retry-After": f"{seconds:g}"}


async def client_leaves(request: Request, within_s: float | None) -> bool:
    """Wait so long (None: for ever) and return True as soon as the client has closed its connection."""
    if within_s is not None and within_s <= 0:
        return await request.is_disconnected()
    try:
        async with asyncio.timeout(within_s):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


class Answer(JSONResponse):
    """A JSON answer that marks its entries as answered once it is on its way; may come padded, or break off.

    The body may be given as bytes of another type for pictures.
    """

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        *,
        entries: tuple[Entry, ...] = (),
        padding_s: float = 0,
        breaks: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(content, status_code, headers=headers)
        self._entries = entries
        self._padding_s = padding_s
        self._breaks = breaks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the answer."""
        if self._padding_s:
            del self.headers["content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if self._padding_s and await self._pad(receive, send):
            return
        body = bytes(self.body)
        if self._breaks:
            # Returning without the end of the body makes the server close the connection.
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return
        for entry in self._entries:
            entry.answered = True
        await send({"type": "http.response.body", "body": body})

    async def _pad(self, receive: Receive, send: Send) -> bool:
        """Send blank lines for a while; True when the client has gone."""
        left_s = self._padding_s
        request = Request({"type": "http"}, receive)
        while left_s > 0:
            await send({"type": "http.response.body", "body": b"\n", "more_body": True})
            if await client_leaves(request, min(_PADDING_INTERVAL_S, left_s)):
                return True
            left_s -= _PADDING_INTERVAL_S
        return False


class NoAnswer(Response):
    """What is left to say when the client has gone: nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing; the server closes the connection."""
