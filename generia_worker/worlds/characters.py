"""One character: its detail, its place in the character service, its face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generia_worker.engine.step import Step, StepKind
from generia_worker.errors import PermanentError
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds.character_documents import CharacterDetail
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.generate import ask
from generia_worker.worlds.media import Motif, make_media
from generia_worker.worlds.prompt_context import (
    cast_so_far,
    common_ground,
    others_of,
    world_brief,
)
from generia_worker.worlds.services import Outcome, Tools


def create_character(run: StepRun, tools: Tools) -> Outcome:
    """Write a character out and create it in the character service, once."""
    detail = run.checkpoint("detail")
    if detail is None:
        connections, stories = common_ground(run, run.number)
        variables = {
            "user_prompt": run.generation.prompt,
            "world": world_brief(run, tools),
            "concept": cast_so_far(run)[run.number - 1],
            "others": others_of(run, run.number),
            "connections": connections,
            "stories": stories,
        }
        detail = ask(run, tools, CharacterDetail, "create_character", variables).as_document()
        run.store(detail=detail)
    character_id = run.checkpoint("character_id")
    redone = run.checkpoint("redo_of")
    if redone is not None:
        tools.characters.update(redone, display_name=detail["display_name"], meta=detail)
        character_id = redone
    elif character_id is None:
        created = tools.characters.create(
            run.world_id, detail["display_name"], detail, idempotency_key=run.once_key("create")
        )
        character_id = created.id
        run.store(character_id=character_id)
    return Outcome({"detail": detail, "character_id": character_id})


def draw_avatar(run: StepRun, tools: Tools) -> Outcome:
    """Draw a character's face and give it to the character."""
    character = the_character(run)
    size = tools.settings.avatar_size
    motif = Motif(
        "avatar",
        MediaType.CHARACTER_AVATAR,
        character["detail"]["avatar_prompt"],
        character["detail"]["avatar_style"],
        size,
        size,
    )
    media_id = make_media(run, tools, motif, character["character_id"])
    tools.characters.update(character["character_id"], avatar_media_id=media_id)
    return Outcome({"media_id": media_id})


def the_character(run: StepRun, made: Mapping[Step, dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the result of the step that created this step's character: out of `made` when that was read already.

    Raises PermanentError where it has none.
    """
    step = Step(StepKind.CHARACTER, run.number)
    character = (run.ledger.made(run.world_id, step) if made is None else made).get(step)
    if character is None:
        message = f"Character {run.number} does not exist."
        raise PermanentError(message)
    return character
