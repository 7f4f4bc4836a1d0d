"""What a prompt is told of the world and of its people: enough to be consistent, short enough to be cheap.

Everything here returns plain dicts and lists, which the templates render as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel

from generia_worker.engine.rounds import Round
from generia_worker.text import clip
from generia_worker.worlds.context import StepContext
from generia_worker.worlds.documents import Cast, CharacterConcept, CharacterDetail, DayNews, PlannedPost
from generia_worker.worlds.results import NamedCharacter, PlannedPosts, WrittenText
from generia_worker.worlds.steps import CAST, CHARACTER, CHRONICLE, PLAN, POST

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
#: Connections and stories that one prompt is told at most, and other characters.
_CONNECTIONS_MAX, _STORIES_MAX, _OTHERS_MAX = 40, 8, 80
#: Of the rounds before: topics of one's own, posts of all, and how much of each, in characters.
_TOPICS_MAX, _LATELY_MAX, _BEGINNING = 60, 20, 160


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


def cast_batches(ctx: StepContext) -> list[tuple[Round, Cast]]:
    """Return the batches of the cast that are done, in their order, each with its round; none of one that was given up."""
    results, own = ctx.services.results, ctx.round
    found: list[tuple[Round, Cast]] = []
    for one in ctx.generation.rounds:
        if one.given_up is not None and one is not own:
            continue
        steps = (CAST.step(batch, in_round=one.number) for batch in range(one.batches))
        batches = (results.of(ctx.world_id, step, Cast, as_of="") for step in steps)
        found += [(one, batch) for batch in batches if batch is not None]
    return found


def cast_so_far(ctx: StepContext) -> dict[int, CharacterConcept]:
    """Return the concepts of these batches by the numbers of their characters, in their order."""
    found: dict[int, CharacterConcept] = {}
    begun = 0
    for one, batch in cast_batches(ctx):
        begun = max(begun + 1, one.first_character)
        found |= dict(enumerate(batch.characters, start=begun))
        begun += len(batch.characters) - 1
    return found


def others_of(ctx: StepContext, number: int) -> list[dict[str, Any]]:
    """Return everybody but character `number`: by name where it is known already, by concept where not yet.

    Of a world that was extended to very many, those whose numbers are near.
    """
    known = ctx.services.results.recent_of(ctx.world_id, CHARACTER.kind, NamedCharacter)
    concepts = cast_so_far(ctx)
    near = sorted((one for one in concepts if one != number), key=lambda one: abs(one - number))
    people = []
    for other in sorted(near[:_OTHERS_MAX]):
        named = known.get(CHARACTER.step(other))
        names = pick(named.detail, _NAME_FIELDS) if named else {}
        people.append(pick(concepts[other], _CONCEPT_FIELDS) | names)
    return people


def common_ground(ctx: StepContext, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the connections of the cast and the stories that character `number` knows: (connections, stories).

    Those of the round that made it come first.
    """
    batches = [batch for _, batch in sorted(cast_batches(ctx), key=lambda found: not found[0].is_new(number))]
    connections = [one for batch in batches for one in batch.character_connections]
    stories = [story for batch in batches for story in batch.common_stories_and_events]
    mine = [story for story in stories if f"c{number}" in story.characters_ids]
    return _dumped(connections[:_CONNECTIONS_MAX]), _dumped((mine or stories)[:_STORIES_MAX])


def earlier_topics(ctx: StepContext) -> list[PlannedPost]:
    """Return what the character of a later round planned in the rounds before, the last ones, in their order."""
    plans = ctx.services.results.all_of(ctx.world_id, PLAN.kind, PlannedPosts, character=ctx.character)
    before = [post for step, plan in plans.items() if step.round < ctx.round.number for post in plan.posts]
    return before[-_TOPICS_MAX:]


def lately(ctx: StepContext) -> list[dict[str, Any]]:
    """Return a digest of what was posted last in the rounds before, by anybody: at most `_LATELY_MAX` beginnings of posts.

    Empty in the first round.
    """
    if ctx.round.number == 1:
        return []
    results = ctx.services.results
    names = results.recent_of(ctx.world_id, CHARACTER.kind, NamedCharacter)
    told: list[dict[str, Any]] = []
    # From the last round back, and no further than needed: a world may have lived for a year.
    for number in range(ctx.round.number - 1, 0, -1):
        posts = results.all_of(ctx.world_id, POST.kind, WrittenText, in_round=number)
        told[:0] = [
            {"author": author.detail.display_name, "post": clip(posts[step].content, _BEGINNING)}
            for step in sorted(posts, key=lambda one: (one.post or 0, one.character or 0))
            if (author := names.get(CHARACTER.within(step))) is not None
        ]
        if len(told) >= _LATELY_MAX:
            break
    return told[-_LATELY_MAX:]


def news_of_the_day(ctx: StepContext) -> dict[str, Any]:
    """Return what happened today; empty where this round is no day, or nobody could tell."""
    if ctx.round.day is None:
        return {}
    step = CHRONICLE.step(in_round=ctx.round.number)
    found = ctx.services.results.of(ctx.world_id, step, DayNews)
    return {"day": ctx.round.day, **(found.as_document() if found else {})}


def _dumped(parts: Iterable[BaseModel]) -> list[dict[str, Any]]:
    return [part.model_dump(mode="json") for part in parts]
