"""Fills templates: `{slot}`, `{slot.form}`, `{Slot}` with a capital, and `[he|she]` for the speaker's gender."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from generia_worker.simulator.vocabulary.types import Word

_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_GENDERED = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")


def capital(text: str) -> str:
    """Return the text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def fill(template: str, slots: Mapping[str, str | Word], feminine: bool = False) -> str:
    """Return the template with its slots filled; what is put in is not looked at again."""
    shaped = _GENDERED.sub(lambda match: match[2 if feminine else 1], template)

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = slots[name.lower()]
        text = found if isinstance(found, str) else found.forms[match[2] or "nom"]
        return capital(text) if name[0].isupper() else text

    return _SLOT.sub(value, shaped)


@cache
def _parser(template: str) -> tuple[re.Pattern[str], tuple[tuple[str, str], ...]]:
    slots, parts, last = [], [], 0
    for match in _SLOT.finditer(template):
        parts += [re.escape(template[last : match.start()]), "(.+?)"]
        slots.append((match[1].lower(), match[2] or "nom"))
        last = match.end()
    parts.append(re.escape(template[last:]))
    return re.compile("".join(parts), re.IGNORECASE), tuple(slots)


def parse(template: str, text: str) -> dict[tuple[str, str], str] | None:
    """Return what stands in the template's slots in this text, by slot and form; None when it does not fit."""
    pattern, slots = _parser(template)
    match = pattern.fullmatch(text.strip())
    return dict(zip(slots, match.groups(), strict=True)) if match else None
