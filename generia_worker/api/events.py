"""`GET /v1/generations/{world_id}/events`: the status as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Header, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from generia_worker.api.live import LiveStatus, state_of
from generia_worker.api.paths import WorldId
from generia_worker.app.container import Container
from generia_worker.http import sse
from generia_worker.http.problems import documented
from generia_worker.http.streams import EventStream

#: A browser sends back what it was given; anything else is as good as nothing seen.
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="The revision that was seen last."),
]


def revision_of(last_event_id: str | None) -> int | None:
    """Return the revision that a client saw last; None when it names none."""
    text = last_event_id or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def add_events(app: FastAPI, container: Container, live: LiveStatus, authorised: Any) -> None:
    """Add the stream of a world's status."""
    most = container.settings.api_streams_max
    answers: Mapping[int | str, dict[str, Any]] = {
        200: {
            "description": "`event: status` with the status document (id: its revision), first a snapshot and then each "
            "change; `event: post` when a post appears; `event: done` last.",
            "content": {sse.MEDIA_TYPE: {"schema": sse.SCHEMA}},
        },
        204: {"description": "The world has ended, and the client has seen its last state."},
    }

    @app.get(
        "/v1/generations/{world_id:id}/events",
        response_class=Response,
        responses={**answers, **documented(401, 404, 422, 503)},
        dependencies=[authorised],
    )
    async def events(world_id: WorldId, last_event_id: LastEventId = None) -> Response:
        """Tell each change of a world's status as it happens."""
        state = state_of(await run_in_threadpool(container.status.get, world_id))
        seen = revision_of(last_event_id)
        if state.final and seen is not None and seen >= state.revision:
            return Response(status_code=204)
        if live.clients >= most:
            raise HTTPException(
                503, "Too many clients follow worlds here: try again.", headers={"Retry-After": "5"}
            )
        following = live.events(world_id, seen)
        return EventStream(following, following.aclose)
