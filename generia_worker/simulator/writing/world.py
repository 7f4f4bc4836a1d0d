"""Writes a world's description and the prompts of its pictures."""

from __future__ import annotations

from generia_worker.simulator.vocabulary import vocabularies
from generia_worker.simulator.writing.context import Context, Document
from generia_worker.simulator.writing.visuals import EMBLEMS, LANDSCAPES, colours_of, subjects_of


def write_world(context: Context) -> Document:
    """Return a `world_description`."""
    rng = context.rng("world")
    slots = context.slots(rng)
    texts, has_clause = context.vocabulary.world, bool(context.gist.clause)

    def say(templates: tuple[str, ...]) -> str:
        return context.fill(rng.choice(templates), slots)

    lore = [line for theme in context.gist.themes for line in theme.lore]
    habits = [line for theme in context.gist.themes for line in theme.habits]
    conflicts = [line for theme in context.gist.themes for line in theme.conflicts]
    customs = " ".join(rng.sample(lore, min(3, len(lore))))
    named = context.world_name().casefold() == context.gist.phrase.casefold()
    opening = texts.opening_clause if has_clause else texts.opening_phrase
    paragraphs = [
        say(texts.opening_named if named else opening),
        customs,
        say(texts.geography),
        say(texts.people),
        say(texts.hook),
    ]
    return {
        "name": context.world_name(),
        "user_preferences": {
            "language": context.gist.language_name,
            "other_preferences": _preferences(context),
        },
        "description_short": say(texts.short_clause if has_clause else texts.short_phrase),
        "description": "\n\n".join(paragraphs),
        "theme": say(texts.theme),
        "technology_level": say(texts.technology),
        "social_structure": say(texts.society),
        "culture": say(texts.culture),
        "geography": say(texts.geography),
        "visual_style": context.style().text,
        "history": say(texts.history),
        "common_activities": rng.sample(habits, min(4, len(habits)))
        + [context.fill(line, slots) for line in texts.activities],
        "typical_stories": [context.fill(line, slots) for line in texts.tales],
        "additional_details": {
            "climate": say(texts.climate),
            "resources": say(texts.resources),
            "conflicts": " ".join(conflicts),
            "traditions": say(texts.traditions),
            "technology": say(texts.technology),
            "magic_system": say(texts.magic),
            "time_period": say(texts.period),
            "language": say(texts.tongue),
            "custom_details": [context.fill(line, slots) for line in texts.custom],
        },
    }


def _preferences(context: Context) -> list[str]:
    return ["LaTeX: $\\text{formula}$"] if context.gist.maths else []


def write_images(context: Context) -> Document:
    """Return the `world_image_prompts`, in English."""
    rng = context.rng("world images")
    style = context.style().english
    keys = context.gist.keys
    places = [word.english for word in rng.sample(context.places(), min(3, len(context.places())))]
    if any(language.prompt.underwater.search(context.gist.prompt) for language in vocabularies().values()):
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
        "mood": rng.choice(context.vocabulary.world.moods),
        "color_palette": colours_of(style),
    }
