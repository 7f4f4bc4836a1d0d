# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference world service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import unquote
from uuid import uuid4

import grpc
from pymongo import ASCENDING, DESCENDING, IndexModel

from generia_worker.client.order import Order
from generia_worker.errors import PermanentError
from generia_worker.reference.shared import lookups, popularity, validation
from generia_worker.reference.shared.base_service import NEWEST, Service
from generia_worker.reference.shared.idempotency import KEY_INDEX, IdempotencyKey
from generia_worker.reference.shared.resources import Resources
from generia_worker.reference.world.generation_status import status_message
from generia_worker.reference.world.orders import Orders, checked_order, sent_along
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import BEING_MADE, search_words
from generia_worker.storage.mongo import Document
from generia_worker.text import words_of

NAME_MAX, DESCRIPTION_MAX, COUNT_MAX = 100, 20_000, 1_000_000
_STATES = ("active", "archived")
_MADE_BY = IndexModel([("creator_id", ASCENDING), *NEWEST])
_FOUND_BY = IndexModel([("words", ASCENDING)])
#: The order of lists that show the most popular ones first.
_POPULAR = [("popularity", DESCENDING), *NEWEST]
#: Worlds that are being made at a time, and are looked through for a list of them.
_BEING_MADE_MAX = 1000


