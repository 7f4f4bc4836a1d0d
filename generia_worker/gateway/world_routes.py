"""Worlds: made, listed, joined, controlled."""

from __future__ import annotations

import errno
import logging
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from generia_worker.client.allowance import Allowance
from generia_worker.client.estimate import Estimate
from generia_worker.client.order import WorldSize
from generia_worker.client.receipt import Receipt
from generia_worker.client.replies import RepliesStatus, ReplyTerms
from generia_worker.client.schedule import ChronicleDay, Schedule, ScheduleStatus
from generia_worker.client.status import FailedStep, GenerationStatus
from generia_worker.errors import GeneriaError, InvalidInputError, NotFoundError, TransientError
from generia_worker.gateway.auth import AdmittingRoute, Caller, SignedIn
from generia_worker.gateway.dependencies import Dependencies, Deps
from generia_worker.gateway.export import export_world
from generia_worker.gateway.models import (
    JoinedJson,
    MoreBody,
    MoreSizeBody,
    NewWorldBody,
    SizeBody,
    WorldJson,
    WorldsJson,
    status_of,
)
from generia_worker.gateway.reasons import may_see_reasons, without_reason
from generia_worker.gateway.route_parameters import DEFAULT_LIMIT, Limit, Offset, WorldId
from generia_worker.http.problems import CodedHTTPException, documented
from generia_worker.rpc.wire import SEARCH_MAX
from generia_worker.rpc.world_client import WorldRecord

router = APIRouter(prefix="/api/v1", tags=["worlds"], route_class=AdmittingRoute)
log = logging.getLogger(__name__)
_CHUNK_BYTES = 64 * 1024


@router.post("/worlds", status_code=201, responses=documented(400, 401, 403, 409, 411, 413, 422, 429, 503))
def create_world(body: NewWorldBody, user: SignedIn, response: Response, deps: Deps) -> WorldJson:
    """Make a world: it is created, and its generation is ordered."""
    deps.rate_limits.hit("create", user.id)
    if body.reactions != "none" and deps.services.interactions is None:
        message = "There are no likes and comments here: no interaction service is configured."
        raise InvalidInputError(message, field="reactions")
    try:
        world = deps.services.worlds.create(
            user.id,
            body.name,
            body.description,
            body.prompt,
            body.characters_count,
            body.posts_count,
            budget_usd=body.budget,
            reactions=body.reactions,
        )
    except InvalidInputError as error:
        # Everything else was checked here: what a service can still refuse is a budget without a price.
        field = "prompt" if body.budget is None else "budget"
        raise InvalidInputError(error.message, field=field).with_code(error.code) from None
    response.headers["Location"] = f"/api/v1/worlds/{world.id}"
    return WorldJson.of(world)


@router.get("/worlds", responses=documented(401, 422, 503))
def list_worlds(
    user: SignedIn,
    deps: Deps,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    status: Annotated[Literal["active", "archived", "all"], Query(description="Which worlds.")] = "active",
    mine: Annotated[bool, Query(description="Only those that one made or joined.")] = False,
    being_made: Annotated[bool, Query(description="Only those that have not ended.")] = False,
    search: Annotated[
        str,
        Query(
            max_length=SEARCH_MAX,
            description="Words, or their beginnings, of names, prompts and descriptions.",
        ),
    ] = "",
    order: Annotated[
        Literal["newest", "popular"],
        Query(description="The newest first, or the most popular: by members and likes of people."),
    ] = "newest",
) -> WorldsJson:
    """List worlds."""
    found, total = deps.services.worlds.list(
        user.id,
        limit,
        offset,
        status,
        mine=mine,
        being_made=being_made,
        search=search,
        popular=order == "popular",
    )
    return WorldsJson(worlds=[WorldJson.of(world) for world in found], total=total)


