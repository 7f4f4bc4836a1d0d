"""Client of the world service."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc

from generia_worker.errors import GeneriaError, PermanentError
from generia_worker.rpc import wire
from generia_worker.rpc.channel import Metadata, from_json, to_json
from generia_worker.rpc.status_codes import translated
from generia_worker.rpc.users import from_wire, to_wire
from generia_worker.text import provisional_name, words_of

#: The states of a generation that goes on.
BEING_MADE = ("pending", "in_progress")
#: Parameters of a world that say what it is.
_DESCRIPTIONS = ("description_short", "description")


@dataclass(frozen=True, slots=True)
class WorldRecord:
    """A world as its service knows it. Times are ISO 8601; URLs are signed and expire, or empty."""

    id: str
    name: str
    description: str
    prompt: str
    creator_id: str
    generation_status: str
    status: str
    users_count: int
    posts_count: int
    created_at: str
    updated_at: str
    is_joined: bool
    image_url: str
    icon_url: str
    params_json: str | None

    @property
    def params(self) -> dict[str, Any]:
        """The world's parameters as a dict. Raises PermanentError when the service sent no JSON object."""
        return from_json(self.params_json, "params")


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One stage of a generation."""

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """How far the generation of a world is; the names are those of the status document in lower case."""

    status: str
    current_stage: str
    stages: tuple[StageRecord, ...]
    tasks_total: int
    tasks_completed: int
    tasks_failed: int
    task_predicted: int
    users_created: int
    posts_created: int
    users_predicted: int
    posts_predicted: int
    api_call_limits_llm: int
    api_call_limits_images: int
    api_calls_made_llm: int
    api_calls_made_images: int
    llm_cost_total: float
    image_cost_total: float
    created_at: str
    updated_at: str


class WorldClient:
    """Calls the world service; every method raises what `status_codes.translated` says."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._stub = wire.WorldServiceStub(channel)
        self._timeout_s = timeout_s

    def create(
        self,
        user_id: str,
        name: str,
        description: str,
        prompt: str,
        characters_count: int,
        posts_count: int,
        *,
        budget_usd: float | None = None,
        reactions: str = "none",
    ) -> WorldRecord:
        """Create a world and order its generation, with at most `budget_usd` dollars to spend when given.

        `reactions` is how much its characters have to say of each other's posts: none, some, many.

        Without a name it gets one from its prompt, since some services demand one; the model's takes its place.
        """
        metadata: Metadata = () if budget_usd is None else ((wire.BUDGET_KEY, repr(float(budget_usd))),)
        if reactions != "none":
            metadata = (*metadata, (wire.REACTIONS_KEY, reactions))
        with translated("CreateWorld"):
            request = wire.world.CreateWorldRequest(
                user_id=to_wire(user_id),
                name=name or provisional_name(prompt),
                description=description,
                prompt=prompt,
                characters_count=characters_count,
                posts_count=posts_count,
            )
            return _record(self._stub.CreateWorld(request, timeout=self._timeout_s, metadata=metadata))

    def get(self, world_id: str, user_id: str = "") -> WorldRecord:
        """Return one world; `is_joined` is about `user_id`."""
        with translated("GetWorld"):
            request = wire.world.GetWorldRequest(world_id=world_id, user_id=to_wire(user_id))
            return _record(self._stub.GetWorld(request, timeout=self._timeout_s))

    def list(
        self,
        user_id: str,
        limit: int = 20,
        offset: int = 0,
        status: str = "active",
        *,
        mine: bool = False,
        being_made: bool = False,
        search: str = "",
        popular: bool = False,
    ) -> tuple[list[WorldRecord], int]:
        """Return a page of worlds (active, archived, all), newest first, and how many there are.

        With `mine` only those that the user made or joined, with `being_made` those that are not ended, with `search` those
        with such words: of a service that lists all the same, those of this page. With `popular` the most popular ones
        come first, where the service knows how to.
        """
        asked = {
            wire.MINE_KEY: "1" if mine else "",
            wire.BEING_MADE_KEY: "1" if being_made else "",
            wire.POPULAR_KEY: "1" if popular else "",
            wire.SEARCH_KEY: quote(search[: wire.SEARCH_MAX]),
        }
        found, total = self._page(user_id, limit, offset, status, asked)
        fits = [
            world
            for world in found
            if (not mine or world.is_joined or world.creator_id == user_id)
            and (not being_made or world.generation_status in BEING_MADE)
            and (not search or _has_words(world, search))
        ]
        return fits, total if len(fits) == len(found) else len(fits)

    def by_id(self, user_id: str, begins: str = "", *, made_by_user: bool = False) -> Iterator[WorldRecord]:
        """Yield all worlds whose ids begin so, newest first; with `made_by_user` only those of this user.

        A service that cannot be asked for them is asked for all of its worlds, page by page.
        """
        asked = {wire.ID_KEY: quote(begins), wire.MINE_KEY: "1" if made_by_user else ""}
        offset, total = 0, 1
        while offset < total:
            found, total = self._page(user_id, wire.PAGE_MAX, offset, "all", asked)
            for world in found:
                if world.id.startswith(begins) and (not made_by_user or world.creator_id == user_id):
                    yield world
            offset += len(found) or total

    def _page(
        self, user_id: str, limit: int, offset: int, status: str, asked: Mapping[str, str]
    ) -> tuple[builtins.list[WorldRecord], int]:
        """Return a page of worlds as the service sends it, and how many it has; what is `asked` for beyond the message goes
        along as metadata, where it is not empty."""
        with translated("GetWorlds"):
            request = wire.world.GetWorldsRequest(
                user_id=to_wire(user_id), limit=limit, offset=offset, status=status
            )
            metadata: Metadata = tuple((key, value) for key, value in asked.items() if value)
            answer = self._stub.GetWorlds(request, timeout=self._timeout_s, metadata=metadata)
        return [_record(world) for world in answer.worlds], answer.total

    def join(self, user_id: str, world_id: str) -> None:
        """Make a person a member of a world; joining twice is joining once."""
        with translated("JoinWorld"):
            request = wire.world.JoinWorldRequest(user_id=to_wire(user_id), world_id=world_id)
            answer = self._stub.JoinWorld(request, timeout=self._timeout_s)
        _require(answer.success, "JoinWorld", answer.message)

    def update_image(self, world_id: str, image_uuid: str, icon_uuid: str) -> None:
        """Set the cover and the icon of a world, by media id; an empty id leaves that one as it is."""
        with translated("UpdateWorldImage"):
            request = wire.world.UpdateWorldImageRequest(
                world_id=world_id, image_uuid=image_uuid, icon_uuid=icon_uuid
            )
            answer = self._stub.UpdateWorldImage(request, timeout=self._timeout_s)
        _require(answer.success, "UpdateWorldImage", answer.message)

    def update_params(
        self, world_id: str, params: Mapping[str, Any], name: str, users_count: int, posts_count: int
    ) -> None:
        """Replace the parameters, name and counts of a world; an empty name leaves the name as it is."""
        with translated("UpdateWorldParams"):
            request = wire.world.UpdateWorldParamsRequest(
                world_id=world_id,
                params=to_json(params),
                name=name,
                users_count=users_count,
                posts_count=posts_count,
            )
            answer = self._stub.UpdateWorldParams(request, timeout=self._timeout_s)
        _require(answer.success, "UpdateWorldParams", answer.message)

    def generation_status(self, world_id: str) -> GenerationRecord:
        """Return how far the generation of a world is."""
        with translated("GetGenerationStatus"):
            request = wire.world.GetGenerationStatusRequest(world_id=world_id)
            answer = self._stub.GetGenerationStatus(request, timeout=self._timeout_s)
        fields = {name: getattr(answer, name) for name in GenerationRecord.__slots__ if name != "stages"}
        stages = tuple(StageRecord(stage.name, stage.status) for stage in answer.stages)
        return GenerationRecord(stages=stages, **fields)

    def healthy(self) -> bool:
        """True when the service answers that it serves; never raises a GeneriaError."""
        try:
            with translated("HealthCheck"):
                answer = self._stub.HealthCheck(wire.world.HealthCheckRequest(), timeout=self._timeout_s)
        except GeneriaError:
            return False
        return answer.status == wire.world.HealthCheckResponse.SERVING


