"""The forms that the vocabulary takes. Tables are blocks of lines, with the columns of a line set apart by `|`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


def rows(block: str) -> list[tuple[str, ...]]:
    """Read a table: one row a line, columns between bars, blank lines skipped."""
    return [tuple(cell.strip() for cell in line.split("|")) for line in block.splitlines() if line.strip()]


def lines(block: str) -> list[str]:
    """Read a list: one entry a line, blank lines skipped."""
    return [line.strip() for line in block.splitlines() if line.strip()]


@dataclass(frozen=True)
class Word:
    """A noun in the forms that templates ask for, and in English for pictures."""

    forms: dict[str, str]
    english: str


@dataclass(frozen=True)
class Theme:
    """What a subject brings along: words, names, habits. Columns of the tables:

    places: what, where, where to, English; things and foods: nominative, accusative, genitive, English;
    roles: he, she, English; hobbies: nominative; surnames: his, hers; first_names: he, she (optional).
    """

    key: str
    #: Regular expressions for the beginnings of words that tell the theme.
    stems: str
    names: str
    places: str
    things: str
    foods: str
    roles: str
    hobbies: str
    tags: str
    emoji: str
    lore: str
    habits: str
    conflicts: str
    surnames: str = ""
    first_names: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a word of this theme."""
        return re.compile(rf"\b(?:{self.stems})", re.IGNORECASE)

    @cached_property
    def place_words(self) -> list[Word]:
        """The places."""
        return [
            Word(dict(zip(("nom", "where", "to"), row, strict=False)), row[-1]) for row in rows(self.places)
        ]

    @cached_property
    def thing_words(self) -> list[Word]:
        """The things."""
        return [
            Word(dict(zip(("nom", "acc", "gen"), row, strict=False)), row[-1]) for row in rows(self.things)
        ]

    @cached_property
    def food_words(self) -> list[Word]:
        """The food and drink."""
        return [
            Word(dict(zip(("nom", "acc", "gen"), row, strict=False)), row[-1]) for row in rows(self.foods)
        ]


@dataclass(frozen=True)
class Topic:
    """What a post can be about. `facts[0]` opens; the others stand in any order after it."""

    title: str
    tone: str
    facts: str
    #: Only in worlds of this theme; empty: everywhere.
    theme: str = ""


@dataclass(frozen=True)
class People:
    """Names and what makes people up. Bracketed pairs `[he|she]` take the speaker's gender."""

    first_names: str
    surnames: str
    epithets: str
    titles: str
    roles: str
    hobbies: str
    traits: str
    drives: str
    bios: str
    backgrounds: str
    personalities: str
    looks: str
    styles: str
    catchphrases: str
    secrets: str
    routines: str
    relations: str
    connections: str
    stories: str


@dataclass(frozen=True)
class Posts:
    """What posts are made of besides their topics."""

    topics: tuple[Topic, ...]
    shapes: dict[str, str]
    openers: str
    closers: str
    asides: str
    questions: str
    diary: str
    lists: str
    polls: str
    options: str
    opinions: str
    replies: str
    thanks: str
    reviews: str
    notices: str
    verses: str
    signatures: str
    formulas: str
    briefs: str
    relevances: str
    arcs: str
    growths: str
    schedules: str
    themes: str
    moods: str
    times: str
    tags: str
    general: str


@dataclass(frozen=True)
class Lexicon:
    """One language."""

    themes: tuple[Theme, ...]
    people: People
    posts: Posts
    #: Texts of the world's description, by property.
    world: dict[str, str]
