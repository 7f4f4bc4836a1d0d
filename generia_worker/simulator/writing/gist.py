"""What a prompt is about: its language, its themes, and words of it that can be quoted without bending grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from generia_worker.simulator.lexicon import lexicon
from generia_worker.simulator.lexicon.types import Lexicon, Theme, Word
from generia_worker.simulator.writing.template import capital
from generia_worker.text import clip

_MAX_THEMES = 3
_OPENING = {
    "ru": re.compile(
        r"(?:(?:создай|создайте|сделай|сделайте|придумай|придумайте|хочу|нужен|нужна|сгенерируй|представь)\S*\s+)?"
        r"(?:(?:мне|пожалуйста|такой|такую|себе)\s+)*"
        r"(?:[\w-]+\s+){0,3}?(?:мир|мире|вселенн\w+|место|город\w*|деревн\w+|сел\w+|школ\w+|академи\w+|университет\w*"
        r"|планет\w+|остров\w*|королевств\w+|сеть|страна|страну|станци\w+),?\s+(?:где|в\s+котор(?:ом|ой)|на\s+котор(?:ом|ой))\s+(.+)",
        re.IGNORECASE | re.DOTALL,
    ),
    "en": re.compile(
        r"(?:(?:create|make|imagine|generate|build|i want|give me|please)\s+)*(?:me\s+)?(?:a|an|the)?\s*"
        r"(?:[\w-]+\s+){0,3}?(?:world|universe|place|city|town|village|school|academy|university|planet|island|kingdom"
        r"|network|country|station)\s*,?\s+(?:in which|where|on which)\s+(.+)",
        re.IGNORECASE | re.DOTALL,
    ),
}
_MATHS = re.compile(
    r"latex|\\\w+|\$|\bmath|формул|математ|теорем|уравнен|интеграл|equation|formula|theorem", re.IGNORECASE
)
_NOT_RUSSIAN = re.compile(r"[іїєґўјљњћђқғүұһәөң]", re.IGNORECASE)
_STOP = frozenset(
    """
    world where which that with from this their there about people everyone someone have into over under only
    make create want like every each they live lives very some most more than what when whose them were been
    being does please imagine universe town city village school academy planet island kingdom country social
    network small little story stories full after before between мир мире мира котором которой которые который
    где есть быть живут живёт очень чтобы этот этом если тоже только люди все всех они вселенная вселенной
    создай сделай придумай хочу между после перед когда каждый каждая каждое свой свои свою своих себя него неё
    них ними через потому соцсеть социальная сеть город города деревня школа академия планета остров страна
    назад вперёд вместо всегда никогда никто ничего вечно снова опять вдруг latex
    """.split()
)
#: Endings of Russian words that are no nominative, or no nouns.
_OBLIQUE = re.compile(
    r"(?:ого|его|ому|ему|ами|ями|ах|ях|ой|ей|ом|ем|ым|им|ых|их|ую|юю|ов|ев|ёв|ет|ёт|ют|ут|ит|ат|ят|ся|сь|ть|ал|ил|ла|ли|ло|ую|ое|ые|ый|ий|ая|яя)$"
)
#: Words that an English verb follows, together with it; and adjectives that a place is often given.
_NO_VERBS = re.compile(
    r"\b(?:everybody|everyone|who|that|which|it|he|she|they|people|can|will|must|to)\s+\w+|\b(?:quiet|tiny|huge|lost|strange)\b",
    re.IGNORECASE,
)
_LANGUAGES = (
    ("Ukrainian", r"[іїєґ]"),
    ("Kazakh", r"[қғұһәөң]"),
    ("Japanese", r"[\u3040-\u30ff]"),
    ("Korean", r"[\uac00-\ud7af]"),
    ("Chinese", r"[\u4e00-\u9fff]"),
    ("Arabic", r"[\u0600-\u06ff]"),
    ("Hebrew", r"[\u0590-\u05ff]"),
    ("Greek", r"[\u0370-\u03ff]"),
    ("Hindi", r"[\u0900-\u097f]"),
    ("Russian", r"[а-яё]"),
    ("German", r"\b(?:eine|der|die|das|und|wo|welt)\b"),
    ("French", r"\b(?:une|les|des|dans|où|monde)\b"),
    ("Spanish", r"\b(?:una|los|las|donde|mundo)\b"),
    ("Italian", r"\b(?:gli|dove|mondo|della)\b"),
    ("Portuguese", r"\b(?:onde|uma|dos)\b"),
    ("Polish", r"[ąęłśż]"),
)


@dataclass(frozen=True)
class Gist:
    """A prompt, understood as far as it goes."""

    #: `ru` or `en`: the language that is written.
    language: str
    #: The language of the prompt, as an English name.
    language_name: str
    prompt: str
    #: The first sentence, or as much of it as can be quoted.
    phrase: str
    #: What follows “a world where”, fit to stand inside a sentence; empty when the prompt is built otherwise.
    clause: str
    maths: bool
    themes: tuple[Theme, ...]

    @property
    def lexicon(self) -> Lexicon:
        """The vocabulary of the language."""
        return lexicon(self.language)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the themes."""
        return tuple(theme.key for theme in self.themes)