def _has_words(world: WorldRecord, search: str) -> bool:
    """True when words of a world begin as those of a search do."""
    known = search_words(world.name, world.prompt, world.description, world.params_json)
    asked = words_of(search, most=wire.SEARCH_WORDS_MAX)
    return bool(asked) and all(any(one.startswith(word) for one in known) for word in asked)


def search_words(name: str, prompt: str, description: str, params_json: str | None) -> list[str]:
    """Return the words by which a world is found: of its name, its prompt and what describes it."""
    try:
        params = json.loads(params_json or "{}")
    except ValueError:
        params = {}
    described = [params.get(key) for key in _DESCRIPTIONS] if isinstance(params, dict) else []
    return words_of(name, prompt, description, *(text for text in described if isinstance(text, str)))


def _record(answer: wire.world.WorldResponse) -> WorldRecord:
    return WorldRecord(
        id=answer.id,
        name=answer.name,
        description=answer.description,
        prompt=answer.prompt,
        creator_id=from_wire(answer.creator_id),
        generation_status=answer.generation_status,
        status=answer.status,
        users_count=answer.users_count,
        posts_count=answer.posts_count,
        created_at=answer.created_at,
        updated_at=answer.updated_at,
        is_joined=answer.is_joined,
        image_url=answer.image_url,
        icon_url=answer.icon_url,
        params_json=answer.params if answer.HasField("params") else None,
    )


def _require(success: bool, operation: str, message: str) -> None:
    if not success:
        raise PermanentError(f"{operation} was refused: {message or 'no reason given'}")
