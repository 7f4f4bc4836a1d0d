"""User names in any script: what one may be, and which two are the same. Pure.

A name is normalised (NFKC), so that what looks the same is the same. Its letters are of one script (or of those that are
written together, as in Japanese): so no Cyrillic letter hides in a Latin name. And names that only look alike, such as Latin
"coco" and Cyrillic "сосо", have one key, and there is one account of them.
"""

from __future__ import annotations

import unicodedata

NAME_MIN, NAME_MAX = 2, 32
#: Characters as they are sent; normalising may make some of one.
SENT_MAX = 128
_MARKS = "_.-"
#: Of marks that stand over or under a letter: more make a tower of them.
_ACCENTS_MAX = 3
#: Scripts that are written together.
_TOGETHER = (frozenset({"CJK", "HIRAGANA", "KATAKANA"}), frozenset({"CJK", "HANGUL"}))
#: Casefolded letters that look like a Latin one, as they are or as capitals. Of one script no two are made the same that its
#: readers tell apart.
_LOOKS_LIKE = str.maketrans(
    "авекмнорстухіјѕӏԁһԛԝ" + "αβεζηικμνορτυχγϳ" + "օոսհ",
    "abekmhopctyxijsldhqw" + "abezhikmnoptuxyj" + "onuh",
)


def checked(text: str) -> str:
    """Return a user name as it is stored and shown. Raises ValueError that says the rule."""
    name = unicodedata.normalize("NFKC", text)
    if not NAME_MIN <= len(name) <= NAME_MAX:
        message = f"must have {NAME_MIN} to {NAME_MAX} characters"
        raise ValueError(message)
    accents = 0
    for at, char in enumerate(name):
        kind = unicodedata.category(char)
        accents = accents + 1 if kind[0] == "M" else 0
        if not (kind[0] == "L" or kind == "Nd" or char in _MARKS or (0 < accents <= _ACCENTS_MAX and at)):
            message = "may hold letters, digits, dots, dashes and underscores"
            raise ValueError(message)
    if not any(char.isalnum() for char in name):
        message = "must hold a letter or a digit"
        raise ValueError(message)
    scripts = {_script(char) for char in name if char.isalpha() and unicodedata.category(char) != "Lm"}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        message = "must have all of its letters from one script"
        raise ValueError(message)
    return name


def key(text: str) -> str:
    """Return what is equal for names that are the same: in any case, and when they only look alike.

    >>> key("Ada") == key("ada"), key("сосо") == key("COCO")
    (True, True)
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    digits = "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in folded)
    return digits.translate(_LOOKS_LIKE)


def _script(letter: str) -> str:
    """Return the script of a letter, by the first word of its name in Unicode."""
    return unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
