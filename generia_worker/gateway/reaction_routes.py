"""What people have to say of posts: likes and comments, where there is an interaction service."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, BackgroundTasks, Header

from generia_worker.errors import GeneriaError, NotFoundError, TransientError, UnimplementedError
from generia_worker.gateway.auth import AdmittingRoute, SignedIn
from generia_worker.gateway.dependencies import Dependencies, Deps
from generia_worker.gateway.models import CommentJson, CommentsJson, LikeJson, NewCommentBody
from generia_worker.gateway.route_parameters import DEFAULT_LIMIT, Limit, Offset, PostId, WorldId
from generia_worker.http.problems import documented
from generia_worker.rpc.interaction_client import InteractionClient
from generia_worker.rpc.post_client import PostRecord

log = logging.getLogger(__name__)

router = APIRouter(
    prefix="/api/v1/worlds/{world_id:id}/posts/{post_id:id}",
    tags=["reactions"],
    route_class=AdmittingRoute,
)
_CHANGED = documented(401, 403, 404, 411, 413, 422, 429, 503)
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{0,100}$",
        description="The same comment with the same key is one comment, however often it is sent.",
    ),
]


@router.put("/like", responses=_CHANGED)
def like_post(world_id: WorldId, post_id: PostId, user: SignedIn, deps: Deps) -> LikeJson:
    """Like a post; twice is once."""
    deps.rate_limits.hit("react", user.id)
    count = _service(deps).like(user.id, post_id, world_id, name=_name_of(user.id, deps))
    return LikeJson(likes_count=count, liked=True)


@router.delete("/like", responses=_CHANGED)
def unlike_post(world_id: WorldId, post_id: PostId, user: SignedIn, deps: Deps) -> LikeJson:
    """Take a like back."""
    deps.rate_limits.hit("react", user.id)
    return LikeJson(likes_count=_service(deps).unlike(user.id, post_id, world_id), liked=False)


@router.get("/comments", responses=documented(401, 404, 422, 503))
def list_comments(
    world_id: WorldId,
    post_id: PostId,
    _user: SignedIn,
    deps: Deps,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> CommentsJson:
    """Return a page of the comments of a post, oldest first."""
    page = _service(deps).comments(post_id, world_id, limit, offset)
    return CommentsJson(comments=[CommentJson.of(one) for one in page.comments], total=page.total)


@router.post(
    "/comments", status_code=201, responses=documented(400, 401, 403, 404, 409, 411, 413, 422, 429, 503)
)
def add_comment(
    world_id: WorldId,
    post_id: PostId,
    body: NewCommentBody,
    user: SignedIn,
    deps: Deps,
    afterwards: BackgroundTasks,
    key: Key = "",
) -> CommentJson:
    """Comment on a post. Where who made the world wants it, the character who wrote that replies."""
    deps.rate_limits.hit("react", user.id)
    made = _service(deps).comment(
        user.id,
        post_id,
        world_id,
        body.text,
        idempotency_key=f"{user.id}.{key or uuid4().hex}",
        name=_name_of(user.id, deps),
    )
    afterwards.add_task(_tell, deps, world_id, post_id)
    return CommentJson.of(made)


def _tell(deps: Dependencies, world_id: str, post_id: str) -> None:
    """Tell the endpoint that somebody commented. Who did has been answered, and hears of nothing that goes wrong here: the
    next comment under the post tells of this one too."""
    if not deps.notices.acquire(blocking=False):
        log.warning("Nobody was told of a comment in world %s: the endpoint has others to hear of.", world_id)
        return
    try:
        deps.endpoint.call("POST", f"/v1/generations/{world_id}/replies", {"post_id": post_id})
    except NotFoundError:  # the endpoint did not make this world
        pass
    except GeneriaError as error:
        log.warning("Nobody was told of a comment in world %s: %s", world_id, error.message)
    finally:
        deps.notices.release()


def liked_by(user_id: str, posts: Sequence[PostRecord], deps: Dependencies) -> Collection[str]:
    """Return the ids of the posts that a person likes: none while that cannot be told, since posts are worth more."""
    service = deps.services.interactions
    if service is None or not posts:
        return ()
    try:
        stats = service.stats([post.post_id for post in posts], user_id)
        # One that others wrote does not say it of many at once.
        return {
            post_id
            for post_id, one in stats.items()
            if (one.liked if one.liked is not None else one.likes_count and service.likes(user_id, post_id))
        }
    except (TransientError, NotFoundError, UnimplementedError) as error:
        log.warning("Nobody's likes can be told: %s", error.message)
        return ()


def _service(deps: Dependencies) -> InteractionClient:
    if deps.services.interactions is None:
        message = "There are no likes and comments here: no interaction service is configured."
        raise NotFoundError(message).with_code("no_reactions")
    return deps.services.interactions


def _name_of(user_id: str, deps: Dependencies) -> str:
    account = deps.accounts.get(user_id)
    return account.username if account else ""
