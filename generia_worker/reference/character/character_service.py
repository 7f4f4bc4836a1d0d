# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference character service."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

import grpc
from pymongo import ASCENDING, IndexModel, ReturnDocument

from generia_worker.reference.shared import lookups, validation
from generia_worker.reference.shared.base_service import Service
from generia_worker.reference.shared.idempotency import KEY_INDEX, IdempotencyKey
from generia_worker.reference.shared.resources import Resources
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import MediaType, check_id
from generia_worker.storage.mongo import Document

NAME_MAX = 200
_OLDEST = [("created_at", ASCENDING), ("_id", ASCENDING)]


class CharacterService(Service, wire.CharacterServiceServicer):
    """Characters of AI and of people; one without `real_user_id` is an AI's."""

    name = "character"
    indexes: ClassVar = {
        "characters": [
            IndexModel([("world_id", ASCENDING), *_OLDEST]),
            IndexModel([("real_user_id", ASCENDING), ("world_id", ASCENDING)]),
            KEY_INDEX,
        ]
    }

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources)
        self._characters = resources.collection("characters")

    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of the character service."""
        wire.add_CharacterServiceServicer_to_server(self, server)

    def CreateCharacter(
        self, request: wire.character.CreateCharacterRequest, context: grpc.ServicerContext
    ) -> wire.character.Character:
        """Create a character, once for an idempotency key."""
        user_id = (
            validation.user_id(request.real_user_id, "real_user_id")
            if request.HasField("real_user_id")
            else None
        )
        meta = validation.json_object(request.meta, "meta") if request.HasField("meta") else None
        document: Document = {
            "_id": str(uuid4()),
            "world_id": check_id(request.world_id, "world_id"),
            "real_user_id": user_id,
            "display_name": validation.text(request.display_name, "display_name", least=1, most=NAME_MAX),
            "avatar_media_id": None,
            "avatar_key": None,
            "avatar_url": "",
            "meta": meta,
            "created_at": self._resources.now(),
        }

        def referring() -> Document:
            lookups.require_world(self._resources, request.world_id)
            if not request.avatar_media_id:
                return document
            return document | self._avatar(request.avatar_media_id, request.world_id, None)

        stored = IdempotencyKey.of(context, request).create(self._characters, referring)
        self._resources.facts.note("characters", stored)
        return self._message(stored)

    def UpdateCharacter(
        self, request: wire.character.UpdateCharacterRequest, context: grpc.ServicerContext
    ) -> wire.character.Character:
        """Change what is present in the request."""
        facts = lookups.facts_of_character(self._resources, request.character_id)
        change: Document = {}
        if request.HasField("display_name"):
            change["display_name"] = validation.text(
                request.display_name, "display_name", least=1, most=NAME_MAX
            )
        if request.HasField("meta"):
            change["meta"] = validation.json_object(request.meta, "meta")
        if request.HasField("avatar_url"):
            change["avatar_url"] = validation.web_address(request.avatar_url, "avatar_url")
        if request.HasField("avatar_media_id"):
            change |= self._avatar(request.avatar_media_id, facts["world_id"], facts["_id"])
        if not change:
            return self._message(lookups.character(self._resources, request.character_id))
        changed = self._characters.find_one_and_update(
            {"_id": facts["_id"]}, {"$set": change}, return_document=ReturnDocument.AFTER
        )
        return self._message(lookups.known(changed, request.character_id, "character_id"))

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
        return self._message(lookups.character(self._resources, request.character_id))

    def GetUserCharactersInWorld(
        self, request: wire.character.GetUserCharactersInWorldRequest, context: grpc.ServicerContext
    ) -> wire.character.CharacterList:
        """Return the characters that a person plays in a world, at most 100, oldest first."""
        user_id = validation.user_id(request.user_id, "user_id")
        lookups.require_world(self._resources, request.world_id)
        found = self._characters.find({"real_user_id": user_id, "world_id": request.world_id})
        return wire.character.CharacterList(
            characters=[self._message(one) for one in found.sort(_OLDEST).limit(wire.PAGE_MAX)]
        )

    def ListWorldCharacters(
        self, request: wire.character.ListWorldCharactersRequest, context: grpc.ServicerContext
    ) -> wire.character.ListWorldCharactersResponse:
        """Return a page of all characters of a world, oldest first, and how many it has."""
        limit, offset = validation.page(request.limit, request.offset)
        lookups.require_world(self._resources, request.world_id)
        wanted = {"world_id": request.world_id}
        found = self._characters.find(wanted).sort(_OLDEST).skip(offset).limit(limit)
        return wire.character.ListWorldCharactersResponse(
            characters=[self._message(one) for one in found], total=self._characters.count_documents(wanted)
        )

    def HealthCheck(
        self, request: wire.character.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.character.HealthCheckResponse:
        """Say whether the database answers."""
        serving = lookups.is_serving(self._resources)
        return wire.character.HealthCheckResponse(status="SERVING" if serving else "NOT_SERVING")

    def _message(self, character: Document) -> wire.character.Character:
        return wire.character.Character(
            id=character["_id"],
            world_id=character["world_id"],
            real_user_id=character["real_user_id"],
            is_ai=character["real_user_id"] is None,
            display_name=character["display_name"],
            avatar_media_id=character["avatar_media_id"],
            avatar_url=lookups.avatar_url(self._resources, character),
            meta=character["meta"],
            created_at=validation.iso(character["created_at"]),
        )
