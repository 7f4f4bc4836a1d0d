"""The tables of a vocabulary. A file that lacks one, or has one too many, or a row of another shape is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationInfo, field_validator, model_validator

Creature = Literal["cat", "dog", "fox", "rabbit", "bear", "robot", "owl", "mouse"]
Shape = Literal[
    "story", "short", "diary", "list", "dialogue", "poll", "opinion", "thanks", "review", "notice", "verse", "log"
]  # fmt: skip

#: The words that templates may ask for, and the table of [columns] that names their forms; None: it has no forms.
_SLOTS: dict[str, str | None] = (
    dict.fromkeys(("place", "place1", "place2", "place3"), "places")
    | dict.fromkeys(("thing", "food"), "things")
    | dict.fromkeys(("world", "phrase", "clause", "hobby", "conflict", "n", "other", "name", "short"))
    | dict.fromkeys(("topic", "said", "role", "catch", "trait1", "trait2", "trait3"))
)
_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Word:
    """A noun in the forms that templates ask for, and in English for pictures."""

    forms: dict[str, str]
    english: str


class Gendered(NamedTuple):
    """A word for him and for her."""

    he: str
    she: str

    def of(self, feminine: bool) -> str:
        """Return the word in one gender."""
        return self.she if feminine else self.he


class Role(NamedTuple):
    """An occupation, for him and for her, and in English for pictures."""

    he: str
    she: str
    english: str

    def of(self, feminine: bool) -> str:
        """Return the occupation in one gender."""
        return self.she if feminine else self.he


class Tie(NamedTuple):
    """What connects two people."""

    kind: str
    text: str


class Story(NamedTuple):
    """A story that several people share."""

    title: str
    text: str
    genre: str


class Translated(NamedTuple):
    """A text, and what pictures make of it."""

    text: str
    english: str


Row = TypeVar("Row", bound=tuple[Any, ...])


def _lines(value: object) -> list[str]:
    """Read a list: one entry a line, blank lines skipped."""
    if not isinstance(value, str):
        message = "must be a text with one entry a line"
        raise ValueError(message)
    found = [line.strip() for line in value.splitlines() if line.strip()]
    if not found:
        message = "is empty"
        raise ValueError(message)
    return found


def _cells(value: object, columns: tuple[str, ...]) -> list[list[str]]:
    """Read a table: one row a line, columns between bars."""
    table = []
    for number, line in enumerate(_lines(value), start=1):
        row = [cell.strip() for cell in line.split("|")]
        where = f"row {number} ({line[:40]})"
        if len(row) != len(columns):
            message = f"{where} has {len(row)} columns in place of {len(columns)}: {' | '.join(columns)}"
            raise ValueError(message)
        for column, cell in zip(columns, row, strict=True):
            if not cell or (column == "english" and not cell.isascii()):
                message = f"{where}: column {column} {'is not English' if cell else 'is empty'}"
                raise ValueError(message)
        table.append(row)
    return table


def _columns(info: ValidationInfo, table: str) -> tuple[str, ...]:
    columns: dict[str, tuple[str, ...]] = info.context or {}
    return columns[table]


def _rows(row: type[Row]) -> Callable[[object], tuple[Row, ...]]:
    columns = tuple(row.__annotations__)
    return lambda value: tuple(row(*cells) for cells in _cells(value, columns))


def _words(table: str) -> Callable[[object, ValidationInfo], tuple[Word, ...]]:
    def read(value: object, info: ValidationInfo) -> tuple[Word, ...]:
        columns = _columns(info, table)
        return tuple(
            Word(dict(zip(columns[:-1], cells, strict=False)), cells[-1]) for cells in _cells(value, columns)
        )

    return read


def _people(table: str) -> Callable[[object, ValidationInfo], tuple[Gendered, ...]]:
    """Read words that some languages have in two genders and others in one for both."""

    def read(value: object, info: ValidationInfo) -> tuple[Gendered, ...]:
        return tuple(Gendered(row[0], row[-1]) for row in _cells(value, _columns(info, table)))

    return read


def _checked(template: str, info: ValidationInfo) -> str:
    """Return a template that asks only for words, and for forms of them, that there are."""
    for slot, form in _SLOT.findall(template):
        if slot.lower() not in _SLOTS:
            message = f"{{{slot}}} in “{template[:60]}” is not among {', '.join(_SLOTS)}"
            raise ValueError(message)
        table = _SLOTS[slot.lower()]
        if form and (table is None or form not in _columns(info, table)[:-1]):
            message = f"{{{slot}.{form}}} in “{template[:60]}” asks for a form that is no column"
            raise ValueError(message)
    return template


def _templates(value: object, info: ValidationInfo) -> tuple[str, ...]:
    return tuple(_checked(line, info) for line in _lines(value))


def _verses(value: object, info: ValidationInfo) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        message = "must be a list of texts"
        raise ValueError(message)
    return tuple(_checked("\n".join(_lines(verse)), info) for verse in value)


def _pattern(value: object) -> re.Pattern[str]:
    try:
        return re.compile("".join(_lines(value)), re.IGNORECASE)
    except re.error as error:
        message = f"is no regular expression: {error}"
        raise ValueError(message) from error


def _stems(value: object) -> re.Pattern[str]:
    return _pattern(rf"\b(?:{''.join(_lines(value))})")


def _letters(value: object) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in " ".join(_lines(value)).split()]
    return {letter: latin for letter, _, latin in pairs}


Lines = Annotated[tuple[str, ...], PlainValidator(lambda value: tuple(_lines(value)))]
Blanks = Annotated[tuple[str, ...], PlainValidator(lambda value: tuple(" ".join(_lines(value)).split()))]
Templates = Annotated[tuple[str, ...], PlainValidator(_templates)]
Verses = Annotated[tuple[str, ...], PlainValidator(_verses)]
Pattern = Annotated[re.Pattern[str], PlainValidator(_pattern)]
#: The beginnings of words.
Stems = Annotated[re.Pattern[str], PlainValidator(_stems)]
Letters = Annotated[dict[str, str], PlainValidator(_letters)]
Places = Annotated[tuple[Word, ...], PlainValidator(_words("places"))]
Things = Annotated[tuple[Word, ...], PlainValidator(_words("things"))]
Surnames = Annotated[tuple[Gendered, ...], PlainValidator(_people("surnames"))]
Traits = Annotated[tuple[Gendered, ...], PlainValidator(_people("traits"))]
GenderedRows = Annotated[tuple[Gendered, ...], PlainValidator(_rows(Gendered))]
Roles = Annotated[tuple[Role, ...], PlainValidator(_rows(Role))]
Ties = Annotated[tuple[Tie, ...], PlainValidator(_rows(Tie))]
Stories = Annotated[tuple[Story, ...], PlainValidator(_rows(Story))]
TranslatedRows = Annotated[tuple[Translated, ...], PlainValidator(_rows(Translated))]


class Table(BaseModel):
    """Tables that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Prompt(Table):
    """How prompts in the language are told and read."""

    #: A letter of its alphabet: the language with most letters in a prompt is the prompt's.
    letters: Pattern
    #: What no prompt in the language holds, such as letters of its neighbours.
    excluded: Pattern | None = None
    #: What tells it from a language with the same letters.
    telling: Pattern | None = None
    #: A sentence that says what a world rests on, which is quoted from the first group on.
    opening: Pattern
    #: Words that say nothing about the subject.
    stop_words: Blanks
    #: What is cut out of a prompt before words are looked for that can be quoted as names.
    unquotable: Pattern | None = None
    #: What such words look like, and what they do not look like.
    quotable_word: Pattern | None = None
    unquotable_word: Pattern | None = None
    #: Words with a capital wherever they stand.
    capitalised: Blanks = ()
    maths: Stems
    underwater: Stems


