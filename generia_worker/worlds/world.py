"""The world itself: is it there, what is it like, what does it look like, and is it finished."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from generia_worker.engine.step import StepState
from generia_worker.errors import NotFoundError, PermanentError, TransientError
from generia_worker.rpc.media_types import MediaType
from generia_worker.text import provisional_name
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.documents import DayNews, WorldDescription, WorldImagePrompts
from generia_worker.worlds.generate import generate
from generia_worker.worlds.media import ImageSpec, make_side_by_side
from generia_worker.worlds.prompt_context import lately, others_of, world_context
from generia_worker.worlds.results import FinalCounts, FoundWorld, WorldImages
from generia_worker.worlds.schedules import chronicle
from generia_worker.worlds.steps import CHARACTER, INITIALIZE, PICTURE

#: Days of its chronicle that a world is reminded of.
_DAYS_TOLD = 14


def initialize_world(ctx: StepContext, services: Services) -> Outcome:
    """Make sure that the world service knows the world, and note the name that a person gave it.

    Raises:
        PermanentError: it does not, which ends the world.
    """
    try:
        name = services.worlds.get(ctx.world_id).name
    except NotFoundError as error:
        message = f"The world service does not know world {ctx.world_id}: create it there, then order it. {error.message}"
        raise PermanentError(message, fatal_to_world=True) from None
    except TransientError as error:
        if error.outcome_unknown and not _is_uuid(ctx.world_id):
            # A service whose ids are UUIDs fails at any other one, and does not say why.
            message = f"World {ctx.world_id} cannot be found: the world service may take UUIDs only. {error.message}"
            raise TransientError(message, outcome_unknown=True) from None
        raise
    given = name != provisional_name(ctx.generation.prompt)
    return Outcome(FoundWorld(name=name if given else ""))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def describe_world(ctx: StepContext, services: Services) -> Outcome:
    """Have the world described in the language of its prompt, and publish name and description.

    A name that a person gave it stays. Until the end its counts are those that were ordered.
    """
    order = ctx.generation
    given = ctx.result_of(INITIALIZE).name
    variables = {
        "user_prompt": order.prompt,
        "users_count": order.users_count,
        "posts_count": order.posts_count,
        "name": given,
    }
    description = generate(ctx, services, WorldDescription, "describe_world", variables)
    if given:
        description = description.model_copy(update={"name": given})
    document = description.as_document()
    services.worlds.update_params(
        ctx.world_id, document, description.name, order.users_count, order.posts_count
    )
    return Outcome(
        description, on_commit=lambda session: services.parameters.store(ctx.world_id, document, session)
    )


def illustrate_world(ctx: StepContext, services: Services) -> Outcome:
    """Draw the cover and the icon, and give them to the world."""
    prompts = _image_prompts(ctx, services)
    s, style = services.settings, prompts.style_reference
    header = ImageSpec(
        "cover", MediaType.WORLD_HEADER, prompts.header_prompt, style, s.cover_width, s.cover_height
    )
    icon = ImageSpec("icon", MediaType.WORLD_ICON, prompts.icon_prompt, style, s.icon_size, s.icon_size)
    header_id, icon_id = make_side_by_side(ctx, services, (header, icon))
    services.worlds.update_image(ctx.world_id, header_id, icon_id)
    fields = {"image_prompts": prompts.as_document()}
    return Outcome(
        WorldImages(prompts=prompts, header_media_id=header_id, icon_media_id=icon_id),
        on_commit=lambda session: services.parameters.store(ctx.world_id, fields, session),
    )


def _image_prompts(ctx: StepContext, services: Services) -> WorldImagePrompts:
    """Return the prompts of both pictures, written once."""
    stored = ctx.checkpoint("prompts")
    if stored is not None:
        return WorldImagePrompts.model_validate(stored)
    world = ctx.world().model_dump(mode="json", exclude={"image_prompts"})
    variables = {"user_prompt": ctx.generation.prompt, "world": world}
    prompts = generate(ctx, services, WorldImagePrompts, "illustrate_world", variables, patient=True)
    ctx.store(prompts=prompts.as_document())
    return prompts


def tell_news(ctx: StepContext, services: Services) -> Outcome:
    """Make up what happened today: all who post today are told."""
    variables = {
        "user_prompt": ctx.generation.prompt,
        "world": world_context(ctx),
        "day": ctx.round.day,
        "chronicle": chronicle(ctx.generation, services.results)[-_DAYS_TOLD:],
        "lately": lately(ctx),
        "people": [one.get("display_name") or one.get("concept_short") for one in others_of(ctx, 0)],
    }
    return Outcome(generate(ctx, services, DayNews, "tell_news", variables, patient=True))


def finish_world(ctx: StepContext, services: Services) -> Outcome:
    """Tell the world service what came of the world: its final counts."""
    census = services.rows.census(ctx.world_id)
    users = census.get((CHARACTER.kind, StepState.DONE), 0)
    posts = census.get((PICTURE.kind, StepState.DONE), 0)
    parameters = services.parameters.get(ctx.world_id)
    # A world that was cancelled before it was described has no parameters; empty ones leave the service's as they are.
    document: dict[str, Any] = {}
    if parameters is not None:
        document = parameters.model_dump(mode="json", exclude_unset=True)
    name = parameters.name if parameters is not None else ""
    services.worlds.update_params(ctx.world_id, document, name, users, posts)
    return Outcome(FinalCounts(users_count=users, posts_count=posts))
