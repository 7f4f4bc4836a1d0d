"""Who is told why a world failed: who made it. A reason may quote a provider, and that is no matter of anybody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from generia_worker.client.status import Failure, GenerationStatus
from generia_worker.errors import GeneriaError
from generia_worker.gateway.auth import Caller
from generia_worker.gateway.dependencies import Dependencies
from generia_worker.http import sse

NEUTRAL = "Not everything of this world could be made; who made it can see why."
_END = b"\n\n"


def may_see_reasons(deps: Dependencies, world_id: str, user: Caller) -> bool:
    """True for who made the world, and for admins; False also when the world service does not tell who that is."""
    if user.is_admin:
        return True
    try:
        return deps.services.worlds.get(world_id).creator_id == user.id
    except GeneriaError:
        return False


def without_reason(status: GenerationStatus) -> GenerationStatus:
    """Return a status for those who did not make the world."""
    if status.error is None:
        return status
    return status.model_copy(update={"error": Failure(step=status.error.step, reason=NEUTRAL)})


async def without_reasons(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the events of a stream for those who did not make the world, each when it is whole."""
    rest = b""
    async for chunk in chunks:
        *events, rest = (rest + chunk).split(_END)
        if events:
            yield b"".join(_without_reason(event + _END) for event in events)


def _without_reason(event: bytes) -> bytes:
    if b'"reason"' not in event:
        return event
    for found in sse.decode(event.decode("utf-8", "replace").split("\n")):
        if found.event == "status":
            document = json.loads(found.data)
            if document.get("error"):
                document["error"]["reason"] = NEUTRAL
            data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            return sse.Event(found.event, data, found.id).encode()
    return event
