"""Writes what the text model is asked for: worlds, characters and posts in the prompt's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from generia_worker.simulator.reading import Brief
from generia_worker.simulator.schema import Filler
from generia_worker.simulator.writing.context import Context, Document
from generia_worker.simulator.writing.news import write_news
from generia_worker.simulator.writing.people import write_cast, write_character
from generia_worker.simulator.writing.posts import write_plan, write_post
from generia_worker.simulator.writing.talk import write_answers, write_reactions, write_reply
from generia_worker.simulator.writing.world import write_images, write_world

_WRITERS: dict[str, Callable[[Context], Document]] = {
    "world_description": write_world,
    "world_image_prompts": write_images,
    "cast": write_cast,
    "character": write_character,
    "post_plan": write_plan,
    "post": write_post,
    "reactions": write_reactions,
    "answers": write_answers,
    "reply": write_reply,
    "day_news": write_news,
}


def write(brief: Brief, salt: Any = "") -> Document:
    """Return the document that the brief asks for, with every property of its schema.

    The same brief, seed and salt give the same document.
    """
    context = Context(brief, salt)
    writer = _WRITERS.get(brief.kind)
    document = writer(context) if writer else {}
    if brief.schema is None:
        return document
    return dict(Filler(brief.schema, context.phrases(), context.rng("fill")).fit(document))


def write_prose(brief: Brief, salt: Any = "") -> str:
    """Return a few sentences on the prompt, for requests that want no document."""
    return " ".join(Context(brief, salt).phrases())
