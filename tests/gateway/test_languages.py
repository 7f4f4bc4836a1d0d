"""The language of a world, as pages name it."""

from __future__ import annotations

from typing import Any

import pytest

from generia_worker.gateway.languages import tag_of


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("Russian", "ru"),
        ("english", "en"),
        ("Brazilian Portuguese", "pt"),
        ("pt-BR", "pt"),
        ("Russian with formulas in LaTeX", "ru"),
        ("ru", "ru"),
        ("Elvish", ""),
        ('"><script>', ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_language_that_a_description_names(said: Any, tag: str) -> None:
    assert tag_of({"user_preferences": {"language": said}}, "Hello there") == tag


@pytest.mark.parametrize("params", [None, {}, {"user_preferences": "Russian"}, {"user_preferences": {}}])
def test_what_is_not_there_is_read_from_the_letters(params: Any) -> None:
    assert tag_of(params, "Город", "математиков $x$") == "ru"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Місто, де всі пишуть", "uk"),
        ("Μια πόλη", "el"),
        ("山の小さな町", "ja"),
        ("山中小城", "zh"),
        ("작은 도시", "ko"),
        ("עיר קטנה", "he"),
        ("A small town", ""),
        ("Ein kleines Dorf", ""),
        ("1 + 1 = 2 🎈", ""),
        ("", ""),
    ],
)
def test_letters(text: str, tag: str) -> None:
    assert tag_of(None, text) == tag