class Names(Table):
    """What can be told from names, and made of them."""

    #: How unknown names of women end; without it they are taken for men's.
    feminine: Pattern | None = None
    #: Parts of names that handles leave out, in Latin letters.
    skipped: Blanks = ()
    #: Letters in Latin ones, for handles.
    latin: Letters = {}


class OwnWords(Table):
    """What is named after a word of the prompt when its subject is unknown: `{word}`, or `{Word}`."""

    places: Places
    things: Things


class Theme(Table):
    """What a subject brings along: words, names, habits."""

    key: str
    #: What tells the theme; only `everyday`, which suits every world, has none.
    stems: Stems | None = None
    names: Lines
    places: Places
    things: Things
    foods: Things
    roles: Roles = ()
    hobbies: Lines = ()
    tags: Lines
    emoji: Blanks
    lore: Lines
    habits: Lines
    conflicts: Lines
    surnames: Surnames = ()
    first_names: GenderedRows = ()


class Topic(Table):
    """What a post can be about. `facts[0]` opens; the others stand in any order after it."""

    title: str
    tone: str
    #: Only in worlds of this theme; empty: everywhere.
    theme: str = ""
    facts: Templates

    @field_validator("title")
    @classmethod
    def _title(cls, title: str, info: ValidationInfo) -> str:
        return _checked(title, info)

    @field_validator("facts")
    @classmethod
    def _five(cls, facts: tuple[str, ...]) -> tuple[str, ...]:
        if len(facts) != 5:
            message = f"holds {len(facts)} lines in place of 5"
            raise ValueError(message)
        return facts


