"""Connections of an HTTP server: bounded in number, and in how long each lets the server wait.

Whoever opens many and sends little takes nobody else's place: at the limit the connection goes whose client has kept the
server waiting for the longest.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

#: Seconds in which a request's line and headers must have arrived, and after which a client that reads nothing is cut off.
HEAD_S, STUCK_S = 10.0, 60.0
#: Open files of a process beside the connections of its clients: to servers, of its log, of downloads.
_OTHER_FILES = 200
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n"
    b"Cache-Control: no-store\r\n\r\n"
)


class GuardedProtocol(H11Protocol):
    """One connection. `most` counts those of one server; the times are in seconds."""

    most = 1000
    head_s = HEAD_S
    stuck_s = STUCK_S
    #: Of one server, those that may be waiting for their clients: who has waited for the longest comes first.
    waiting: ClassVar[dict[GuardedProtocol, None]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, and let another one go where there are too many."""
        super().connection_made(transport)
        self._stuck: asyncio.TimerHandle | None = None
        self._head: asyncio.TimerHandle | None = self.loop.call_later(self.head_s, self._too_slow)
        if len(self.connections) > self.most:
            self._make_room()
        self.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.waiting.pop(self, None)
        self._cancel_head()
        self._cancel_stuck()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what belongs to no request under way is the beginning of one, which must end in time."""
        if not self.flow.write_paused:  # else it sends, and still does not read
            self._cancel_stuck()
        super().data_received(data)
        if not self._between_requests:
            self._cancel_head()
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_s, self._too_slow)

    def on_response_complete(self) -> None:
        """Wait for the next request, and not for ever until this answer is read."""
        self.waiting.pop(self, None)
        self.waiting[self] = None
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._expect_reading()

    def pause_writing(self) -> None:
        """Wait for the client to read what was sent."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._cancel_stuck()
        super().resume_writing()

    @property
    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        """True while the client has not sent a whole request, or has had its answer."""
        return self._between_requests or self.cycle.more_body

    def _make_room(self) -> None:
        while self.waiting:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]  # who is being answered comes back with the end of the answer
            if oldest.is_waiting:
                self.connections.discard(oldest)  # at once: more may come before it is lost
                oldest.transport.abort()
                return
        self.transport.write(_FULL)
        self.transport.close()

    def _too_slow(self) -> None:
        self._head = None
        self.transport.close()

    def _expect_reading(self) -> None:
        self._cancel_stuck()
        self._stuck = self.loop.call_later(self.stuck_s, self.transport.abort)

    def _cancel_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _cancel_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def guarded(most: int, *, other_files: int = _OTHER_FILES, **times: float) -> dict[str, Any]:
    """Return the options by which uvicorn takes `most` connections, or fewer where the system allows no more files.

    `other_files` are those that the process opens beside them. `times` replaces `head_s` or `stuck_s`.
    """
    allowed = _raise_open_files(most + other_files) - other_files
    if allowed < most:
        log.warning("Only %d of %d connections are taken: raise the limit of open files.", allowed, most)
    facts = {"most": max(min(most, allowed), 1), "waiting": {}, **times}
    # No route speaks WebSocket, and such a connection would count no more.
    return {"http": type("Guarded", (GuardedProtocol,), facts), "ws": "none"}


def _raise_open_files(wanted: int) -> int:
    """Return how many files this process may open, raised as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    except (ValueError, OSError):
        return soft
    return goal
