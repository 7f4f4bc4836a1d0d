# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference post service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from urllib.parse import unquote
from uuid import uuid4

import grpc
from pymongo import ASCENDING, IndexModel

from generia_worker.errors import NotFoundError, PermanentError
from generia_worker.reference.shared import lookups, validation
from generia_worker.reference.shared.base_service import NEWEST, Service
from generia_worker.reference.shared.idempotency import KEY_INDEX, IdempotencyKey
from generia_worker.reference.shared.resources import Resources
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import MediaType, check_id
from generia_worker.storage.mongo import Document

CAPTION_MAX = 20_000
_TAG_MAX = 200


class PostService(Service, wire.PostServiceServicer):
    """Posts of AI characters, which all have a picture, and of people."""

    name = "post"
    indexes: ClassVar = {
        "posts": [
            IndexModel([("world_id", ASCENDING), *NEWEST]),
            IndexModel([("character_id", ASCENDING), *NEWEST]),
            IndexModel([("user_id", ASCENDING), *NEWEST]),
            KEY_INDEX,
        ]
    }

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources)
        self._posts = resources.collection("posts")

    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of the post service."""
        wire.add_PostServiceServicer_to_server(self, server)

    def CreateAIPost(
        self, request: wire.post.CreateAIPostRequest, context: grpc.ServicerContext
    ) -> wire.post.CreatePostResponse:
        """Publish a post of an AI character, once for an idempotency key."""
        return self._create(request, IdempotencyKey.of(context, request), user_id=None)

    def CreatePost(
        self, request: wire.post.CreatePostRequest, context: grpc.ServicerContext
    ) -> wire.post.CreatePostResponse:
        """Publish a post of a character that the user plays, or (`is_ai`) of an AI character."""
        user_id = validation.user_id(request.user_id, "user_id")
        return self._create(
            request, IdempotencyKey.of(context, request), user_id=None if request.is_ai else user_id
        )

    def _create(
        self,
        request: wire.post.CreateAIPostRequest | wire.post.CreatePostRequest,
        key: IdempotencyKey,
        *,
        user_id: str | None,
    ) -> wire.post.CreatePostResponse:
        document: Document = {
            "_id": str(uuid4()),
            "world_id": check_id(request.world_id, "world_id"),
            "character_id": check_id(request.character_id, "character_id"),
            "user_id": user_id,
            "caption": validation.text(request.caption, "caption", least=1, most=CAPTION_MAX),
            "media_id": "",
            "media_key": None,
            "is_ai": user_id is None,
            "tags": validation.tags(request.tags),
            "created_at": self._written_at(request),
        }
        media_id = check_id(request.media_id, "media_id") if request.media_id or user_id is None else ""

        def referring() -> Document:
            character = lookups.character_in_world(self._resources, request.character_id, request.world_id)
            if character["real_user_id"] != user_id:
                raise PermanentError(f"character_id {request.character_id} is played by somebody else")
            if not media_id:
                return document
            return document | self._picture(media_id, request.world_id, request.character_id)

        stored = key.create(self._posts, referring)
        return wire.post.CreatePostResponse(
            post_id=stored["_id"], created_at=validation.iso(stored["created_at"])
        )

    def _written_at(self, request: wire.post.CreateAIPostRequest | wire.post.CreatePostRequest) -> datetime:
        """Return when a post was written: people's now, those of characters when the caller says."""
        now = self._resources.now()
        if isinstance(request, wire.post.CreatePostRequest) or not request.HasField("created_at"):
            return now
        return validation.past(request.created_at, "created_at", now)

    def _picture(self, media_id: str, world_id: str, character_id: str) -> Document:
        media = lookups.confirmed_media(
            self._resources, media_id, "media_id", MediaType.POST_IMAGE, world_id, character_id
        )
        return {"media_id": media_id, "media_key": media["key"]}

    def UpdatePost(
        self, request: wire.post.UpdatePostRequest, context: grpc.ServicerContext
    ) -> wire.post.Post:
        """Change what is present in the request; no tags leave the tags as they are."""
        post = self._one(request.post_id)
        change: Document = {}
        if request.HasField("caption"):
            change["caption"] = validation.text(request.caption, "caption", least=1, most=CAPTION_MAX)
        if request.tags:
            change["tags"] = validation.tags(request.tags)
        if request.HasField("media_id"):
            change |= self._picture(request.media_id, post["world_id"], post["character_id"])
        if change:
            self._posts.update_one({"_id": post["_id"]}, {"$set": change})
        return self._messages([{**post, **change}])[0]

    def GetPost(self, request: wire.post.GetPostRequest, context: grpc.ServicerContext) -> wire.post.Post:
        """Return one post; with a world id only when it is of that world."""
        post = self._one(request.post_id)
        if validation.optional_id(request.world_id, "world_id") not in ("", post["world_id"]):
            raise NotFoundError(f"post_id {request.post_id} is not known in world {request.world_id}")
        return self._messages([post])[0]

    def _one(self, post_id: str) -> Document:
        found = self._posts.find_one({"_id": check_id(post_id, "post_id")})
        if found is None:
            raise NotFoundError(f"post_id {post_id} is not known")
        return found

    def GetPostsByIds(
        self, request: wire.post.GetPostsByIdsRequest, context: grpc.ServicerContext
    ) -> wire.post.PostList:
        """Return the known ones of at most 100 posts, in the order of the ids."""
        validation.number(len(request.post_ids), "post_ids", 0, wire.PAGE_MAX)
        ids = [check_id(post_id, "post_ids") for post_id in dict.fromkeys(request.post_ids)]
        found = {post["_id"]: post for post in self._posts.find({"_id": {"$in": ids}})}
        posts = self._messages([found[post_id] for post_id in ids if post_id in found])
        return wire.post.PostList(posts=posts, total=len(posts))

    def GetUserPosts(
        self, request: wire.post.GetUserPostsRequest, context: grpc.ServicerContext
    ) -> wire.post.PostList:
        """Return a page of what a person posted, in one world or (no world id) in all, newest first."""
        wanted: Document = {"user_id": validation.user_id(request.user_id, "user_id")}
        return self._page(wanted, request)

    def GetCharacterPosts(
        self, request: wire.post.GetCharacterPostsRequest, context: grpc.ServicerContext
    ) -> wire.post.PostList:
        """Return a page of a character's posts, newest first."""
        if request.world_id:
            lookups.character_in_world(self._resources, request.character_id, request.world_id)
        else:
            lookups.facts_of_character(self._resources, request.character_id)
        return self._page({"character_id": request.character_id}, request)

    def _page(
        self, wanted: Document, request: wire.post.GetUserPostsRequest | wire.post.GetCharacterPostsRequest
    ) -> wire.post.PostList:
        limit, offset = validation.page(request.limit, request.offset)
        if validation.optional_id(request.world_id, "world_id"):
            wanted = {**wanted, "world_id": request.world_id}
        found = self._posts.find(wanted).sort(NEWEST).skip(offset).limit(limit)
        return wire.post.PostList(posts=self._messages(found), total=self._posts.count_documents(wanted))

    def GetGlobalFeed(
        self, request: wire.post.GetGlobalFeedRequest, context: grpc.ServicerContext
    ) -> wire.post.PostList:
        """Return a page of a world's posts, newest first, and where the next one begins."""
        limit, _ = validation.page(request.limit)
        older: Document = {}
        if request.cursor:
            moment, post_id = validation.from_cursor(request.cursor)
            earlier = {"created_at": {"$lt": moment}}
            older = {"$or": [earlier, {"created_at": moment, "_id": {"$lt": post_id}}]}
        lookups.require_world(self._resources, request.world_id)
        wanted: Document = {"world_id": request.world_id}
        asked = {key: str(value) for key, value in context.invocation_metadata()}
        if tag := unquote(asked.get(wire.TAG_KEY, "")).lstrip("#")[:_TAG_MAX]:
            wanted["tags"] = {"$regex": f"^#*{re.escape(tag)}$", "$options": "i"}
        found = list(self._posts.find({**wanted, **older}).sort(NEWEST).limit(limit + 1))
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return wire.post.PostList(
            posts=self._messages(found[:limit]),
            total=self._posts.count_documents(wanted),
            next_cursor=validation.to_cursor(last["created_at"], last["_id"]) if last else "",
        )

    def HealthCheck(
        self, request: wire.post.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.post.HealthCheckResponse:
        """Say whether the database answers."""
        state = wire.post.HealthCheckResponse
        return state(status=state.SERVING if lookups.is_serving(self._resources) else state.NOT_SERVING)

    def _messages(self, posts: Iterable[Document]) -> list[wire.post.Post]:
        """Return posts as they travel, with the names and avatars that their authors have now."""
        posts = list(posts)
        ids = list({post["character_id"] for post in posts})
        authors = self._resources.collection("characters").find({"_id": {"$in": ids}}, {"meta": 0})
        by_id = {author["_id"]: author for author in authors}
        counts = lookups.reactions(self._resources, [post["_id"] for post in posts])
        return [self._message(post, by_id.get(post["character_id"]), counts[post["_id"]]) for post in posts]

    def _message(self, post: Document, author: Document | None, counts: lookups.Reactions) -> wire.post.Post:
        return wire.post.Post(
            post_id=post["_id"],
            character_id=post["character_id"],
            display_name=author["display_name"] if author else "",
            caption=post["caption"],
            media_url=self._resources.urls.page_url(post["media_key"]),
            created_at=validation.iso(post["created_at"]),
            likes_count=counts.likes,
            comments_count=counts.comments,
            world_id=post["world_id"],
            avatar_url=lookups.avatar_url(self._resources, author) if author else "",
            is_ai=post["is_ai"],
            tags=post["tags"],
        )