@lru_cache(maxsize=512)
def read_gist(prompt: str) -> Gist:
    """Understand a prompt."""
    language = _language(prompt)
    sentence = re.split(r"(?<=[.!?…])\s+|\n", prompt.strip(), maxsplit=1)[0].rstrip(" .!…;:,")
    sentence = " ".join(sentence.split())
    match = _OPENING[language].fullmatch(sentence)
    clause = clip(match[1].strip(), 160).rstrip("…").strip() if match else ""
    if clause and not clause.split()[0].isupper():
        clause = clause[0].lower() + clause[1:]
    if language == "en" and clause.startswith("i "):
        clause = "I" + clause[1:]
    maths = _MATHS.search(prompt) is not None
    return Gist(
        language=language,
        language_name=_language_name(prompt),
        prompt=prompt,
        phrase=clip(sentence, 140) or "…",
        clause=clause,
        maths=maths,
        themes=_themes(prompt, language, maths),
    )


def _language_name(prompt: str) -> str:
    return next(
        (name for name, pattern in _LANGUAGES if re.search(pattern, prompt, re.IGNORECASE)), "English"
    )


def _language(prompt: str) -> str:
    cyrillic = len(re.findall(r"[а-яё]", prompt, re.IGNORECASE))
    latin = len(re.findall(r"[a-z]", prompt, re.IGNORECASE))
    return "ru" if cyrillic > latin and not _NOT_RUSSIAN.search(prompt) else "en"


def _themes(prompt: str, language: str, maths: bool) -> tuple[Theme, ...]:
    """Return the themes by how often and how early the prompt names them; an unknown subject gets one of its own."""
    everywhere = lexicon(language).themes
    scores = []
    for theme in everywhere:
        found = [match.start() for match in theme.pattern.finditer(prompt)] if theme.stems else []
        if not found and maths and theme.key == "maths":
            found = [len(prompt)]
        if found:
            scores.append((-len(found), found[0], theme))
    chosen = [theme for _, _, theme in sorted(scores, key=lambda score: score[:2])][:_MAX_THEMES]
    if len(chosen) >= 2:
        return tuple(chosen)
    everyday = next(theme for theme in everywhere if theme.key == "everyday")
    own = _own_theme(prompt, language, everyday)
    return (*chosen, *filter(None, [own]), everyday)


def keywords(prompt: str, language: str) -> list[str]:
    """Return words of the prompt that can be quoted as names: nouns, as far as endings tell."""
    words = re.findall(r"[^\W\d_]{4,20}(?:-[^\W\d_]{3,20})?", _NO_VERBS.sub(" ", prompt))
    kept = [word for word in words if word.casefold() not in _STOP]
    if language == "en" and _language_name(prompt) == "English":
        # Only of plurals is it plain that they are nouns.
        kept = [
            word
            for word in kept
            if re.search(r"[^su]s$", word) and not re.search(r"(?:ings|wards|ways)$", word)
        ]
    if language == "ru":
        kept = [word for word in kept if not _OBLIQUE.search(word.casefold())]
    return list(dict.fromkeys(word.casefold() for word in kept))[-3:]


