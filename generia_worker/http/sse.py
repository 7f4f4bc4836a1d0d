"""Server-sent events as they travel (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MEDIA_TYPE = "text/event-stream"
#: Proxies must neither keep nor gather what is sent.
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
#: How long a browser waits before it connects again, and how often an idle connection shows that it lives.
RETRY_MS = 3000
HEARTBEAT_S = 15.0
OPENING = f"retry: {RETRY_MS}\n\n".encode()
HEARTBEAT = b": still here\n\n"
#: The format knows these alone; `str.splitlines` would also split at characters that a post may hold.
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
#: What one event of a status stream looks like, for OpenAPI documents.
SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["status", "post", "done"]},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind, its data, and the id that a reconnect sends back (None: the last one stays)."""

    event: str
    data: str
    id: str | None = None

    def encode(self) -> bytes:
        """Return the event as bytes. The data is split where it has line breaks, as the format asks."""
        lines = [f"event: {self.event}"]
        if self.id is not None:
            lines.append(f"id: {self.id}")
        lines += [f"data: {line}" for line in _LINE_BREAK.split(self.data)]
        return ("\n".join(lines) + "\n\n").encode()


def decode(lines: Iterable[str]) -> Iterator[Event]:
    """Read events from the lines of a stream; comments, `retry` and an event without its end are passed over."""
    kind, data, last_id = "", list[str](), None
    for line in lines:
        if not line:
            if data:
                yield Event(kind or "message", "\n".join(data), last_id)
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last_id = value
