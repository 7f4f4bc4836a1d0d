"""Reads a request for text: what is to be written, for whom, and in which shape. Tolerant of anything that is missing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from generia_worker.simulator.dice import digest

#: The kinds of documents, each told by a property that only it has.
_TELLTALES = {
    "world_image_prompts": {"header_prompt"},
    "post": {"content", "image_prompt"},
    "cast": {"characters"},
    "post_plan": {"posts"},
    "reactions": {"likes", "comments"},
    "answers": {"answers"},
    "reply": {"reply"},
    "character": {"display_name"},
    "world_description": {"description_short"},
    "day_news": {"headline"},
}
_TAG = re.compile(r"<([a-z_]{1,40})>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True)
class Brief:
    """What is to be written. `kind` is empty when it is prose that is wanted."""

    kind: str
    schema: dict[str, Any] | None
    tags: dict[str, Any] = field(default_factory=dict)
    #: What the person asked for.
    prompt: str = ""
    is_reask: bool = False
    #: Digest of the request without what was said after the first answer.
    base: str = ""
    seed: str = ""

    def text(self, tag: str) -> str:
        """Return a tag that holds one string, or an empty one."""
        value = self.tags.get(tag)
        return value if isinstance(value, str) else ""

    def number(self, tag: str, default: int) -> int:
        """Return a tag that holds a number, within reason."""
        value = self.tags.get(tag)
        try:
            return max(0, min(int(value), 1000))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return default

    def mapping(self, tag: str) -> dict[str, Any]:
        """Return a tag that holds an object, or an empty one."""
        value = self.tags.get(tag)
        return value if isinstance(value, dict) else {}

    def items(self, tag: str) -> list[Any]:
        """Return a tag that holds a list, or an empty one."""
        value = self.tags.get(tag)
        return value if isinstance(value, list) else []


def message_text(message: dict[str, Any]) -> str:
    """Return the text of a message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def read_brief(body: dict[str, Any], seed: int) -> Brief:
    """Read a validated request."""
    messages = body["messages"]
    first_answer = next((i for i, m in enumerate(messages) if m["role"] == "assistant"), len(messages))
    opening = messages[:first_answer]
    texts = [message_text(message) for message in opening]
    tags: dict[str, Any] = {}
    for message, text in zip(opening, texts, strict=True):
        if message["role"] == "user":
            tags |= {name: _tag_value(inner) for name, inner in _TAG.findall(text)}
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    schema = wanted.get("schema") or next(filter(None, map(_schema_in, texts)), None)
    prompt = tags.get("user_prompt")
    if not isinstance(prompt, str):
        prompt = next(
            (t for m, t in zip(opening, texts, strict=True) if m["role"] == "user" and not tags), ""
        )[:2000]
    kind = str(wanted.get("name") or "")
    if kind not in _TELLTALES:
        kind = _kind_of(schema)
    return Brief(
        kind=kind,
        schema=schema,
        tags=tags,
        prompt=prompt,
        is_reask=first_answer < len(messages),
        base=digest(body.get("model"), *texts),
        seed=str(seed),
    )


def _tag_value(inner: str) -> Any:
    try:
        return json.loads(inner, strict=False)
    except ValueError:
        return inner.strip()


def _kind_of(schema: dict[str, Any] | None) -> str:
    names = set((schema or {}).get("properties") or {})
    return next((kind for kind, needed in _TELLTALES.items() if needed <= names), "")


def _schema_in(text: str) -> dict[str, Any] | None:
    """Find a JSON schema that stands in a message."""
    if '"properties"' not in text:
        return None
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict) and isinstance(value.get("properties"), dict):
                return value
        at = text.find("{", end)
    return None
