"""Text that comes from a model or a person: bounded, cleaned of what cannot be stored, otherwise kept as it is. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

#: What cannot be stored or shown: Unicode's control characters (Cc) but for line ends and tabs, and surrogates (Cs).
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Drop control characters and lone surrogates, normalise line ends; letters, LaTeX and emoji stay as they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text).strip()


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


def has_meaning(text: str) -> bool:
    """True when the text has a letter, a digit or a symbol in it (not only spaces and marks)."""
    return any(unicodedata.category(char)[0] in "LNS" for char in text)


#: A word or a name.
Label = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)]
#: A sentence or a paragraph.
Passage = Annotated[str, StringConstraints(max_length=4000), AfterValidator(clean)]
#: As much as one answer may hold in one field.
Story = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(clean)]
