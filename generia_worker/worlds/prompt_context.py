"""What a prompt is told of the world and of its people: enough to be consistent, short enough to be cheap.

Everything here returns plain dicts and lists, which the templates render as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel

from generia_worker.worlds.context import StepContext
from generia_worker.worlds.documents import Cast, CharacterConcept, CharacterDetail
from generia_worker.worlds.results import NamedCharacter
from generia_worker.worlds.steps import CAST, CHARACTER

T = TypeVar("T")

_WORLD_FIELDS = (
    "name",
    "user_preferences",
    "description_short",
    "theme",
    "technology_level",
    "social_structure",
    "culture",
    "geography",
    "visual_style",
    "common_activities",
    "typical_stories",
)
_CHARACTER_FIELDS = (
    "display_name",
    "username",
    "bio",
    "personality",
    "speaking_style",
    "interests",
    "common_topics",
    "relationships",
    "secret",
    "daily_routine",
    "appearance",
)
_CONCEPT_FIELDS = ("id", "concept", "concept_short", "role_in_world")
_NAME_FIELDS = ("display_name", "username")
#: Connections and stories that one prompt is told at most.
_CONNECTIONS_MAX, _STORIES_MAX = 40, 8


def pick(document: BaseModel, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a document that have something in them, in the order of `fields`."""
    found = document.model_dump(mode="json", include=set(fields))
    return {name: found[name] for name in fields if found.get(name)}


def unseen(candidates: Iterable[T], known: Iterable[T], identity: Callable[[T], str]) -> list[T]:
    """Return the candidates that are neither among the known nor double, by their identity."""
    seen = {identity(one) for one in known}
    fresh = []
    for one in candidates:
        if identity(one) not in seen:
            seen.add(identity(one))
            fresh.append(one)
    return fresh


def world_context(ctx: StepContext) -> dict[str, Any]:
    """Return the world as later prompts see it. Raises PermanentError before it is described."""
    return pick(ctx.world(), _WORLD_FIELDS)


def character_context(detail: CharacterDetail) -> dict[str, Any]:
    """Return a character as the prompts of its own posts see it."""
    return pick(detail, _CHARACTER_FIELDS)


def cast_batches(ctx: StepContext) -> list[Cast]:
    """Return the batches of the cast that are done, in their order."""
    results = ctx.services.results
    steps = (CAST.step(batch) for batch in range(ctx.generation.batches))
    found = (results.of(ctx.world_id, step, Cast, immutable=True) for step in steps)
    return [batch for batch in found if batch is not None]


def cast_so_far(ctx: StepContext) -> list[CharacterConcept]:
    """Return the concepts of these batches: character n is at index n - 1."""
    return [concept for batch in cast_batches(ctx) for concept in batch.characters]


def others_of(ctx: StepContext, number: int) -> list[dict[str, Any]]:
    """Return everybody but character `number`: by name where it is known already, by concept where not yet."""
    known = ctx.services.results.recent_of(ctx.world_id, CHARACTER.kind, NamedCharacter)
    people = []
    for other, concept in enumerate(cast_so_far(ctx), start=1):
        if other == number:
            continue
        named = known.get(CHARACTER.step(other))
        people.append(pick(concept, _CONCEPT_FIELDS) | (pick(named.detail, _NAME_FIELDS) if named else {}))
    return people


def common_ground(ctx: StepContext, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the connections of the cast and the stories that character `number` knows: (connections, stories)."""
    batches = cast_batches(ctx)
    connections = [one for batch in batches for one in batch.character_connections]
    stories = [story for batch in batches for story in batch.common_stories_and_events]
    mine = [story for story in stories if f"c{number}" in story.characters_ids]
    return _dumped(connections[:_CONNECTIONS_MAX]), _dumped((mine or stories)[:_STORIES_MAX])


def _dumped(parts: Iterable[BaseModel]) -> list[dict[str, Any]]:
    return [part.model_dump(mode="json") for part in parts]