class World(Table):
    """Texts of the world's description. `…_clause` quotes what the world rests on, `…_phrase` the prompt itself."""

    opening_clause: Templates
    opening_phrase: Templates
    opening_named: Templates
    geography: Templates
    people: Templates
    hook: Templates
    short_clause: Templates
    short_phrase: Templates
    premises_clause: Templates
    premises_phrase: Templates
    theme: Templates
    technology: Templates
    society: Templates
    culture: Templates
    history: Templates
    activities: Templates
    tales: Templates
    climate: Templates
    resources: Templates
    traditions: Templates
    magic: Templates
    period: Templates
    tongue: Templates
    custom: Templates
    styles: TranslatedRows
    moods: Lines
    interpretation: Templates
    interpretation_phrase: Templates
    cast_summary: Lines


class People(Table):
    """Names and what makes people up. Bracketed pairs `[he|she]` take the speaker's gender."""

    first_names: GenderedRows
    surnames: Surnames
    epithets: Lines
    titles: GenderedRows
    roles: Roles
    hobbies: Lines
    traits: Traits
    drives: Templates
    bios: Templates
    backgrounds: Templates
    personalities: Templates
    looks: Templates
    styles: Templates
    catchphrases: Lines
    secrets: Templates
    routines: Templates
    relations: Ties
    connections: Ties
    stories: Stories


class Posts(Table):
    """What posts are made of besides their topics."""

    shapes: dict[Shape, str]
    openers: Templates
    closers: Templates
    asides: Templates
    questions: Templates
    diary: Templates
    lists: Templates
    polls: Templates
    options: Templates
    opinions: Templates
    replies: Templates
    thanks: Templates
    reviews: Templates
    notices: Templates
    verses: Verses
    signatures: Templates
    formulas: Lines
    briefs: Templates
    relevances: Templates
    arcs: Templates
    growths: Templates
    schedules: Lines
    themes: Templates
    moods: Lines
    times: TranslatedRows
    tags: Lines
    general: Templates

    @field_validator("shapes")
    @classmethod
    def _all_shapes(cls, shapes: dict[Shape, str]) -> dict[Shape, str]:
        if missing := set(get_args(Shape)) - set(shapes):
            message = f"has no name for {', '.join(sorted(missing))}"
            raise ValueError(message)
        return shapes


class Talk(Table):
    """What people say of each other's posts: of the post itself, by what its author is to them, and in answer to that; and
    what they reply to a guest, who said or asked something."""

    comments: Templates
    ties: Ties
    answers: Templates
    replies: Templates
    replies_to_questions: Templates


class Vocabulary(Table):
    """One language."""

    #: In English.
    name: str
    prompt: Prompt
    names: Names = Names()
    own: OwnWords
    #: The same for prompts in other languages that are answered in this one: their words take none of its endings.
    foreign: OwnWords | None = None
    #: Words for creatures, and for what else pictures can show, by what pictures call it.
    creatures: dict[Creature, Stems]
    subjects: dict[str, Stems]
    world: World
    people: People
    posts: Posts
    talk: Talk
    topics: tuple[Topic, ...]
    themes: tuple[Theme, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Vocabulary:
        keys, titles = [theme.key for theme in self.themes], [topic.title for topic in self.topics]
        problems = [f"theme {key} is there twice" for key in keys if keys.count(key) > 1]
        problems += [f"topic “{title}” is there twice" for title in titles if titles.count(title) > 1]
        problems += [
            f"no theme is called {topic.theme}" for topic in self.topics if topic.theme not in ("", *keys)
        ]
        wordless = {tie.kind for tie in self.people.relations} - {tie.kind for tie in self.talk.ties}
        problems += [
            f"talk.ties says nothing to “{kind}”, which is a kind of relation" for kind in sorted(wordless)
        ]
        if [theme.key for theme in self.themes if theme.stems is None] != ["everyday"]:
            problems.append("there must be one theme without stems, called everyday")
        if not any(topic.theme == "" for topic in self.topics):
            problems.append("there must be topics without a theme")
        if problems:
            raise ValueError("; ".join(dict.fromkeys(problems)))
        return self

    @cached_property
    def everyday(self) -> Theme:
        """The theme that suits every world."""
        return next(theme for theme in self.themes if theme.stems is None)
