"""The simulator's vocabulary, as data: themes, people and topics in Russian and in English."""

from __future__ import annotations

from functools import cache

from generia_worker.simulator.lexicon import (
    en_people,
    en_posts,
    en_themes,
    en_world,
    ru_people,
    ru_posts,
    ru_themes,
    ru_world,
)
from generia_worker.simulator.lexicon.types import Lexicon


@cache
def lexicon(language: str) -> Lexicon:
    """Return the vocabulary of a language, `ru` or `en`."""
    if language == "ru":
        return Lexicon(ru_themes.THEMES, ru_people.PEOPLE, ru_posts.POSTS, ru_world.WORLD)
    return Lexicon(en_themes.THEMES, en_people.PEOPLE, en_posts.POSTS, en_world.WORLD)