@router.post("/worlds:estimate", responses=documented(400, 401, 403, 411, 413, 422, 503))
def estimate_world(body: SizeBody, _user: SignedIn, deps: Deps) -> Estimate:
    """Tell what a world of this size will take, before anything is spent."""
    size = WorldSize(
        users_count=body.characters_count, posts_count=body.posts_count, reactions=body.reactions
    )
    return Estimate.model_validate(deps.endpoint.call("POST", "/v1/generations:estimate", size.body()))


@router.get("/allowance", responses=documented(401, 503))
def get_allowance(user: SignedIn, deps: Deps) -> Allowance:
    """Tell what today still allows: worlds that one may make, and dollars that they may cost."""
    return Allowance.model_validate(deps.endpoint.call("GET", f"/v1/allowances/{user.id}"))


@router.get("/worlds/{world_id:id}", responses=documented(401, 404, 422, 503))
def get_world(world_id: WorldId, user: SignedIn, deps: Deps) -> WorldJson:
    """Return one world."""
    return WorldJson.of(deps.services.worlds.get(world_id, user.id))


@router.post("/worlds/{world_id:id}/join", responses=documented(401, 403, 404, 411, 413, 422, 503))
def join_world(world_id: WorldId, user: SignedIn, deps: Deps) -> JoinedJson:
    """Become a member; twice is once."""
    deps.services.worlds.join(user.id, world_id)
    return JoinedJson(world_id=world_id)


@router.get("/worlds/{world_id:id}/status", responses=documented(401, 404, 422, 503))
def get_status(world_id: WorldId, user: SignedIn, deps: Deps) -> GenerationStatus:
    """Tell how far a world is: from the enqueue endpoint, or as far as the world service knows it.

    Why something failed is told to who made the world; others learn that it did.
    """
    try:
        status = GenerationStatus.model_validate(deps.endpoint.call("GET", f"/v1/generations/{world_id}"))
    except (GeneriaError, ValidationError):  # whatever the endpoint lacks, the world service is asked
        return known_status(deps, world_id)
    if status.error is None or may_see_reasons(deps, world_id, user):
        return status
    return without_reason(status)


def known_status(deps: Dependencies, world_id: str) -> GenerationStatus:
    """Return how far a world is as the world service knows it. Raises NotFoundError, TransientError."""
    world = deps.services.worlds.get(world_id)
    return status_of(world, deps.services.worlds.generation_status(world_id))


# --- the creator's alone -----------------------------------------------------------------------------------------
def _own_world(deps: Dependencies, world_id: str, user: Caller) -> WorldRecord:
    """Return a world that this person made, or looks after. Raises HTTPException (403), NotFoundError, TransientError."""
    world = deps.services.worlds.get(world_id, user.id)
    if world.creator_id != user.id and not user.is_admin:
        raise CodedHTTPException(403, "Only who made this world may do that.", "not_your_world")
    return world


_CONTROL: dict[str, Any] = {
    "status_code": 202,
    "responses": documented(401, 403, 404, 409, 411, 413, 422, 503),
}
_EXTEND: dict[str, Any] = _CONTROL | {
    "responses": documented(400, 401, 403, 404, 409, 411, 413, 422, 429, 503)
}
_PRIVATE: dict[str, Any] = {"responses": documented(401, 403, 404, 409, 422, 503)}


def _control(deps: Dependencies, world_id: str, user: Caller, action: str) -> GenerationStatus:
    _own_world(deps, world_id, user)
    answer = deps.endpoint.call("POST", f"/v1/generations/{world_id}:{action}")
    return GenerationStatus.model_validate(answer)


@router.post("/worlds/{world_id:id}:cancel", **_CONTROL)
def cancel_world(world_id: WorldId, user: SignedIn, deps: Deps) -> GenerationStatus:
    """Stop a world within one call's time; what exists stays."""
    return _control(deps, world_id, user, "cancel")


@router.post("/worlds/{world_id:id}:resume", **_CONTROL)
def resume_world(world_id: WorldId, user: SignedIn, deps: Deps) -> GenerationStatus:
    """Go on with a world that was cancelled or has failed."""
    return _control(deps, world_id, user, "resume")