def _own_theme(prompt: str, language: str, everyday: Theme) -> Theme | None:
    """Return a theme made of the prompt's own words, which stand in names so that they need no inflection."""
    words = keywords(prompt, language)
    if not words:
        return None
    shapes = language if _language_name(prompt) in ("English", "Russian") else "foreign"
    return _OwnTheme(
        **{name: getattr(everyday, name) for name in Theme.__dataclass_fields__}
        | dict.fromkeys(("lore", "habits", "conflicts", "foods", "emoji"), "")
        | {"key": "own", "stems": "", "tags": "\n".join(word.replace("-", "") for word in words)},
        words=tuple(words),
        shapes=shapes,
    )


@dataclass(frozen=True)
class _OwnTheme(Theme):
    """The theme of a subject that the vocabulary does not know."""

    words: tuple[str, ...] = ()
    shapes: str = "en"

    @property
    def place_words(self) -> list[Word]:
        """Places named after words of the prompt."""
        return [_own_word(shape, word) for word in self.words for shape in _OWN_PLACES[self.shapes]]

    @property
    def thing_words(self) -> list[Word]:
        """Things named after words of the prompt."""
        return [_own_word(shape, word) for word in self.words for shape in _OWN_THINGS[self.shapes]]


def _own_word(shape: tuple[tuple[str, ...], tuple[str, ...], str], word: str) -> Word:
    names, forms, english = shape
    filled = [form.replace("*", word).replace("^", capital(word)) for form in forms]
    return Word(dict(zip(names, filled, strict=True)), english.replace("*", word))


_PLACE_FORMS, _THING_FORMS = ("nom", "where", "to"), ("nom", "acc", "gen")
_OWN_PLACES = {
    "ru": [
        (_PLACE_FORMS, ("кафе «^»", "в кафе «^»", "в кафе «^»"), "a small cozy cafe"),
        (_PLACE_FORMS, ("музей «^»", "в музее «^»", "в музей «^»"), "a quiet museum hall"),
        (_PLACE_FORMS, ("площадь «^»", "на площади «^»", "на площадь «^»"), "a sunny town square"),
    ],
    "en": [
        (
            _PLACE_FORMS,
            ("the museum of *", "in the museum of *", "to the museum of *"),
            "a quiet museum of *",
        ),
        (_PLACE_FORMS, ("the Café ^", "in the Café ^", "to the Café ^"), "a small cozy cafe"),
        (_PLACE_FORMS, ("^ Square", "on ^ Square", "to ^ Square"), "a sunny town square"),
    ],
}
_OWN_PLACES["foreign"] = _OWN_PLACES["en"][1:]
_OWN_THINGS = {
    "ru": [
        (
            _THING_FORMS,
            ("открытка с надписью «*»", "открытку с надписью «*»", "открытки с надписью «*»"),
            "a postcard",
        ),
        (_THING_FORMS, ("книга «^»", "книгу «^»", "книги «^»"), "an old book"),
        (_THING_FORMS, ("значок «^»", "значок «^»", "значка «^»"), "a round enamel pin"),
    ],
    "en": [
        (_THING_FORMS, ("postcard about *",) * 3, "a postcard about *"),
        (_THING_FORMS, ("song about *",) * 3, "a song about *"),
        (_THING_FORMS, ("unofficial guide to *",) * 3, "an old guide book about *"),
    ],
}
_OWN_THINGS["foreign"] = [
    (_THING_FORMS, ("postcard signed “^”",) * 3, "a postcard"),
    (_THING_FORMS, ("book called “^”",) * 3, "an old book"),
]
