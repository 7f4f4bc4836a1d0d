"""Finds words in prompts. Only whole words count, in singular and plural: a golden hour is not gold, a train no rain.

Words are given as alternatives of a regular expression, as in `river|riverside|canal`; where any ending will do, `\\w*`
says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

T = TypeVar("T")

RAIN = r"rain|rainy|raining|rainfall|rainstorm"
SNOW = r"snow\w*"
STARS = r"stars?|starry"


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})(?:e?s)?\b", re.IGNORECASE)


def says(text: str, words: str) -> bool:
    """True when the text holds one of the words."""
    return _pattern(words).search(text) is not None


def count(text: str, words: str) -> int:
    """Return how often the text holds one of the words."""
    return len(_pattern(words).findall(text))


def first_said(text: str, table: Iterable[tuple[str, T]]) -> T | None:
    """Return what belongs to the words that come first in the text; on a tie, to those first in the table."""
    found = [
        (match.start(), index, value)
        for index, (words, value) in enumerate(table)
        if (match := _pattern(words).search(text))
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None
