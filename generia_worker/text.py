"""Text of others: of a model, a person, a provider, a server. Bounded, cleaned of what cannot be stored, and without the
secrets of this process, otherwise kept as it is.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote as percent_encoded

from pydantic import AfterValidator, StringConstraints

#: What changes how the text around it is shown, as it stands between the brackets of a pattern: Unicode's control
#: characters (Cc) but for line ends and tabs, with which a terminal is told what to do, and those that turn the direction of
#: writing (Bidi_Control).
CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
#: The same for what stands in one line.
CONTROLS_IN_LINE = rf"\t\n\r{CONTROLS}"
#: What cannot be stored or shown: those, and surrogates (Cs).
_UNWANTED = re.compile(rf"[\r{CONTROLS}\ud800-\udfff]")
_REFUSED, _REFUSED_IN_LINE = re.compile(f"[{CONTROLS}]"), re.compile(f"[{CONTROLS_IN_LINE}]")

#: The most characters of a world's name: services store no longer ones.
NAME_MAX = 100
#: The most words by which one text is found, and the most characters of one that count.
WORDS_MAX, _WORD_MAX = 400, 32
_WORD = re.compile(r"\w+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Drop control characters and lone surrogates, normalise line ends; letters, LaTeX and emoji stay as they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text).strip()


def check_plain(text: str, *, one_line: bool = False) -> str:
    """Return what a person typed as it is. Raises ValueError when it holds control characters; line ends and tabs are none,
    unless the text is to be `one_line`.
    """
    found = (_REFUSED_IN_LINE if one_line else _REFUSED).search(text)
    if found:
        message = f"must not hold control characters (U+{ord(found[0]):04X} at {found.start() + 1}): send plain text"
        raise ValueError(message)
    return text


def printable(text: str) -> str:
    """Return a text as it may be printed to a terminal or a log: what would command it stands there as JSON escapes it.

    >>> printable("a\x1b[2Jb")
    'a\\u001b[2Jb'
    """
    text = text.replace("\r\n", "\n")
    return _UNWANTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def storable(value: Any) -> Any:
    """Return JSON data without what no database takes, in all of its texts: NUL, and halves of characters.

    >>> storable({"a": ["b\\x00", "c\\ud83d"]})
    {'a': ['b', 'c']}
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


def clip(text: str, limit: int) -> str:
    """Shorten to at most `limit` characters, at a word's end where there is one, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:") + "…"


def provisional_name(prompt: str) -> str:
    """Return the name of a world until it is described: the beginning of its prompt."""
    return clip(" ".join(prompt.split()), NAME_MAX)


def has_meaning(text: str) -> bool:
    """True when the text has a letter, a digit or a symbol in it (not only spaces and marks)."""
    return any(unicodedata.category(char)[0] in "LNS" for char in text)


def words_of(*texts: str, most: int = WORDS_MAX) -> list[str]:
    """Return the first `most` different words of some texts, normalised and in no case: by them a text is found.

    >>> words_of("Seven Lanterns", "seven seas")
    ['seven', 'lanterns', 'seas']
    """
    found: dict[str, None] = {}
    for text in texts:
        for word in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
            found[word[0][:_WORD_MAX]] = None
            if len(found) == most:
                return list(found)
    return list(found)


#: A word or a name.
Label = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)]
#: A sentence or a paragraph.
Passage = Annotated[str, StringConstraints(max_length=4000), AfterValidator(clean)]
#: As much as one answer may hold in one field.
Story = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(clean)]


# --- secrets -----------------------------------------------------------------------------------------------------
# Providers repeat the key that they refuse, servers the address that they were given. No pattern knows all such texts; the
# values are known: `conceal` is told them when the settings are read.

#: What stands in place of a secret.
MASK = "[redacted]"
#: What is shorter is a placeholder ("none", "x") for servers that want any key.
_SHORTEST = 6
#: In what a model writes only longer ones are looked for: a password that is a word would be missing in the text, and that
#: it is missing would tell it.
_SHORTEST_IN_ANSWERS = 16

_USER_INFO = re.compile(r"//[^/?#]*@")

_lock = threading.Lock()
#: Longest first: one may be a part of another.
_concealed: tuple[str, ...] = ()


def conceal(secrets: Iterable[str]) -> None:
    """Let these values be taken out of every text from now on, as they are and as they stand in an address."""
    global _concealed
    found = [secret for secret in secrets if len(secret) >= _SHORTEST]
    with _lock:
        known = {*_concealed, *found, *(percent_encoded(secret, safe="") for secret in found)}
        _concealed = tuple(sorted(known, key=len, reverse=True))


def redact(text: str) -> str:
    """Return a text without the secrets that are known."""
    return _without(text, _SHORTEST)


def redact_json(value: Any) -> Any:
    """Return the JSON data that a provider answered without the secrets that it may have repeated."""
    if isinstance(value, str):
        return _without(value, _SHORTEST_IN_ANSWERS)
    if isinstance(value, dict):
        return {redact_json(key): redact_json(item) for key, item in value.items()}
    return [redact_json(item) for item in value] if isinstance(value, list) else value


def quote(text: str, limit: int) -> str:
    """Return what another program said as it may stand in a message of ours: in one line, without secrets or control
    characters, at most `limit` characters.

    Nothing is cut before the secrets are out: the half of one would not be known any more.
    """
    return clip(" ".join(redact(clean(text)).split()), limit)


def without_user_info(address: str) -> str:
    """Return an address as it may be shown: without the user and the password that may stand in it.

    >>> without_user_info("https://me:secret@models.example.org/v1")
    'https://models.example.org/v1'
    """
    return _USER_INFO.sub("//", address)


def _without(text: str, shortest: int) -> str:
    for secret in _concealed:
        if len(secret) >= shortest and secret in text:
            text = text.replace(secret, MASK)
    return text
