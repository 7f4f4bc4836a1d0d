"""Writes a world's description and the prompts of its pictures."""

from __future__ import annotations

import re

from generia_worker.simulator.lexicon.types import lines
from generia_worker.simulator.writing.context import Context, Document
from generia_worker.simulator.writing.visuals import EMBLEMS, LANDSCAPES, colours_of, subjects_of


def write_world(context: Context) -> Document:
    """Return a `world_description`."""
    rng = context.rng("world")
    slots = context.slots(rng)
    texts = context.lexicon.world
    form = "clause" if context.gist.clause else "phrase"

    def say(name: str) -> str:
        return context.fill(context.line(texts[name], rng), slots)

    lore = [line for theme in context.gist.themes for line in lines(theme.lore)]
    habits = [line for theme in context.gist.themes for line in lines(theme.habits)]
    conflicts = [line for theme in context.gist.themes for line in lines(theme.conflicts)]
    customs = " ".join(rng.sample(lore, min(3, len(lore))))
    named = context.world_name().casefold() == context.gist.phrase.casefold()
    opening = say("opening_named" if named else f"opening_{form}")
    paragraphs = [opening, customs, say("geography"), say("people"), say("hook")]
    return {
        "name": context.world_name(),
        "user_preferences": {
            "language": context.gist.language_name,
            "other_preferences": _preferences(context),
        },
        "description_short": say(f"short_{form}"),
        "description": "\n\n".join(paragraphs),
        "theme": say("theme"),
        "technology_level": say("technology"),
        "social_structure": say("society"),
        "culture": say("culture"),
        "geography": say("geography"),
        "visual_style": context.style()[0],
        "history": say("history"),
        "common_activities": rng.sample(habits, min(4, len(habits)))
        + [context.fill(line, slots) for line in lines(texts["activities"])],
        "typical_stories": [context.fill(line, slots) for line in lines(texts["tales"])],
        "additional_details": {
            "climate": say("climate"),
            "resources": say("resources"),
            "conflicts": " ".join(conflicts),
            "traditions": say("traditions"),
            "technology": say("technology"),
            "magic_system": say("magic"),
            "time_period": say("period"),
            "language": say("tongue"),
            "custom_details": [context.fill(line, slots) for line in lines(texts["custom"])],
        },
    }


def _preferences(context: Context) -> list[str]:
    return ["LaTeX: $\\text{formula}$"] if context.gist.maths else []


def write_images(context: Context) -> Document:
    """Return the `world_image_prompts`, in English."""
    rng = context.rng("world images")
    style = context.style()[1]
    keys = context.gist.keys
    places = [word.english for word in rng.sample(context.places(), min(3, len(context.places())))]
    if re.search("подводн|underwater", context.gist.prompt, re.IGNORECASE):
        keys = ("underwater",)
    landscape = next((LANDSCAPES[key] for key in keys if key in LANDSCAPES), LANDSCAPES["everyday"])
    emblem = next((EMBLEMS[key] for key in keys if key in EMBLEMS), EMBLEMS["everyday"])
    subjects = subjects_of(context.gist.prompt)
    view = rng.choice(landscape) + (f" with {', '.join(subjects[:4])}" if subjects else "")
    return {
        "header_prompt": f"A wide landscape: {view}, {places[0]} in the distance, {style}, no text",
        "icon_prompt": f"A simple round emblem, centred: {rng.choice(emblem)}, {style}, no text",
        "style_reference": style,
        "visual_elements": [*subjects, *places],
        "mood": context.line(context.lexicon.world["moods"], rng),
        "color_palette": colours_of(style),
    }
