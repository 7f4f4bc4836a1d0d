"""Client of the post service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import grpc

from generia_worker.errors import GeneriaError, UnimplementedError
from generia_worker.rpc import wire
from generia_worker.rpc.channel import Metadata, idempotency_metadata
from generia_worker.rpc.status_codes import translated
from generia_worker.rpc.users import to_wire


def tag_key(tag: str) -> str:
    """Return what is equal for tags that are the same: without the sign before it, in no case."""
    return tag.lstrip("#").casefold()


@dataclass(frozen=True, slots=True)
class CreatedPost:
    """What the service says of a post that it took in; `created_at` is ISO 8601."""

    post_id: str
    created_at: str


@dataclass(frozen=True, slots=True)
class PostRecord:
    """A post as its service knows it. URLs are signed and expire, or are empty."""

    post_id: str
    character_id: str
    display_name: str
    caption: str
    media_url: str
    created_at: str
    likes_count: int
    comments_count: int
    world_id: str
    avatar_url: str
    is_ai: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostPage:
    """A page of posts, how many there are in all, and where a feed's next page begins (empty: nowhere)."""

    posts: tuple[PostRecord, ...]
    total: int
    next_cursor: str


class PostClient:
    """Calls the post service; every method raises what `status_codes.translated` says."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._stub = wire.PostServiceStub(channel)
        self._timeout_s = timeout_s

    def create_ai(
        self,
        character_id: str,
        caption: str,
        media_id: str,
        world_id: str,
        tags: Sequence[str],
        *,
        written_at: datetime | None = None,
        idempotency_key: str,
    ) -> CreatedPost:
        """Publish a post of an AI character; an equal key and body gives the same post.

        `written_at` is when it was written, in its world; a service may not know that, and takes the time of the call.
        """
        with translated("CreateAIPost"):
            request = wire.post.CreateAIPostRequest(
                character_id=character_id,
                caption=caption,
                media_id=media_id,
                world_id=world_id,
                tags=tags,
                created_at=written_at.isoformat() if written_at else None,
            )
            answer = self._stub.CreateAIPost(
                request, timeout=self._timeout_s, metadata=idempotency_metadata(idempotency_key)
            )
        return CreatedPost(answer.post_id, answer.created_at)

    def create(
        self,
        user_id: str,
        character_id: str,
        caption: str,
        media_id: str,
        world_id: str,
        tags: Sequence[str] = (),
    ) -> CreatedPost:
        """Publish a post of a character that a person plays."""
        with translated("CreatePost"):
            request = wire.post.CreatePostRequest(
                user_id=to_wire(user_id),
                character_id=character_id,
                caption=caption,
                media_id=media_id,
                world_id=world_id,
                is_ai=False,
                tags=tags,
            )
            answer = self._stub.CreatePost(request, timeout=self._timeout_s)
        return CreatedPost(answer.post_id, answer.created_at)

    def get(self, post_id: str, world_id: str) -> PostRecord:
        """Return one post of a world."""
        with translated("GetPost"):
            request = wire.post.GetPostRequest(post_id=post_id, world_id=world_id)
            return _record(self._stub.GetPost(request, timeout=self._timeout_s))

    def get_many(self, post_ids: Sequence[str]) -> PostPage:
        """Return the posts with these ids in that order; ids that are not known are left out."""
        with translated("GetPostsByIds"):
            request = wire.post.GetPostsByIdsRequest(post_ids=post_ids)
            return _page(self._stub.GetPostsByIds(request, timeout=self._timeout_s))

    def user_posts(self, user_id: str, world_id: str, limit: int = 20, offset: int = 0) -> PostPage:
        """Return a page of what a person posted in a world, newest first."""
        with translated("GetUserPosts"):
            request = wire.post.GetUserPostsRequest(
                user_id=to_wire(user_id), limit=limit, offset=offset, world_id=world_id
            )
            return _page(self._stub.GetUserPosts(request, timeout=self._timeout_s))

    def character_posts(self, character_id: str, world_id: str, limit: int = 20, offset: int = 0) -> PostPage:
        """Return a page of the posts of a character, newest first."""
        with translated("GetCharacterPosts"):
            request = wire.post.GetCharacterPostsRequest(
                character_id=character_id, limit=limit, offset=offset, world_id=world_id
            )
            return _page(self._stub.GetCharacterPosts(request, timeout=self._timeout_s))

    def feed(self, world_id: str, limit: int = 20, cursor: str = "", *, tag: str = "") -> PostPage:
        """Return a page of all posts of a world, newest first, from a page's `next_cursor` on.

        With a `tag` only those that have it, in any case: of a service that lists all the same, those of this page.
        """
        metadata: Metadata = ((wire.TAG_KEY, quote(tag)),) if tag else ()
        with translated("GetGlobalFeed"):
            request = wire.post.GetGlobalFeedRequest(limit=limit, cursor=cursor, world_id=world_id)
            page = _page(self._stub.GetGlobalFeed(request, timeout=self._timeout_s, metadata=metadata))
        fits = tuple(post for post in page.posts if not tag or tag_key(tag) in map(tag_key, post.tags))
        return page if len(fits) == len(page.posts) else replace(page, posts=fits, total=len(fits))

    def update(
        self,
        post_id: str,
        *,
        caption: str | None = None,
        media_id: str | None = None,
        tags: Sequence[str] = (),
    ) -> PostRecord:
        """Change what is given of a post; no tags leave the tags as they are.

        Raises:
            UnimplementedError: the platform's post service does not offer this call, which is ours.
        """
        with translated("UpdatePost"):
            request = wire.post.UpdatePostRequest(
                post_id=post_id, caption=caption, media_id=media_id, tags=tags
            )
            return _record(self._stub.UpdatePost(request, timeout=self._timeout_s))

    def check_update(self) -> None:
        """Make sure that posts can be changed, without changing one. Raises UnimplementedError when they cannot."""
        try:
            with translated("UpdatePost"):
                self._stub.UpdatePost(wire.post.UpdatePostRequest(), timeout=self._timeout_s)
        except UnimplementedError as error:
            raise UnimplementedError(f"Posts cannot be redone. {error.message}") from None
        except GeneriaError:
            # It refuses the post without an id, or is away: it may well know the call.
            return

    def healthy(self) -> bool:
        """True when the service answers that it serves; never raises a GeneriaError."""
        try:
            with translated("HealthCheck"):
                answer = self._stub.HealthCheck(wire.post.HealthCheckRequest(), timeout=self._timeout_s)
        except GeneriaError:
            return False
        return answer.status == wire.post.HealthCheckResponse.SERVING


def _record(answer: wire.post.Post) -> PostRecord:
    return PostRecord(
        post_id=answer.post_id,
        character_id=answer.character_id,
        display_name=answer.display_name,
        caption=answer.caption,
        media_url=answer.media_url,
        created_at=answer.created_at,
        likes_count=answer.likes_count,
        comments_count=answer.comments_count,
        world_id=answer.world_id,
        avatar_url=answer.avatar_url,
        is_ai=answer.is_ai,
        tags=tuple(answer.tags),
    )


def _page(answer: wire.post.PostList) -> PostPage:
    return PostPage(tuple(_record(post) for post in answer.posts), answer.total, answer.next_cursor)
