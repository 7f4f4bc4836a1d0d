"""What a prompt is told of the world and of its people: enough to be consistent, short enough to be cheap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from generia_worker.engine.step import Step, StepKind
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.services import Tools

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


def pick(document: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a document that have something in them."""
    return {name: document[name] for name in fields if document.get(name)}


def unseen(
    candidates: list[dict[str, Any]], known: list[dict[str, Any]], identity: Callable[[dict[str, Any]], str]
) -> list[dict[str, Any]]:
    """Return the candidates whose identity nobody has yet, neither among the known nor among themselves."""
    seen = {identity(one) for one in known}
    fresh = []
    for one in candidates:
        if identity(one) not in seen:
            seen.add(identity(one))
            fresh.append(one)
    return fresh


def world_brief(run: StepRun, tools: Tools) -> dict[str, Any]:
    """Return the world as later prompts see it."""
    return pick(tools.parameters.get(run.world_id), _WORLD_FIELDS)


def character_brief(detail: dict[str, Any]) -> dict[str, Any]:
    """Return a character as the prompts of its own posts see it."""
    return pick(detail, _CHARACTER_FIELDS)


def cast_so_far(run: StepRun) -> list[dict[str, Any]]:
    """Return the concepts of the batches that are done, in their order: character n is at index n-1."""
    batches = run.ledger.cast(run.world_id, run.generation.batches)
    return [concept for batch in batches for concept in batch["characters"]]


def others_of(run: StepRun, number: int) -> list[dict[str, Any]]:
    """Return everybody but character `number`: by name where it is known already, by concept where not yet."""
    known = run.ledger.names(run.world_id)
    people = []
    for other, concept in enumerate(cast_so_far(run), start=1):
        if other == number:
            continue
        named = known.get(Step(StepKind.CHARACTER, other), {})
        people.append(pick(concept, _CONCEPT_FIELDS) | pick(named, ("display_name", "username")))
    return people


def common_ground(run: StepRun, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the connections that the cast has and the stories that character `number` knows: (connections, stories)."""
    connections: list[dict[str, Any]] = []
    stories: list[dict[str, Any]] = []
    for batch in run.ledger.cast(run.world_id, run.generation.batches):
        connections += batch["character_connections"]
        stories += batch["common_stories_and_events"]
    mine = [story for story in stories if f"c{number}" in story.get("characters_ids", [])]
    return connections[:40], (mine or stories)[:8]
