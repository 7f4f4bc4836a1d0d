"""Which language a world speaks, as a tag (BCP 47): by what its description says, or else by its letters. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

#: English names, as the model is asked to write them, and their tags (ISO 639-1).
_TAGS = dict(
    pair.split(":")
    for pair in (
        "afrikaans:af albanian:sq amharic:am arabic:ar armenian:hy azerbaijani:az basque:eu belarusian:be bengali:bn "
        "bosnian:bs bulgarian:bg burmese:my catalan:ca chinese:zh croatian:hr czech:cs danish:da dutch:nl english:en "
        "esperanto:eo estonian:et farsi:fa filipino:fil finnish:fi french:fr galician:gl georgian:ka german:de greek:el "
        "gujarati:gu hausa:ha hebrew:he hindi:hi hungarian:hu icelandic:is indonesian:id irish:ga italian:it japanese:ja "
        "kannada:kn kazakh:kk khmer:km korean:ko kurdish:ku kyrgyz:ky lao:lo latin:la latvian:lv lithuanian:lt "
        "macedonian:mk malay:ms malayalam:ml maltese:mt mandarin:zh marathi:mr mongolian:mn nepali:ne norwegian:no "
        "pashto:ps persian:fa polish:pl portuguese:pt punjabi:pa romanian:ro russian:ru sanskrit:sa serbian:sr sinhala:si "
        "slovak:sk slovenian:sl somali:so spanish:es swahili:sw swedish:sv tagalog:tl tajik:tg tamil:ta tatar:tt telugu:te "
        "thai:th tibetan:bo turkish:tr turkmen:tk ukrainian:uk urdu:ur uzbek:uz vietnamese:vi welsh:cy yiddish:yi zulu:zu"
    ).split()
)
_CODES = frozenset(_TAGS.values())
#: What letters tell by themselves, by the first word of their names in Unicode. Latin ones tell nothing.
_SCRIPTS = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "HEBREW": "he",
    "ARABIC": "ar",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}
_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
_LOOKED_AT = 400
_NAME_MAX = 60


def tag_of(params: Mapping[str, Any] | None, *texts: str) -> str:
    """Return the tag of the language that a world is described in, or of its `texts`; empty when nobody can tell.

    >>> tag_of({"user_preferences": {"language": "Russian"}}, "Hello"), tag_of(None, "Привет, мир"), tag_of(None, "Hello")
    ('ru', 'ru', '')
    """
    preferences = (params or {}).get("user_preferences")
    name = preferences.get("language") if isinstance(preferences, dict) else None
    return (_of_name(name) if isinstance(name, str) else "") or _of_letters(" ".join(texts)[:_LOOKED_AT])


def _of_name(name: str) -> str:
    """Return the tag that stands for a name such as "Russian", "Brazilian Portuguese" or "pt-BR"."""
    words: list[str] = re.findall(r"[a-z]+", name[:_NAME_MAX].lower())
    if words and words[0] in _CODES:
        return words[0]
    return next((_TAGS[word] for word in words if word in _TAGS), "")


def _of_letters(text: str) -> str:
    found = Counter(
        unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
        for letter in text
        if letter.isalpha()
    )
    if not found:
        return ""
    # Japanese is written with Chinese signs as well, and with its own.
    most = next((kana for kana in ("HIRAGANA", "KATAKANA") if found[kana]), found.most_common(1)[0][0])
    return "uk" if most == "CYRILLIC" and _UKRAINIAN.search(text) else _SCRIPTS.get(most, "")
