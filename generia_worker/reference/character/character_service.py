# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference character service."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

import grpc

from generia_worker.reference import checks, lookups
from generia_worker.reference.once import Once
from generia_worker.reference.resources import Document, Resources
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import MediaType, check_id

NAME_MAX = 200


class CharacterService(wire.CharacterServiceServicer):
    """Characters of AI and of people; one without `real_user_id` is an AI's."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._characters = resources.collection("characters")

    def CreateCharacter(
        self, request: wire.character.CreateCharacterRequest, context: grpc.ServicerContext
    ) -> wire.character.Character:
        """Create a character, once for an idempotency key."""
        user_id = check_id(request.real_user_id, "real_user_id") if request.HasField("real_user_id") else None
        meta = checks.json_object(request.meta, "meta") if request.HasField("meta") else None
        document: Document = {
            "_id": str(uuid4()),
            "world_id": check_id(request.world_id, "world_id"),
            "real_user_id": user_id,
            "display_name": checks.text(request.display_name, "display_name", least=1, most=NAME_MAX),
            "avatar_media_id": None,
            "avatar_key": None,
            "avatar_url": "",
            "meta": meta,
            "created_at": self._resources.now(),
        }
        once = Once.of(context, request)
        stored = once.find(self._characters)
        if stored is None:
            lookups.world(self._resources, request.world_id)
            if request.avatar_media_id:
                document |= self._avatar(request.avatar_media_id, request.world_id, None)
            stored = once.insert(self._characters, document)
        return to_message(self._resources, stored)

    def UpdateCharacter(
        self, request: wire.character.UpdateCharacterRequest, context: grpc.ServicerContext
    ) -> wire.character.Character:
        """Change what is present in the request."""
        character = lookups.character(self._resources, request.character_id)
        change: Document = {}
        if request.HasField("display_name"):
            change["display_name"] = checks.text(request.display_name, "display_name", least=1, most=NAME_MAX)
        if request.HasField("meta"):
            change["meta"] = checks.json_object(request.meta, "meta")
        if request.HasField("avatar_url"):
            change["avatar_url"] = checks.web_address(request.avatar_url, "avatar_url")
        if request.HasField("avatar_media_id"):
            change |= self._avatar(request.avatar_media_id, character["world_id"], character["_id"])
        if change:
            self._characters.update_one({"_id": character["_id"]}, {"$set": change})
        return to_message(self._resources, {**character, **change})

    def _avatar(self, media_id: str, world_id: str, character_id: str | None) -> Document:
        media = lookups.confirmed_media(
            self._resources,
            media_id,
            "avatar_media_id",
            MediaType.CHARACTER_AVATAR,
            world_id,
            character_id,
        )
        return {"avatar_media_id": media_id, "avatar_key": media["key"]}

    def GetCharacter(
        self, request: wire.character.GetCharacterRequest, context: grpc.ServicerContext
    ) -> wire.character.Character:
        """Return one character."""
        return to_message(self._resources, lookups.character(self._resources, request.character_id))

    def GetUserCharactersInWorld(
        self, request: wire.character.GetUserCharactersInWorldRequest, context: grpc.ServicerContext
    ) -> wire.character.CharacterList:
        """Return the characters that a person plays in a world, at most 100, oldest first."""
        user_id = check_id(request.user_id, "user_id")
        lookups.world(self._resources, request.world_id)
        found = self._characters.find({"real_user_id": user_id, "world_id": request.world_id})
        ordered = found.sort([("created_at", 1), ("_id", 1)]).limit(checks.PAGE_MAX)
        return wire.character.CharacterList(characters=_messages(self._resources, ordered))

    def HealthCheck(
        self, request: wire.character.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.character.HealthCheckResponse:
        """Say whether the database answers."""
        serving = lookups.is_serving(self._resources)
        return wire.character.HealthCheckResponse(status="SERVING" if serving else "NOT_SERVING")


def avatar_url(resources: Resources, character: Document) -> str:
    """Return the address of a character's avatar: the uploaded one, signed, or else the one it was given."""
    url: str = resources.files.page_url(character["avatar_key"]) or character["avatar_url"]
    return url


def to_message(resources: Resources, character: Document) -> wire.character.Character:
    """Return a character as it travels."""
    return wire.character.Character(
        id=character["_id"],
        world_id=character["world_id"],
        real_user_id=character["real_user_id"],
        is_ai=character["real_user_id"] is None,
        display_name=character["display_name"],
        avatar_media_id=character["avatar_media_id"],
        avatar_url=avatar_url(resources, character),
        meta=character["meta"],
        created_at=checks.iso(character["created_at"]),
    )


def _messages(resources: Resources, found: Iterable[Document]) -> list[wire.character.Character]:
    return [to_message(resources, character) for character in found]


def in_world(
    resources: Resources, world_id: str, limit: int = checks.PAGE_MAX, offset: int = 0
) -> list[wire.character.Character]:
    """Return a page of all characters of a world, oldest first: no rpc of the contract lists them.

    Raises:
        InvalidInputError, NotFoundError: the arguments are malformed, or there is no such world.
    """
    limit, offset = checks.page(limit, offset)
    lookups.world(resources, world_id)
    found = resources.collection("characters").find({"world_id": world_id})
    return _messages(resources, found.sort([("created_at", 1), ("_id", 1)]).skip(offset).limit(limit))


def count_in_world(resources: Resources, world_id: str) -> int:
    """Return how many characters a world has."""
    return resources.collection("characters").count_documents({"world_id": world_id})


def register(server: grpc.Server, resources: Resources, _: object) -> None:
    """Let a server answer the calls of the character service."""
    wire.add_CharacterServiceServicer_to_server(CharacterService(resources), server)