class WorldService(Service, wire.WorldServiceServicer):
    """Worlds, their members, and how far their generation is. Without `enqueue` no generation is ordered."""

    name = "world"
    indexes: ClassVar = {
        "worlds": [
            IndexModel(NEWEST),
            IndexModel([("status", ASCENDING), *NEWEST]),
            IndexModel([("status", ASCENDING), *_POPULAR]),
            _MADE_BY,
            _FOUND_BY,
            KEY_INDEX,
        ],
        "world_members": [IndexModel([("user_id", ASCENDING)])],
    }

    def __init__(self, resources: Resources, *, enqueue: bool = True) -> None:
        super().__init__(resources)
        self._orders = Orders(resources) if enqueue else None
        self._worlds = resources.collection("worlds")
        self._members = resources.collection("world_members")
        self._statuses = resources.collection("world_generation_status")

    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of the world service."""
        wire.add_WorldServiceServicer_to_server(self, server)

    def prepare(self) -> None:
        """Make sure of the indexes, and that worlds of a version before can be found and have their members counted."""
        super().prepare()
        for world in self._worlds.find({"words": {"$exists": False}}):
            change = {"words": _words(world), "members_count": self._count_members(world["_id"])}
            self._worlds.update_one({"_id": world["_id"], "words": {"$exists": False}}, {"$set": change})
        popularity.migrate(self._worlds)

    def start(self) -> None:
        """Begin to place the orders that wait."""
        if self._orders:
            self._orders.start()

    def stop(self) -> None:
        """End the thread that places orders."""
        if self._orders:
            self._orders.stop()

    def CreateWorld(
        self, request: wire.world.CreateWorldRequest, context: grpc.ServicerContext
    ) -> wire.world.WorldResponse:
        """Create a world, make its creator a member, and order its generation."""
        user_id = validation.user_id(request.user_id, "user_id")
        order = checked_order(
            str(uuid4()),
            request.prompt,
            request.characters_count,
            request.posts_count,
            sent_along(context, wire.BUDGET_KEY),
            user_id,
            sent_along(context, wire.REACTIONS_KEY),
        )
        name = validation.text(request.name, "name", most=NAME_MAX, one_line=True)
        description = validation.text(request.description, "description", most=DESCRIPTION_MAX)
        key = IdempotencyKey.of(context, request)
        world = key.insert(self._worlds, self._document(order, user_id, name, description))
        if world["_id"] == order.world_id:
            self._order(order)
        self._join(user_id, world["_id"])
        return self._messages([world], user_id)[0]

    def _document(self, order: Order, user_id: str, name: str, description: str) -> Document:
        now = self._resources.now()
        return {
            "_id": order.world_id,
            "name": name,
            "description": description,
            "prompt": order.user_prompt,
            "creator_id": user_id,
            "status": "active",
            "users_count": 0,
            "posts_count": 0,
            "params": None,
            "image_key": None,
            "icon_key": None,
            "members_count": 0,
            "popularity": 0,
            "words": search_words(name, order.user_prompt, description, None),
            "order": {
                "state": "waiting" if self._orders else "none",
                "users_count": order.users_count,
                "posts_count": order.posts_count,
                "reactions": order.reactions,
                "budget": order.budget,
            },
            "created_at": now,
            "updated_at": now,
        }

    def _order(self, order: Order) -> None:
        if self._orders is None:
            return
        try:
            self._orders.place(order)
        except PermanentError:
            self._worlds.delete_one({"_id": order.world_id})
            raise

    def GetWorld(
        self, request: wire.world.GetWorldRequest, context: grpc.ServicerContext
    ) -> wire.world.WorldResponse:
        """Return one world; `is_joined` is about the user that is named, if any."""
        user_id = validation.user_id(request.user_id, "user_id", optional=True)
        return self._messages([lookups.world(self._resources, request.world_id)], user_id)[0]

    def GetWorlds(
        self, request: wire.world.GetWorldsRequest, context: grpc.ServicerContext
    ) -> wire.world.WorldsResponse:
        """Return a page of the worlds in a status (none named: active), newest first."""
        user_id = validation.user_id(request.user_id, "user_id", optional=True)
        limit, offset = validation.page(request.limit, request.offset)
        status = request.status or "active"
        if status != "all" and status not in _STATES:
            validation.refuse("status", "must be active, archived or all")
        asked = {key: str(value) for key, value in context.invocation_metadata()}
        conditions: list[Document] = [] if status == "all" else [{"status": status}]
        if asked.get(wire.MINE_KEY) == "1":
            if not user_id:
                validation.refuse("user_id", "must be given where only its worlds are asked for")
            joined = [one["world_id"] for one in self._members.find({"user_id": user_id}, {"world_id": 1})]
            conditions.append({"$or": [{"creator_id": user_id}, {"_id": {"$in": joined}}]})
        if asked.get(wire.BEING_MADE_KEY) == "1":
            conditions.append(self._being_made())
        if wire.SEARCH_KEY in asked:
            words = words_of(unquote(asked[wire.SEARCH_KEY])[: wire.SEARCH_MAX], most=wire.SEARCH_WORDS_MAX)
            # Beginnings of words, which the index finds; without a word nothing is found.
            conditions += [{"words": {"$regex": f"^{re.escape(word)}"}} for word in words] or [{"_id": None}]
        if wire.ID_KEY in asked:
            begins = validation.text(unquote(asked[wire.ID_KEY]), wire.ID_KEY, most=100)
            conditions.append({"_id": {"$regex": f"^{re.escape(begins)}"}})
        wanted: Document = {"$and": conditions} if conditions else {}
        order = _POPULAR if asked.get(wire.POPULAR_KEY) == "1" else NEWEST
        found = self._worlds.find(wanted).sort(order).skip(offset).limit(limit)
        return wire.world.WorldsResponse(
            worlds=self._messages(found, user_id), total=self._worlds.count_documents(wanted)
        )

    def _being_made(self) -> Document:
        """Return the condition for worlds that have not ended: by their status documents, or before there is one."""
        going = self._statuses.find({"status": {"$in": list(BEING_MADE)}}, {"_id": 1}).limit(_BEING_MADE_MAX)
        placed = self._worlds.find({"order.state": "placed"}, {"_id": 1}).sort(NEWEST).limit(_BEING_MADE_MAX)
        latest = {one["_id"] for one in placed}
        # Between an order that was placed and its first status no document says that the world is being made.
        latest -= {one["_id"] for one in self._statuses.find({"_id": {"$in": list(latest)}}, {"_id": 1})}
        ids = [*(one["_id"] for one in going), *latest]
        return {"$or": [{"_id": {"$in": ids}}, {"order.state": "waiting"}]}

    def JoinWorld(
        self, request: wire.world.JoinWorldRequest, context: grpc.ServicerContext
    ) -> wire.world.JoinWorldResponse:
        """Make a person a member; twice is once."""
        user_id = validation.user_id(request.user_id, "user_id")
        lookups.require_world(self._resources, request.world_id)
        joined = self._join(user_id, request.world_id)
        return wire.world.JoinWorldResponse(success=True, message="joined" if joined else "already joined")

    def _join(self, user_id: str, world_id: str) -> bool:
        member = {"world_id": world_id, "user_id": user_id, "joined_at": self._resources.now()}
        done = self._members.update_one(
            {"_id": _member_id(world_id, user_id)}, {"$setOnInsert": member}, upsert=True
        )
        if done.upserted_id is None:
            return False
        # Counted and not added up: what a process that died in between left out, the next one makes good.
        count = {"$max": ["$members_count", self._count_members(world_id)]}
        popularity.note(self._worlds, world_id, {"members_count": count})
        return True

    def _count_members(self, world_id: str) -> int:
        own = {"_id": {"$gte": _member_id(world_id, ""), "$lt": f"{world_id}0"}}  # what follows a slash
        return self._members.count_documents(own)

    def UpdateWorldImage(
        self, request: wire.world.UpdateWorldImageRequest, context: grpc.ServicerContext
    ) -> wire.world.UpdateWorldImageResponse:
        """Set the cover, the icon or both."""
        lookups.require_world(self._resources, request.world_id)
        wanted = {
            "image": (request.image_uuid, MediaType.WORLD_HEADER),
            "icon": (request.icon_uuid, MediaType.WORLD_ICON),
        }
        change: Document = {"updated_at": self._resources.now()}
        for name, (media_id, media_type) in wanted.items():
            if media_id:
                media = lookups.confirmed_media(
                    self._resources, media_id, f"{name}_uuid", media_type, request.world_id
                )
                change |= {f"{name}_media_id": media_id, f"{name}_key": media["key"]}
        if len(change) == 1:
            validation.refuse("image_uuid", "or icon_uuid must be given")
        self._worlds.update_one({"_id": request.world_id}, {"$set": change})
        return wire.world.UpdateWorldImageResponse(success=True, message="updated")

    def UpdateWorldParams(
        self, request: wire.world.UpdateWorldParamsRequest, context: grpc.ServicerContext
    ) -> wire.world.UpdateWorldParamsResponse:
        """Set the counts, and – where they are not empty – the parameters and the name."""
        change: Document = {
            "users_count": validation.number(request.users_count, "users_count", 0, COUNT_MAX),
            "posts_count": validation.number(request.posts_count, "posts_count", 0, COUNT_MAX),
            "updated_at": self._resources.now(),
        }
        if request.params:
            change["params"] = validation.json_object(request.params, "params")
        if request.name:
            change["name"] = validation.text(request.name, "name", least=1, most=NAME_MAX)
        world = lookups.world(self._resources, request.world_id) | change
        self._worlds.update_one({"_id": request.world_id}, {"$set": {**change, "words": _words(world)}})
        return wire.world.UpdateWorldParamsResponse(success=True, message="updated")

    def GetGenerationStatus(
        self, request: wire.world.GetGenerationStatusRequest, context: grpc.ServicerContext
    ) -> wire.world.GetGenerationStatusResponse:
        """Return the status document of a world; before there is one, what the order says."""
        world = lookups.world(self._resources, request.world_id)
        return status_message(world, self._statuses.find_one({"_id": world["_id"]}))

    def HealthCheck(
        self, request: wire.world.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.world.HealthCheckResponse:
        """Say whether the database answers."""
        state = wire.world.HealthCheckResponse
        return state(status=state.SERVING if lookups.is_serving(self._resources) else state.NOT_SERVING)

    def _messages(self, worlds: Iterable[Document], user_id: str) -> list[wire.world.WorldResponse]:
        """Return worlds as they travel, with their generation's status and whether the user has joined."""
        worlds = list(worlds)
        ids = [world["_id"] for world in worlds]
        statuses = {
            found["_id"]: str(found["status"])
            for found in self._statuses.find({"_id": {"$in": ids}}, {"status": 1})
        }
        members = [_member_id(world_id, user_id) for world_id in ids] if user_id else []
        joined = {found["world_id"] for found in self._members.find({"_id": {"$in": members}})}
        return [self._message(w, statuses.get(w["_id"]), w["_id"] in joined) for w in worlds]

    def _message(self, world: Document, status: str | None, joined: bool) -> wire.world.WorldResponse:
        return wire.world.WorldResponse(
            id=world["_id"],
            name=world["name"],
            description=world["description"],
            prompt=world["prompt"],
            creator_id=world["creator_id"],
            generation_status=status or status_message(world, None).status,
            status=world["status"],
            users_count=world["users_count"],
            posts_count=world["posts_count"],
            created_at=validation.iso(world["created_at"]),
            updated_at=validation.iso(world["updated_at"]),
            is_joined=joined,
            image_url=self._resources.urls.page_url(world["image_key"]),
            icon_url=self._resources.urls.page_url(world["icon_key"]),
            params=world["params"],
        )


def _words(world: Document) -> list[str]:
    return search_words(world["name"], world["prompt"], world["description"], world["params"])


def _member_id(world_id: str, user_id: str) -> str:
    # Neither id can hold a slash.
    return f"{world_id}/{user_id}"
