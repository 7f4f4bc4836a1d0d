"""Finding what a call refers to, and checking that it may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pymongo

from generia_worker.errors import NotFoundError, PermanentError
from generia_worker.reference.shared import validation
from generia_worker.reference.shared.resources import Resources
from generia_worker.rpc.media_types import MediaType, check_id
from generia_worker.storage.mongo import Document

_PING_S = 2.0


def world(resources: Resources, world_id: str) -> Document:
    """Return a world. Raises InvalidInputError or NotFoundError."""
    return _one(resources, "worlds", world_id, "world_id")


def require_world(resources: Resources, world_id: str) -> None:
    """Make sure that there is this world. Raises InvalidInputError or NotFoundError."""
    _facts(resources, "worlds", world_id, "world_id")


def character(resources: Resources, character_id: str) -> Document:
    """Return a character. Raises InvalidInputError or NotFoundError."""
    return _one(resources, "characters", character_id, "character_id")


def facts_of_character(resources: Resources, character_id: str) -> Document:
    """Return what never changes of a character. Raises InvalidInputError or NotFoundError."""
    return _facts(resources, "characters", character_id, "character_id")


def character_in_world(resources: Resources, character_id: str, world_id: str) -> Document:
    """Return what never changes of a character of this world. Raises InvalidInputError or NotFoundError."""
    check_id(world_id, "world_id")
    found = facts_of_character(resources, character_id)
    if found["world_id"] != world_id:
        raise NotFoundError(f"character_id {character_id} is not known in world {world_id}")
    return found


def facts_of_post(resources: Resources, post_id: str) -> Document:
    """Return what never changes of a post. Raises InvalidInputError or NotFoundError."""
    return _facts(resources, "posts", post_id, "post_id")


@dataclass(frozen=True, slots=True)
class Reactions:
    """How many like a post, and how many comments it has."""

    likes: int
    comments: int


def reactions(resources: Resources, post_ids: Sequence[str]) -> dict[str, Reactions]:
    """Count what people and characters had to say of some posts: by what is there, so that no count can be wrong."""

    def counted(collection: str) -> dict[str, int]:
        of_these = {"$match": {"post_id": {"$in": list(post_ids)}}}
        group = {"$group": {"_id": "$post_id", "n": {"$sum": 1}}}
        return {one["_id"]: one["n"] for one in resources.collection(collection).aggregate([of_these, group])}

    likes, comments = counted("likes"), counted("comments")
    return {one: Reactions(likes.get(one, 0), comments.get(one, 0)) for one in post_ids}


def media(resources: Resources, media_id: str) -> Document:
    """Return a picture's record. Raises InvalidInputError or NotFoundError."""
    return _one(resources, "media", media_id, "media_id")


def confirmed_media(
    resources: Resources,
    media_id: str,
    field: str,
    media_type: MediaType,
    world_id: str,
    character_id: str | None = None,
) -> Document:
    """Return the facts of a picture that may be used for this: confirmed, of this type, world and (unless None) character.

    Raises:
        InvalidInputError: it is another kind of picture, or somebody else's.
        NotFoundError: there is no such picture.
        PermanentError: its upload is not confirmed.
    """
    found = _facts(resources, "media", media_id, field)
    if found["world_id"] != world_id:
        validation.refuse(field, f"{media_id} belongs to another world")
    if found["media_type"] != media_type:
        validation.refuse(field, f"{media_id} is not of type MEDIA_TYPE_{media_type.name}")
    if character_id is not None and found["character_id"] != character_id:
        validation.refuse(field, f"{media_id} belongs to another character")
    require_confirmed(found, field)
    return found


def require_confirmed(found: Document, field: str = "media_id") -> None:
    """Raise PermanentError unless the upload of this picture is confirmed."""
    if found["state"] != "confirmed":
        raise PermanentError(
            f"{field} {found['_id']} is not confirmed: upload it and call ConfirmUpload first"
        )


def _one(resources: Resources, collection: str, item_id: str, field: str) -> Document:
    return known(resources.collection(collection).find_one({"_id": check_id(item_id, field)}), item_id, field)


def _facts(resources: Resources, collection: str, item_id: str, field: str) -> Document:
    return known(resources.facts.of(collection, check_id(item_id, field)), item_id, field)


def known(found: Document | None, item_id: str, field: str) -> Document:
    """Return what was found. Raises NotFoundError when that is nothing."""
    if found is None:
        raise NotFoundError(f"{field} {item_id} is not known")
    return found


def avatar_url(resources: Resources, found: Document) -> str:
    """Return the address of a character's avatar: the uploaded one, signed, or else the one it was given."""
    return resources.urls.page_url(found["avatar_key"]) or str(found["avatar_url"])


def is_serving(resources: Resources, also: Callable[[], bool] = lambda: True) -> bool:
    """True when the database answers, and `also` says so of what else is needed; errors of theirs mean no."""
    try:
        with pymongo.timeout(_PING_S):
            resources.client.admin.command("ping")
        return also()
    except Exception:  # whatever it is, the service cannot serve
        return False
