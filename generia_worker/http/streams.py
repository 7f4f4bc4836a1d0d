"""An answer that is a stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from generia_worker.http import sse


class EventStream(Response):
    """Sends what `source` gives until it ends or the client goes; then `close` is called, whatever happened.

    The next event is asked for when the client has taken the last one: whoever is slow costs nothing.
    """

    media_type = sse.MEDIA_TYPE

    def __init__(self, source: AsyncIterator[bytes], close: Callable[[], Awaitable[None]]) -> None:
        super().__init__(headers=sse.HEADERS, media_type=self.media_type)
        del self.headers["content-length"]
        self.source = source
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve the stream; a client that goes ends it at once, not with the next event."""
        try:
            async with anyio.create_task_group() as group:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                await self._send_all(send)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        async for chunk in self.source:
            # Who takes nothing is cut off by the connection (`connections.py`): a deadline for each chunk would cost as much
            # as the chunk.
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
