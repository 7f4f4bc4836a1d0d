"""What the page of an exported world says: the page's own texts, in the world's language where there is a file of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent.parent / "web" / "texts"
_FALLBACK = "en"


def _english(n: int) -> str:
    return "one" if n == 1 else "other"


def _russian(n: int) -> str:
    if n % 10 == 1 and n % 100 != 11:
        return "one"
    return "few" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "many"


#: Plural categories of whole numbers, as browsers know them (CLDR).
PLURALS: Mapping[str, Callable[[int], str]] = {"en": _english, "ru": _russian}


class Texts:
    """The messages of one language; `language` is its tag."""

    def __init__(self, language: str) -> None:
        self.language = language if language in PLURALS else _FALLBACK
        self._messages = _messages(self.language)

    def __call__(self, name: str, /, **values: Any) -> str:
        """Return a message; of one with plural forms that of the number `n`."""
        found = self._messages[name]
        if isinstance(found, dict):
            found = found[PLURALS[self.language](values["n"])]
        text: str = found.format(**values)
        return text


@lru_cache(maxsize=len(PLURALS))
def _messages(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found