@router.post("/worlds/{world_id:id}:retry", **_CONTROL)
def retry_world(world_id: WorldId, user: SignedIn, deps: Deps) -> GenerationStatus:
    """Try what failed again."""
    return _control(deps, world_id, user, "retry")


@router.post("/worlds/{world_id:id}:extend", **_EXTEND)
def extend_world(world_id: WorldId, body: MoreBody, user: SignedIn, deps: Deps) -> GenerationStatus:
    """Make more of a completed world: new characters, new posts. The same `request_id` again changes nothing."""
    _own_world(deps, world_id, user)
    deps.rate_limits.hit("create", user.id)
    asked = {"users_count": body.characters_count, **body.model_dump(exclude={"characters_count"})}
    answer = deps.endpoint.call("POST", f"/v1/generations/{world_id}:extend", asked)
    return GenerationStatus.model_validate(answer)


@router.post(
    "/worlds/{world_id:id}:estimate", responses=documented(400, 401, 403, 404, 409, 411, 413, 422, 503)
)
def estimate_more(world_id: WorldId, body: MoreSizeBody, user: SignedIn, deps: Deps) -> Estimate:
    """Tell what so much more of a completed world will take at most, before anything is spent."""
    _own_world(deps, world_id, user)
    size = {"users_count": body.characters_count, "posts_count": body.posts_count}
    return Estimate.model_validate(deps.endpoint.call("POST", f"/v1/generations/{world_id}:estimate", size))


@router.put(
    "/worlds/{world_id:id}/schedule", responses=documented(400, 401, 403, 404, 409, 411, 413, 422, 503)
)
def put_schedule(world_id: WorldId, body: Schedule, user: SignedIn, deps: Deps) -> ScheduleStatus:
    """Let a world live on, day by day, or change how it does."""
    _own_world(deps, world_id, user)
    asked = body.model_dump(mode="json")
    return ScheduleStatus.model_validate(
        deps.endpoint.call("PUT", f"/v1/generations/{world_id}/schedule", asked)
    )


@router.get("/worlds/{world_id:id}/schedule", **_PRIVATE)
def get_schedule(world_id: WorldId, user: SignedIn, deps: Deps) -> ScheduleStatus | None:
    """Tell how a world lives on; null when it does not."""
    _own_world(deps, world_id, user)
    try:
        found = deps.endpoint.call("GET", f"/v1/generations/{world_id}/schedule")
    except NotFoundError:
        return None
    return ScheduleStatus.model_validate(found)


@router.delete("/worlds/{world_id:id}/schedule", responses=documented(401, 403, 404, 409, 411, 413, 422, 503))
def end_schedule(world_id: WorldId, user: SignedIn, deps: Deps) -> ScheduleStatus:
    """Let no day of a world begin any more."""
    _own_world(deps, world_id, user)
    return ScheduleStatus.model_validate(deps.endpoint.call("DELETE", f"/v1/generations/{world_id}/schedule"))


@router.put(
    "/worlds/{world_id:id}/replies", responses=documented(400, 401, 403, 404, 409, 411, 413, 422, 503)
)
def put_replies(world_id: WorldId, body: ReplyTerms, user: SignedIn, deps: Deps) -> RepliesStatus:
    """Let the characters of a world reply to people, for so much at most, or change what that may cost."""
    _own_world(deps, world_id, user)
    return _replies(deps, world_id, "PUT", body.model_dump(mode="json"))


@router.get("/worlds/{world_id:id}/replies", **_PRIVATE)
def get_replies(world_id: WorldId, user: SignedIn, deps: Deps) -> RepliesStatus:
    """Tell whether they do, and what it cost."""
    _own_world(deps, world_id, user)
    return _replies(deps, world_id, "GET")


@router.delete("/worlds/{world_id:id}/replies", responses=documented(401, 403, 404, 409, 411, 413, 422, 503))
def end_replies(world_id: WorldId, user: SignedIn, deps: Deps) -> RepliesStatus:
    """Let them reply to nobody any more."""
    _own_world(deps, world_id, user)
    return _replies(deps, world_id, "DELETE")


