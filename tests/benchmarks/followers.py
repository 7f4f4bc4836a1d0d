"""Clients that follow worlds, many of them in one event loop: by server-sent events, or by asking again and again."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Seen:
    """What one client saw of one world."""

    world_id: str
    revisions: list[int] = field(default_factory=list)
    posts: int = 0
    status: str = ""
    done: bool = False
    #: Seconds from the writing of each state to its arrival here; of the first one nothing can be said.
    delays_s: list[float] = field(default_factory=list)

    def take(self, document: dict[str, Any]) -> None:
        """Note a status document; one that was seen already counts for nothing."""
        revision = document["revision"]
        if self.revisions and revision <= self.revisions[-1]:
            return
        if self.revisions:
            written = datetime.fromisoformat(document["updated_at"]).timestamp()
            self.delays_s.append(time.time() - written)
        self.revisions.append(revision)
        self.status = document["status"]


class Endpoint:
    """Where the endpoint listens, and the token that it asks for."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = token

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection(self._host, self._port, limit=1 << 20)

    def request(self, path: str) -> bytes:
        """Return a GET request."""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {self._host}",
            f"Authorization: Bearer {self._token}",
            "",
            "",
        ]
        return "\r\n".join(lines).encode()


async def follow(endpoint: Endpoint, seen: Seen, connected: asyncio.Semaphore | None = None) -> None:
    """Follow a world by its events until the last one."""
    reader, writer = await endpoint.connect()
    try:
        writer.write(endpoint.request(f"/v1/generations/{seen.world_id}/events"))
        event = b""
        # Every event is sent whole, so that lines are never cut by the chunks they travel in.
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: ") and event == b"status":
                seen.take(json.loads(line[6:]))
                if connected is not None and len(seen.revisions) == 1:
                    connected.release()
            elif line.startswith(b"data: ") and event == b"post":
                seen.posts += 1
            elif line.startswith(b"data: ") and event == b"done":
                seen.done = True
                return
    finally:
        writer.close()


async def poll(endpoint: Endpoint, seen: Seen, every_s: float) -> None:
    """Follow a world by asking for its status every so often, as a page without push does."""
    reader, writer = await endpoint.connect()
    try:
        while not seen.done:
            begun = time.monotonic()
            writer.write(endpoint.request(f"/v1/generations/{seen.world_id}"))
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            seen.take(json.loads(await reader.readexactly(length)))
            seen.done = seen.status in ("completed", "failed", "cancelled")
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - begun)))
    finally:
        writer.close()
