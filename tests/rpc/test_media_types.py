"""Pictures: keys, ids, formats by their bytes; texts: cleaned, clipped."""

from __future__ import annotations

import unicodedata

import pytest

from generia_worker.errors import InvalidInputError
from generia_worker.rpc.media_types import (
    ImageFormat,
    MediaType,
    object_key,
    sniff_format,
)
from generia_worker.text import clean, clip
from generia_worker.worlds.documents import PostDraft


def test_keys() -> None:
    assert object_key(MediaType.WORLD_HEADER, "w", "", "m", ".png") == "w/world_data/m.png"
    assert object_key(MediaType.CHARACTER_AVATAR, "w", "c", "m", ".jpg") == "w/c/avatars/m.jpg"
    assert object_key(MediaType.POST_IMAGE, "w", "c", "m", ".webp") == "w/c/posts/m.webp"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((MediaType.UNKNOWN, "w", "c", "m", ".png"), "media_type"),
        ((MediaType.POST_IMAGE, "w", "", "m", ".png"), "character_id"),
        ((MediaType.POST_IMAGE, "..", "c", "m", ".png"), "world_id"),
        ((MediaType.POST_IMAGE, "w", "a/b", "m", ".png"), "character_id"),
        ((MediaType.WORLD_ICON, "w", "", "m\n", ".png"), "media_id"),
        ((MediaType.WORLD_ICON, "w", "", "m", "./x"), "filename"),
    ],
)
def test_what_could_leave_its_folder_is_refused(
    arguments: tuple[MediaType, str, str, str, str], field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        object_key(*arguments)
    assert caught.value.field == field


def test_formats_by_their_bytes() -> None:
    assert sniff_format(b"\x89PNG\r\n\x1a\n....") is ImageFormat.PNG
    assert sniff_format(b"\xff\xd8\xff\xe0") is ImageFormat.JPEG
    assert sniff_format(b"RIFF\x00\x00\x00\x00WEBP") is ImageFormat.WEBP
    assert sniff_format(b"<svg>") is None


def test_text_keeps_what_was_meant() -> None:
    text = "Кот 🐈‍⬛ $\\frac{a}{b}$ {x.y}\tтаб\nстрока"
    assert clean(text) == text
    assert clean("a\x00b\x07c\x1b[31m") == "abc[31m"
    assert clip("одно два три", 9) == "одно два…"
    assert clip("short", 9) == "short"


def test_control_characters_and_surrogates_are_dropped_and_nothing_else() -> None:
    every = [chr(number) for number in range(0x110000) if chr(number) != "\r"]
    bidi = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    kept = [
        char
        for char in every
        if char in "\n\t" or (unicodedata.category(char) not in ("Cc", "Cs") and char not in bidi)
    ]
    assert clean(f"a{''.join(every)}z") == f"a{''.join(kept)}z"


def test_tags() -> None:
    draft = PostDraft(
        content="x",
        image_prompt="y",
        hashtags=["#Коты", "коты", " ", "two words", "#" * 5, *map(str, range(20))],
    )
    assert draft.tags()[:2] == ["Коты", "twowords"]
    assert len(draft.tags()) == 10