def _replies(
    deps: Dependencies, world_id: str, method: str, body: dict[str, Any] | None = None
) -> RepliesStatus:
    return RepliesStatus.model_validate(
        deps.endpoint.call(method, f"/v1/generations/{world_id}/replies", body)
    )


@router.get("/worlds/{world_id:id}/chronicle", responses=documented(401, 404, 422, 503))
def get_chronicle(world_id: WorldId, _user: SignedIn, deps: Deps) -> list[ChronicleDay]:
    """Tell what happened in a world that lives on, day by day."""
    deps.services.worlds.get(world_id)
    return _chronicle(deps, world_id)


def _chronicle(deps: Dependencies, world_id: str) -> list[ChronicleDay]:
    try:
        answer = deps.endpoint.call("GET", f"/v1/generations/{world_id}/chronicle")
    except NotFoundError:  # the endpoint did not make this world
        return []
    return [ChronicleDay.model_validate(one) for one in answer]


@router.get("/worlds/{world_id:id}/failures", **_PRIVATE)
def get_failures(world_id: WorldId, user: SignedIn, deps: Deps) -> list[FailedStep]:
    """List the steps that failed, each with its reason."""
    _own_world(deps, world_id, user)
    answer = deps.endpoint.call("GET", f"/v1/generations/{world_id}/failures")
    return [FailedStep.model_validate(row) for row in answer]


@router.get("/worlds/{world_id:id}/receipt", response_model=Receipt, **_PRIVATE)
def get_receipt(world_id: WorldId, user: SignedIn, deps: Deps) -> JSONResponse:
    """Tell what each part of a world cost, as the enqueue endpoint says it."""
    _own_world(deps, world_id, user)
    return JSONResponse(deps.endpoint.call("GET", f"/v1/generations/{world_id}/receipt"))


@router.get(
    "/worlds/{world_id:id}/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A zip",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented(401, 403, 404, 422, 503),
    },
)
def export(world_id: WorldId, user: SignedIn, deps: Deps) -> StreamingResponse:
    """Download a world: its texts as JSON, and all of its pictures."""
    _own_world(deps, world_id, user)
    if not deps.exports.acquire(blocking=False):
        message = "Too many downloads are being made; try again soon."
        raise TransientError(message, retry_after_s=10).with_code("downloads_busy")
    try:
        status = get_status(world_id, user, deps)
        file = _exported(deps, world_id, status)
    finally:
        deps.exports.release()
    headers = {
        "Content-Disposition": f'attachment; filename="world-{world_id}.zip"',
        "Content-Length": str(file.tell()),
    }
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


def _exported(deps: Dependencies, world_id: str, status: GenerationStatus) -> IO[bytes]:
    """Return a temporary file with a world. Raises as `export_world`, and TransientError where the disk has no room."""
    file: IO[bytes] | None = None
    try:
        file = tempfile.TemporaryFile(prefix="generia-export-")  # noqa: SIM115 - closed when it is sent
        export_world(
            world_id,
            file,
            services=deps.services,
            settings=deps.settings,
            status=status.as_json(),
            chronicle=_known_chronicle(deps, world_id),
        )
    except BaseException as error:
        if file is not None:
            with suppress(OSError):  # what was not written yet cannot be written now
                file.close()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error("No room for a download in %s: free some, or set TMPDIR.", tempfile.gettempdir())
            message = "The server has no room to make this download; its operator has to free some."
            raise TransientError(message, retry_after_s=60) from None
        raise
    return file


def _known_chronicle(deps: Dependencies, world_id: str) -> list[ChronicleDay]:
    """Return the chronicle; none where the endpoint does not tell it: a download needs the services alone."""
    try:
        return _chronicle(deps, world_id)
    except (GeneriaError, ValidationError) as error:
        log.warning("The chronicle of %s is left out of a download: %s", world_id, type(error).__name__)
        return []


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
