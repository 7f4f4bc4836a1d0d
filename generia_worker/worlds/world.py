"""The world itself: is it there, what is it like, what does it look like, and is it finished."""

from __future__ import annotations

from generia_worker.engine.step import StepKind, StepState
from generia_worker.rpc.media_types import MediaType
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.generate import ask
from generia_worker.worlds.media import Motif, make_media
from generia_worker.worlds.services import Outcome, Tools
from generia_worker.worlds.world_documents import WorldDescription, WorldImagePrompts


def initialize_world(run: StepRun, tools: Tools) -> Outcome:
    """Make sure that the world service knows the world. Raises NotFoundError."""
    world = tools.worlds.get(run.world_id)
    return Outcome({"name": world.name})


def describe_world(run: StepRun, tools: Tools) -> Outcome:
    """Have the world described in the language of its prompt, and publish name and description."""
    order = run.generation
    variables = {
        "user_prompt": order.prompt,
        "users_count": order.users_count,
        "posts_count": order.posts_count,
    }
    document = ask(run, tools, WorldDescription, "describe_world", variables).as_document()
    tools.worlds.update_params(run.world_id, document, document["name"], 0, 0)
    return Outcome(document, also=lambda session: tools.parameters.store(run.world_id, document, session))


def illustrate_world(run: StepRun, tools: Tools) -> Outcome:
    """Draw the cover and the icon, and give them to the world."""
    stored = run.checkpoint("prompts")
    if stored is None:
        variables = {"user_prompt": run.generation.prompt, "world": tools.parameters.get(run.world_id)}
        stored = ask(run, tools, WorldImagePrompts, "illustrate_world", variables).as_document()
        run.store(prompts=stored)
    s, style = tools.settings, stored["style_reference"]
    header = Motif(
        "cover", MediaType.WORLD_HEADER, stored["header_prompt"], style, s.cover_width, s.cover_height
    )
    icon = Motif("icon", MediaType.WORLD_ICON, stored["icon_prompt"], style, s.icon_size, s.icon_size)
    header_id, icon_id = make_media(run, tools, header), make_media(run, tools, icon)
    tools.worlds.update_image(run.world_id, header_id, icon_id)
    result = {"prompts": stored, "header_media_id": header_id, "icon_media_id": icon_id}
    fields = {"image_prompts": stored}
    return Outcome(result, also=lambda session: tools.parameters.store(run.world_id, fields, session))


def finish_world(run: StepRun, tools: Tools) -> Outcome:
    """Tell the world service what came of the world: its final counts."""
    census = run.ledger.census(run.world_id)
    users = census.get((StepKind.CHARACTER, StepState.DONE), 0)
    posts = census.get((StepKind.PICTURE, StepState.DONE), 0)
    parameters = tools.parameters.get(run.world_id)
    # A world that was cancelled before it was described has no parameters; empty ones leave the service's as they are.
    tools.worlds.update_params(run.world_id, parameters, parameters.get("name", ""), users, posts)
    return Outcome({"users_count": users, "posts_count": posts})
