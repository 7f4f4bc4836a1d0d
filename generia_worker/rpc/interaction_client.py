"""Client of the interaction service: likes and comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import grpc

from generia_worker.rpc import wire
from generia_worker.rpc.channel import idempotency_metadata
from generia_worker.rpc.status_codes import translated
from generia_worker.rpc.users import from_wire, to_wire

_Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """A comment; `created_at` is ISO 8601. `username` may be empty: not known."""

    comment_id: str
    post_id: str
    user_id: str
    username: str
    text: str
    created_at: str


@dataclass(frozen=True, slots=True)
class CommentPage:
    """A page of comments, and how many there are in all."""

    comments: tuple[CommentRecord, ...]
    total: int


@dataclass(frozen=True, slots=True)
class PostStats:
    """How many like a post and how many comments it has; `liked`: the person who was named is among them.

    None: the service does not tell, and is to be asked for that post (`likes`).
    """

    likes_count: int
    comments_count: int
    liked: bool | None = None


class InteractionClient:
    """Calls the interaction service; every method raises what `status_codes.translated` says.

    Who acts is a person, or a character with its character id. `name` is what a person is called.
    """

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._stub = wire.InteractionServiceStub(channel)
        self._timeout_s = timeout_s

    def like(
        self, user_id: str, post_id: str, world_id: str, *, name: str = "", at: datetime | None = None
    ) -> int:
        """Like a post, twice is once; returns how many do. `at` is when a character did, in its world."""
        with translated("LikePost"):
            request = wire.interaction.LikePostRequest(
                post_id=post_id,
                user_id=to_wire(user_id),
                world_id=world_id,
                created_at=at.isoformat() if at else None,
            )
            answer = self._stub.LikePost(request, timeout=self._timeout_s, metadata=_named(name))
        return answer.likes_count

    def unlike(self, user_id: str, post_id: str, world_id: str) -> int:
        """Take a like back; returns how many are left."""
        with translated("UnlikePost"):
            request = wire.interaction.UnlikePostRequest(
                post_id=post_id, user_id=to_wire(user_id), world_id=world_id
            )
            return self._stub.UnlikePost(request, timeout=self._timeout_s).likes_count

    def likes(self, user_id: str, post_id: str) -> bool:
        """Return whether somebody likes a post."""
        with translated("CheckUserLiked"):
            request = wire.interaction.CheckUserLikedRequest(post_id=post_id, user_id=to_wire(user_id))
            return self._stub.CheckUserLiked(request, timeout=self._timeout_s).liked

    def comment(
        self,
        user_id: str,
        post_id: str,
        world_id: str,
        text: str,
        *,
        idempotency_key: str,
        name: str = "",
        at: datetime | None = None,
    ) -> CommentRecord:
        """Comment on a post; an equal key and body is the same comment.

        `at` is when a character said it, in its world; a service may not know that, and takes the time of the call.
        """
        with translated("AddComment"):
            request = wire.interaction.AddCommentRequest(
                post_id=post_id,
                user_id=to_wire(user_id),
                text=text,
                world_id=world_id,
                created_at=at.isoformat() if at else None,
            )
            metadata: _Metadata = (*idempotency_metadata(idempotency_key), *_named(name))
            answer = self._stub.AddComment(request, timeout=self._timeout_s, metadata=metadata)
        return CommentRecord(answer.comment_id, post_id, user_id, name, text, answer.created_at)

    def latest(self, post_id: str, world_id: str) -> tuple[CommentRecord, ...]:
        """Return the last comments of a post, oldest first: a page of them."""
        page = self.comments(post_id, world_id, wire.PAGE_MAX)
        if page.total > wire.PAGE_MAX:
            page = self.comments(post_id, world_id, wire.PAGE_MAX, page.total - wire.PAGE_MAX)
        return page.comments

    def comments(self, post_id: str, world_id: str, limit: int = 20, offset: int = 0) -> CommentPage:
        """Return a page of a post's comments, in the order in which they came."""
        with translated("GetPostComments"):
            request = wire.interaction.GetPostCommentsRequest(
                post_id=post_id, limit=limit, offset=offset, world_id=world_id
            )
            answer = self._stub.GetPostComments(request, timeout=self._timeout_s)
        found = tuple(
            CommentRecord(
                one.comment_id,
                one.post_id,
                from_wire(one.user_id),
                one.username,
                one.text,
                one.created_at,
            )
            for one in answer.comments
        )
        return CommentPage(found, answer.total)

    def stats(self, post_ids: Sequence[str], user_id: str) -> Mapping[str, PostStats]:
        """Return the counts of at most 100 posts, and which of them somebody likes, where the service tells that."""
        with translated("GetPostsStats"):
            request = wire.interaction.GetPostsStatsRequest(post_ids=post_ids)
            metadata = ((wire.PERSON_KEY, to_wire(user_id)),)
            answer = self._stub.GetPostsStats(request, timeout=self._timeout_s, metadata=metadata)
        return {
            post_id: PostStats(
                one.likes_count, one.comments_count, one.liked if one.HasField("liked") else None
            )
            for post_id, one in answer.stats.items()
        }


def _named(name: str) -> _Metadata:
    return ((wire.NAME_KEY, name.encode()),) if name else ()
