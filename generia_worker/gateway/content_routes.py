"""What is in a world: posts, characters, pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from generia_worker.errors import InvalidInputError, NotFoundError
from generia_worker.gateway.auth import AdmittingRoute, SignedIn
from generia_worker.gateway.dependencies import Deps
from generia_worker.gateway.models import (
    CharacterJson,
    CharactersJson,
    MediaJson,
    PostJson,
    PostsJson,
)
from generia_worker.gateway.reaction_routes import liked_by
from generia_worker.gateway.route_parameters import (
    DEFAULT_LIMIT,
    CharacterId,
    Limit,
    MediaId,
    Offset,
    PostId,
    WorldId,
)
from generia_worker.http.problems import documented

router = APIRouter(prefix="/api/v1", tags=["what is in a world"], route_class=AdmittingRoute)
_FOUND = documented(401, 404, 422, 503)
Cursor = Annotated[
    str,
    Query(
        max_length=200,
        description="`next_cursor` of the page before; empty: the newest posts.",
    ),
]


@router.get("/worlds/{world_id:id}/posts", responses=_FOUND)
def list_posts(
    world_id: WorldId,
    user: SignedIn,
    deps: Deps,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    tag: Annotated[str, Query(max_length=200, description="Only posts with this tag.")] = "",
) -> PostsJson:
    """Return a page of the feed of a world, newest first."""
    try:
        page = deps.services.posts.feed(world_id, limit, cursor, tag=tag)
    except InvalidInputError:  # the rest was checked here
        # A cursor is a name that we gave a page: another one names none.
        raise NotFoundError("There is no such page: the cursor is not one that this gateway gave.") from None
    return PostsJson.of(page, liked_by(user.id, page.posts, deps))


@router.get("/worlds/{world_id:id}/posts/{post_id:id}", responses=_FOUND)
def get_post(world_id: WorldId, post_id: PostId, user: SignedIn, deps: Deps) -> PostJson:
    """Return one post."""
    post = deps.services.posts.get(post_id, world_id)
    return PostJson.of(post, liked=post_id in liked_by(user.id, [post], deps))


@router.get("/worlds/{world_id:id}/characters", responses=_FOUND)
def list_characters(
    world_id: WorldId, _user: SignedIn, deps: Deps, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> CharactersJson:
    """Return a page of the characters of a world, oldest first."""
    return CharactersJson.of(deps.services.characters_of_world(world_id, limit, offset))


@router.get("/characters/{character_id:id}", responses=_FOUND)
def get_character(character_id: CharacterId, _user: SignedIn, deps: Deps) -> CharacterJson:
    """Return one character."""
    return CharacterJson.of(deps.services.characters.get(character_id))


@router.get("/worlds/{world_id:id}/character/{character_id:id}/posts", responses=_FOUND)
def list_character_posts(
    world_id: WorldId,
    character_id: CharacterId,
    user: SignedIn,
    deps: Deps,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> PostsJson:
    """Return a page of the posts of a character, newest first."""
    page = deps.services.posts.character_posts(character_id, world_id, limit, offset)
    return PostsJson.of(page, liked_by(user.id, page.posts, deps))


@router.get("/media/{media_id:id}", responses=_FOUND)
def get_media(media_id: MediaId, _user: SignedIn, deps: Deps) -> MediaJson:
    """Return a picture's variants with signed URLs."""
    return MediaJson.of(deps.services.media.get(media_id))
