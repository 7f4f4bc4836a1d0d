"""The stream of a world: the enqueue endpoint's passed on, or one made by asking the world service."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated

import anyio
import httpx2
from anyio import to_thread
from fastapi import APIRouter, Header, Request, Response
from pymongo.errors import PyMongoError

from generia_worker.client.status import GenerationStatus
from generia_worker.errors import TransientError
from generia_worker.gateway.auth import AdmittingRoute, Caller, Viewer, address_of
from generia_worker.gateway.dependencies import Dependencies, Deps
from generia_worker.gateway.reasons import may_see_reasons, without_reasons
from generia_worker.gateway.route_parameters import WorldId
from generia_worker.gateway.stream_places import StreamPlace
from generia_worker.gateway.world_routes import known_status
from generia_worker.http import sse
from generia_worker.http.problems import documented
from generia_worker.http.streams import EventStream

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1", tags=["worlds"], route_class=AdmittingRoute)
POLL_S = 0.5
#: How often it is looked whether who follows a world is still logged in. A stream that ends so connects again, and is told.
SESSION_CHECK_S = 30.0
_EVENT_ID = re.compile(r"[0-9]{1,18}")
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=100, description="The id that was seen last.")
]


@router.get(
    "/worlds/{world_id:id}/status/stream",
    response_class=Response,
    responses={
        200: {
            "description": "Events: `status` (the status document), `post` (a post), `done` last.",
            "content": {sse.MEDIA_TYPE: {"schema": sse.SCHEMA}},
        },
        204: {"description": "Nothing more will come."},
        **documented(401, 404, 422, 429, 503),
    },
)
async def stream_status(
    world_id: WorldId, viewer: Viewer, request: Request, deps: Deps, last_event_id: LastEventId = None
) -> Response:
    """Follow a world: its status as it is and each change, each new post, and `done` when it has ended.

    Send back the last id (`Last-Event-ID`) to go on where a stream broke off: 204 says that it had ended.
    """
    place = deps.streams.take(viewer.id, address_of(request))
    try:
        answer = await _open(deps, world_id, _revision_of(last_event_id), viewer, place)
    except BaseException:
        place.give_back()
        raise
    if not isinstance(answer, EventStream):
        place.give_back()
        return answer
    answer.source = _while_logged_in(deps, viewer, answer.source)
    return answer


async def _open(deps: Dependencies, world_id: str, seen: int, viewer: Caller, place: StreamPlace) -> Response:
    """Return the stream, which gives its place back when it ends, or the answer that there is none."""
    with_reasons = await to_thread.run_sync(may_see_reasons, deps, world_id, viewer, limiter=deps.polls)
    upstream = await deps.endpoint.open_events(world_id, str(seen) if seen >= 0 else None)
    if upstream is None:
        return await _polled(deps, world_id, seen, place)
    if upstream.status_code == 204:
        await upstream.aclose()
        return Response(status_code=204)

    async def close() -> None:
        place.give_back()
        await upstream.aclose()

    events = _passed_on(upstream)
    return EventStream(events if with_reasons else without_reasons(events), close)


def _revision_of(last_event_id: str | None) -> int:
    """Return the id that a browser sends back when it connects again; -1 for none, and for what is none."""
    return int(last_event_id) if last_event_id and _EVENT_ID.fullmatch(last_event_id) else -1


async def _passed_on(upstream: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in upstream.aiter_raw():
            yield chunk
    except httpx2.HTTPError as error:
        # The browser connects again by itself.
        log.info("A stream of the enqueue endpoint broke off: %s", type(error).__name__)


async def _polled(deps: Dependencies, world_id: str, seen: int, place: StreamPlace) -> Response:
    first = await _ask(deps, world_id)
    if first.status.is_final and first.revision <= seen:
        return Response(status_code=204)

    async def close() -> None:
        place.give_back()

    return EventStream(_changes(deps, world_id, first), close)


async def _while_logged_in(
    deps: Dependencies, viewer: Caller, events: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Pass events on until the viewer has logged out, was locked or got another password."""
    looked_at = time.monotonic()
    async for event in events:
        if time.monotonic() - looked_at >= SESSION_CHECK_S:
            looked_at = time.monotonic()
            if not await to_thread.run_sync(_is_logged_in, deps, viewer, limiter=deps.polls):
                return
        yield event


def _is_logged_in(deps: Dependencies, viewer: Caller) -> bool:
    try:
        return deps.accounts.of_session(viewer.id, viewer.session_id) is not None
    except PyMongoError:
        log.info("MongoDB is away; whether a session lasts is looked at later")
        return True


async def _ask(deps: Dependencies, world_id: str) -> GenerationStatus:
    # A limiter of its own: many streams must not take the threads that answer calls.
    return await to_thread.run_sync(known_status, deps, world_id, limiter=deps.polls)


async def _changes(deps: Dependencies, world_id: str, status: GenerationStatus) -> AsyncIterator[bytes]:
    yield sse.OPENING
    last, idle_s = "", 0.0
    while True:
        data = status.model_dump_json(by_alias=True)
        if data != last:
            last, idle_s = data, 0.0
            yield sse.Event("status", data, str(status.revision)).encode()
        if status.status.is_final:
            yield sse.Event("done", "{}").encode()
            return
        if idle_s >= sse.HEARTBEAT_S:
            idle_s = 0.0
            yield sse.HEARTBEAT
        await anyio.sleep(POLL_S)
        idle_s += POLL_S
        try:
            status = await _ask(deps, world_id)
        except TransientError:
            log.info("The world service does not answer; a stream waits for it")
