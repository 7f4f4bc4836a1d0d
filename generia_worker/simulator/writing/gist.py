"""What a prompt is about: its language, its themes, and words of it that can be quoted without bending grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from generia_worker.simulator.vocabulary import FALLBACK, vocabularies
from generia_worker.simulator.vocabulary.types import Theme, Vocabulary, Word
from generia_worker.simulator.writing.template import capital, fill
from generia_worker.text import clip

_MAX_THEMES = 3
_LATEX = re.compile(r"latex|\\\w+|\$", re.IGNORECASE)
#: Languages by their letters or small words: prompts in those that are not written are told apart by name.
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

    #: The language that is written.
    vocabulary: Vocabulary
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
    def keys(self) -> tuple[str, ...]:
        """The keys of the themes."""
        return tuple(theme.key for theme in self.themes)


@lru_cache(maxsize=512)
def read_gist(prompt: str) -> Gist:
    """Understand a prompt."""
    known = _vocabulary_for(prompt)
    name = _language_name(prompt, known)
    sentence = re.split(r"(?<=[.!?…])\s+|\n", prompt.strip(), maxsplit=1)[0].rstrip(" .!…;:,")
    sentence = " ".join(sentence.split())
    maths = _LATEX.search(prompt) or any(v.prompt.maths.search(prompt) for v in vocabularies().values())
    return Gist(
        vocabulary=known,
        language_name=name,
        prompt=prompt,
        phrase=clip(sentence, 140) or "…",
        clause=_clause(sentence, known),
        maths=bool(maths),
        themes=_themes(prompt, known, name, bool(maths)),
    )


def _clause(sentence: str, known: Vocabulary) -> str:
    match = known.prompt.opening.fullmatch(sentence)
    clause = clip(match[1].strip(), 160).rstrip("…").strip() if match else ""
    if not clause:
        return ""
    first = clause.split()[0]
    if first.upper() in known.prompt.capitalised:
        return capital(clause)
    return clause if first.isupper() else clause[0].lower() + clause[1:]


def _vocabulary_for(prompt: str) -> Vocabulary:
    """Return the language with most letters in the prompt; small words decide between those with the same letters."""

    def score(known: Vocabulary) -> tuple[int, bool]:
        return len(known.prompt.letters.findall(prompt)), known.prompt.telling is not None

    fallback, *others = vocabularies().values()
    return max([fallback, *(known for known in others if _fits(prompt, known))], key=score)


def _fits(prompt: str, known: Vocabulary) -> bool:
    excluded, telling = known.prompt.excluded, known.prompt.telling
    return not (excluded and excluded.search(prompt)) and (telling is None or bool(telling.search(prompt)))


def _language_name(prompt: str, known: Vocabulary) -> str:
    """Return the name of the prompt's language, which need not be one that is written."""
    if known is not vocabularies()[FALLBACK]:
        return known.name
    return next(
        (name for name, pattern in _LANGUAGES if re.search(pattern, prompt, re.IGNORECASE)), known.name
    )


def _themes(prompt: str, known: Vocabulary, language_name: str, maths: bool) -> tuple[Theme, ...]:
    """Return the themes by how often and how early the prompt names them; an unknown subject gets one of its own."""
    scores = []
    for theme in known.themes:
        found = [match.start() for match in theme.stems.finditer(prompt)] if theme.stems else []
        if not found and maths and theme.key == "maths":
            found = [len(prompt)]
        if found:
            scores.append((-len(found), found[0], theme))
    chosen = [theme for _, _, theme in sorted(scores, key=lambda score: score[:2])][:_MAX_THEMES]
    if len(chosen) >= 2:
        return tuple(chosen)
    own = _own_theme(prompt, known, language_name)
    return (*chosen, *filter(None, [own]), known.everyday)


def keywords(prompt: str, known: Vocabulary, language_name: str) -> list[str]:
    """Return words of the prompt that can be quoted as names: nouns, as far as endings tell."""
    every = [each.prompt for each in vocabularies().values()]
    stop_words = {word for each in every for word in each.stop_words}
    for pattern in filter(None, (each.unquotable for each in every)):
        prompt = pattern.sub(" ", prompt)
    words = re.findall(r"[^\W\d_]{4,20}(?:-[^\W\d_]{3,20})?", prompt)
    kept = [word.casefold() for word in words if word.casefold() not in stop_words]
    if language_name == known.name:
        yes, no = known.prompt.quotable_word, known.prompt.unquotable_word
        kept = [word for word in kept if not (yes and not yes.search(word)) and not (no and no.search(word))]
    return list(dict.fromkeys(kept))[-3:]


def _own_theme(prompt: str, known: Vocabulary, language_name: str) -> Theme | None:
    """Return a theme made of the prompt's own words, which stand in names so that they need no inflection."""
    words = keywords(prompt, known, language_name)
    if not words:
        return None
    is_written = language_name in {each.name for each in vocabularies().values()}
    own = known.own if is_written else known.foreign or known.own
    return known.everyday.model_copy(
        update={
            **dict.fromkeys(("lore", "habits", "conflicts", "foods", "emoji"), ()),
            "key": "own",
            "tags": tuple(word.replace("-", "") for word in words),
            "places": tuple(_named_after(word, place) for word in words for place in own.places),
            "things": tuple(_named_after(word, thing) for word in words for thing in own.things),
        }
    )


def _named_after(word: str, shape: Word) -> Word:
    forms = {form: fill(text, {"word": word}) for form, text in shape.forms.items()}
    return Word(forms, fill(shape.english, {"word": word}))
