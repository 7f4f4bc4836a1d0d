"""How a model's answer goes wrong: what is changed in the document, and what is changed in its text."""

from __future__ import annotations

import json
import re
from typing import Any

from generia_worker.simulator.behaviour import Behaviour
from generia_worker.simulator.dice import Dice
from generia_worker.simulator.reading import Brief

Document = dict[str, Any]
#: The property of each kind without which a document is worth nothing.
_ESSENTIAL = {
    "world_description": "name",
    "world_image_prompts": "header_prompt",
    "cast": "characters",
    "character": "display_name",
    "post_plan": "posts",
    "post": "content",
    "reactions": "comments",
    "answers": "answers",
}


def mangle_document(document: Document, brief: Brief, behaviour: Behaviour, dice: Dice) -> Document:
    """Return the document as a careless model would give it."""
    document = dict(document)
    essential = _ESSENTIAL.get(brief.kind, next(iter(document), ""))
    if dice.hit("wrong_counts", behaviour.wrong_counts):
        _wrong_counts(document, brief, dice)
    if dice.hit("duplicate_names", behaviour.duplicate_names):
        _duplicate_names(document, brief)
    if dice.hit("wrong_types", behaviour.wrong_types) and essential in document:
        value = document[essential]
        document[essential] = "none" if isinstance(value, list) else [{"value": value}]
    if dice.hit("missing_keys", behaviour.missing_keys):
        document.pop(essential, None)
    return document


def _wrong_counts(document: Document, brief: Brief, dice: Dice) -> None:
    key = {"cast": "characters", "post_plan": "posts", "reactions": "comments", "answers": "answers"}.get(
        brief.kind, ""
    )
    items = document.get(key)
    if not isinstance(items, list) or not items:
        return
    ways = ["fewer", "more", "sum"] if brief.kind == "cast" else ["fewer", "more"]
    way = dice.random("which wrong count").choice(ways)
    if way == "fewer":
        document[key] = items[:-1]
    elif way == "more":
        document[key] = [*items, *items[:2]]
    else:
        document[key] = [{**item, "posts_count": int(item.get("posts_count", 1)) + 3} for item in items]


def _duplicate_names(document: Document, brief: Brief) -> None:
    characters = document.get("characters")
    if brief.kind == "cast" and isinstance(characters, list) and len(characters) > 1:
        copied = {key: characters[0][key] for key in ("concept", "concept_short") if key in characters[0]}
        document["characters"] = [*characters[:-1], {**characters[-1], **copied}]
    if brief.kind == "character":
        for other in brief.items("others"):
            name = other.get("display_name") if isinstance(other, dict) else other
            if isinstance(name, str):
                document["display_name"] = name
                return


def mangle_text(document: Document, behaviour: Behaviour, looks: Dice, content: Dice) -> str:
    """Return the document as text. `looks` are drawn at each call, `content` is spared after a re-ask."""
    if looks.hit("extra_keys", behaviour.extra_keys):
        document = {**document, "commentary": "I hope this helps!", "confidence": 0.93}
    text = json.dumps(document, ensure_ascii=False)
    if looks.hit("unescaped_latex", behaviour.unescaped_latex):
        text = re.sub(r"\\\\(?=[A-Za-z,;! ])", r"\\", text)
    if looks.hit("trailing_comma", behaviour.trailing_comma):
        text = re.sub(r"([\]}])(?=[\]}]*$)", r",\1", text, count=1)
    if content.hit("invalid_json", behaviour.invalid_json):
        text = _broken(text, content)
    if looks.hit("fences", behaviour.fences):
        text = f"```json\n{text}\n```"
    if looks.hit("prose", behaviour.prose):
        text = f"Sure! Here is the JSON that you asked for:\n\n{text}\n\nLet me know if {{anything}} should change."
    if looks.hit("think", behaviour.think):
        text = (
            f'<think>\nThe user wants JSON, maybe {{"draft": true}}. Let me be careful.\n</think>\n\n{text}'
        )
    return text


def _broken(text: str, dice: Dice) -> str:
    """Break the JSON beyond any honest repair."""
    way = dice.random("which break").randrange(3)
    if way == 0:
        return text[: len(text) * 2 // 3]
    if way == 1:
        return text.replace('": ', '" ', 1)
    return "I am sorry, I could not make up my mind about this one."
