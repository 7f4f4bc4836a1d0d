# ruff: noqa: N802, ARG002 - names and signatures are the contract's
"""The reference interaction service: likes and comments of people, and of characters, who act with their own ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from uuid import uuid4

import grpc
from pymongo import ASCENDING, IndexModel

from generia_worker.errors import NotFoundError
from generia_worker.reference.shared import lookups, popularity, validation
from generia_worker.reference.shared.base_service import NEWEST, Service
from generia_worker.reference.shared.idempotency import KEY_INDEX, IdempotencyKey
from generia_worker.reference.shared.resources import Resources
from generia_worker.rpc import wire
from generia_worker.rpc.media_types import check_id
from generia_worker.storage.mongo import Document

COMMENT_MAX, _NAME_MAX = 2_000, 100
_OLDEST = [("created_at", ASCENDING), ("_id", ASCENDING)]


class InteractionService(Service, wire.InteractionServiceServicer):
    """One like a post and person; comments in the order in which they came."""

    name = "interaction"
    indexes: ClassVar = {
        "likes": [
            IndexModel([("post_id", ASCENDING), *NEWEST]),
            IndexModel([("world_id", ASCENDING), ("by_person", ASCENDING)]),
        ],
        "comments": [
            IndexModel([("post_id", ASCENDING), *_OLDEST]),
            KEY_INDEX,
        ],
    }

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources)
        self._likes = resources.collection("likes")
        self._comments = resources.collection("comments")
        self._worlds = resources.collection("worlds")

    def add_to(self, server: grpc.Server) -> None:
        """Let a server answer the calls of the interaction service."""
        wire.add_InteractionServiceServicer_to_server(self, server)

    # --- likes -------------------------------------------------------------------------------------------------
    def LikePost(
        self, request: wire.interaction.LikePostRequest, context: grpc.ServicerContext
    ) -> wire.interaction.LikePostResponse:
        """Like a post; twice is once."""
        user_id = validation.user_id(request.user_id, "user_id")
        post = self._post(request.post_id, request.world_id)
        like = {
            "post_id": post["_id"],
            "user_id": user_id,
            "world_id": post["world_id"],
            "username": self._name_of(user_id, post["world_id"], context),
            "by_person": not self._is_character(user_id),
            "created_at": self._moment(request),
        }
        self._likes.update_one({"_id": f"{post['_id']}/{user_id}"}, {"$setOnInsert": like}, upsert=True)
        self._note_likes(user_id, post["world_id"])
        return wire.interaction.LikePostResponse(success=True, likes_count=self._likes_of(post["_id"]))

    def UnlikePost(
        self, request: wire.interaction.UnlikePostRequest, context: grpc.ServicerContext
    ) -> wire.interaction.UnlikePostResponse:
        """Take a like back; one that is not there is no error."""
        user_id = validation.user_id(request.user_id, "user_id")
        post = self._post(request.post_id, request.world_id)
        self._likes.delete_one({"_id": f"{post['_id']}/{user_id}"})
        self._note_likes(user_id, post["world_id"])
        return wire.interaction.UnlikePostResponse(success=True, likes_count=self._likes_of(post["_id"]))

    def _note_likes(self, user_id: str, world_id: str) -> None:
        """Count the likes of people in a world, where that may have changed: characters make nothing popular."""
        if self._is_character(user_id):
            return
        # Those of a version before do not say whose they are: people's, for characters liked nothing then.
        count = self._likes.count_documents({"world_id": world_id, "by_person": {"$ne": False}})
        popularity.note(self._worlds, world_id, {"likes_count": count})

    def _is_character(self, user_id: str) -> bool:
        return self._resources.facts.of("characters", user_id) is not None

    def _likes_of(self, post_id: str) -> int:
        return self._likes.count_documents({"post_id": post_id})

    def GetPostLikes(
        self, request: wire.interaction.GetPostLikesRequest, context: grpc.ServicerContext
    ) -> wire.interaction.PostLikesResponse:
        """Return a page of a post's likes, newest first."""
        limit, offset = validation.page(request.limit, request.offset)
        post = self._post(request.post_id, request.world_id)
        wanted = {"post_id": post["_id"]}
        found = list(self._likes.find(wanted).sort(NEWEST).skip(offset).limit(limit))
        names = self._names(found)
        likes = [
            wire.interaction.Like(
                user_id=like["user_id"],
                username=names.get(like["user_id"]) or like["username"],
                created_at=validation.iso(like["created_at"]),
            )
            for like in found
        ]
        return wire.interaction.PostLikesResponse(likes=likes, total=self._likes_of(post["_id"]))

    def CheckUserLiked(
        self, request: wire.interaction.CheckUserLikedRequest, context: grpc.ServicerContext
    ) -> wire.interaction.CheckUserLikedResponse:
        """Say whether somebody likes a post."""
        user_id = validation.user_id(request.user_id, "user_id")
        post = self._post(request.post_id)
        liked = self._likes.find_one({"_id": f"{post['_id']}/{user_id}"}, {"_id": 1}) is not None
        return wire.interaction.CheckUserLikedResponse(liked=liked)

    # --- comments ----------------------------------------------------------------------------------------------
    def AddComment(
        self, request: wire.interaction.AddCommentRequest, context: grpc.ServicerContext
    ) -> wire.interaction.AddCommentResponse:
        """Comment on a post, once for an idempotency key."""
        user_id = validation.user_id(request.user_id, "user_id")
        text = validation.text(request.text, "text", least=1, most=COMMENT_MAX)

        def comment() -> Document:
            post = self._post(request.post_id, request.world_id)
            return {
                "_id": str(uuid4()),
                "post_id": post["_id"],
                "user_id": user_id,
                "world_id": post["world_id"],
                "username": self._name_of(user_id, post["world_id"], context),
                "text": text,
                "created_at": self._moment(request),
            }

        stored = IdempotencyKey.of(context, request).create(self._comments, comment)
        return wire.interaction.AddCommentResponse(
            comment_id=stored["_id"], created_at=validation.iso(stored["created_at"])
        )

    def GetPostComments(
        self, request: wire.interaction.GetPostCommentsRequest, context: grpc.ServicerContext
    ) -> wire.interaction.PostCommentsResponse:
        """Return a page of a post's comments, oldest first."""
        limit, offset = validation.page(request.limit, request.offset)
        post = self._post(request.post_id, request.world_id)
        wanted = {"post_id": post["_id"]}
        found = list(self._comments.find(wanted).sort(_OLDEST).skip(offset).limit(limit))
        names = self._names(found)
        comments = [
            wire.interaction.Comment(
                comment_id=comment["_id"],
                post_id=comment["post_id"],
                user_id=comment["user_id"],
                username=names.get(comment["user_id"]) or comment["username"],
                text=comment["text"],
                created_at=validation.iso(comment["created_at"]),
            )
            for comment in found
        ]
        total = self._comments.count_documents(wanted)
        return wire.interaction.PostCommentsResponse(comments=comments, total=total)

    # --- counts ------------------------------------------------------------------------------------------------
    def GetPostStats(
        self, request: wire.interaction.GetPostStatsRequest, context: grpc.ServicerContext
    ) -> wire.interaction.PostStatsResponse:
        """Count the likes and comments of one post."""
        return self._stats([self._post(request.post_id)["_id"]], "")[0]

    def GetPostsStats(
        self, request: wire.interaction.GetPostsStatsRequest, context: grpc.ServicerContext
    ) -> wire.interaction.PostsStatsResponse:
        """Count those of at most 100 posts; of one that is not known there are none."""
        validation.number(len(request.post_ids), "post_ids", 0, wire.PAGE_MAX)
        ids = [check_id(post_id, "post_ids") for post_id in dict.fromkeys(request.post_ids)]
        named = [value for name, value in context.invocation_metadata() if name == wire.PERSON_KEY]
        user_id = validation.user_id(str(named[0]), wire.PERSON_KEY) if named else ""
        return wire.interaction.PostsStatsResponse(
            stats={one.post_id: one for one in self._stats(ids, user_id)}
        )

    def _stats(self, post_ids: list[str], user_id: str) -> list[wire.interaction.PostStatsResponse]:
        counts = lookups.reactions(self._resources, post_ids)
        likes = [f"{post_id}/{user_id}" for post_id in post_ids] if user_id else []
        liked = {like["post_id"] for like in self._likes.find({"_id": {"$in": likes}}, {"post_id": 1})}
        return [
            wire.interaction.PostStatsResponse(
                post_id=post_id,
                likes_count=counts[post_id].likes,
                comments_count=counts[post_id].comments,
                liked=post_id in liked if user_id else None,
            )
            for post_id in post_ids
        ]

    def HealthCheck(
        self, request: wire.interaction.HealthCheckRequest, context: grpc.ServicerContext
    ) -> wire.interaction.HealthCheckResponse:
        """Say whether the database answers."""
        state = wire.interaction.HealthCheckResponse
        return state(status=state.SERVING if lookups.is_serving(self._resources) else state.NOT_SERVING)

    def _moment(
        self, request: wire.interaction.LikePostRequest | wire.interaction.AddCommentRequest
    ) -> datetime:
        """Return when something was done: by people now, by characters when the caller says."""
        now = self._resources.now()
        who = self._resources.facts.of("characters", request.user_id)
        if not request.HasField("created_at") or who is None or who["real_user_id"]:
            return now
        return validation.past(request.created_at, "created_at", now)

    # --- who and what ------------------------------------------------------------------------------------------
    def _post(self, post_id: str, world_id: str = "") -> Document:
        """Return the facts of a post. Raises InvalidInputError, and NotFoundError also when it is of another world."""
        found = lookups.facts_of_post(self._resources, post_id)
        if validation.optional_id(world_id, "world_id") not in ("", found["world_id"]):
            raise NotFoundError(f"post_id {post_id} is not known in world {world_id}")
        return found

    def _name_of(self, user_id: str, world_id: str, context: grpc.ServicerContext) -> str:
        """Return what a person is called, by what the caller says; characters are called what they are called now.

        Raises InvalidInputError: it names a character of another world.
        """
        character = self._resources.facts.of("characters", user_id)
        if character is not None:
            if character["world_id"] != world_id:
                validation.refuse("user_id", f"{user_id} lives in another world")
            return ""
        said = [value for name, value in context.invocation_metadata() if name == wire.NAME_KEY]
        if not said:
            return ""
        try:
            name = said[0].decode() if isinstance(said[0], bytes) else said[0]
        except UnicodeDecodeError:
            validation.refuse(wire.NAME_KEY, "must be UTF-8")
        return validation.text(name, wire.NAME_KEY, most=_NAME_MAX, one_line=True)

    def _names(self, acts: Iterable[Document]) -> dict[str, str]:
        """Return the names of the characters among those who acted."""
        ids = list({act["user_id"] for act in acts})
        found = self._resources.collection("characters").find({"_id": {"$in": ids}}, {"display_name": 1})
        return {one["_id"]: one["display_name"] for one in found}
