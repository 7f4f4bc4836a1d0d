"""A world as a page that opens from disk: no server, no script, the look of the page itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

Document = dict[str, Any]

_HERE = Path(__file__).resolve().parent
_STYLES = _HERE.parent.parent / "web" / "css"
#: The page's own styles, in the order in which it loads them; last what only an export needs.
_SHEETS = ("base.css", "world.css", "pages.css")

_WORLD_FACTS = {
    "theme": "Theme",
    "geography": "Geography",
    "culture": "Culture",
    "social_structure": "Society",
    "technology_level": "Technology",
    "visual_style": "How it looks",
}
_CHARACTER_FACTS = {
    "personality": "Personality",
    "background_story": "Story so far",
    "appearance": "Appearance",
    "speaking_style": "How they speak",
    "daily_routine": "An ordinary day",
}


def index_html(whole: Document) -> str:
    """Return the page of a world, from what `world.json` holds. Whatever a model wrote is escaped."""
    world, people = whole["world"], whole["characters"]
    lore = _mapping(world["params"])
    return _template().render(
        world=world,
        lore=lore,
        facts=_facts(lore, _WORLD_FACTS),
        paragraphs=_paragraphs(lore.get("description") or world["description"] or ""),
        history=_paragraphs(lore.get("history") or ""),
        people=[_person(one) for one in people],
        posts=whole["posts"],
        hue=_hue,
        moment=_moment,
    )


def style_css(_: Document) -> str:
    """Return the page's styles, and what an export needs beside them."""
    sheets = [(_STYLES / name).read_text(encoding="utf-8") for name in _SHEETS]
    return "\n".join([*sheets, (_HERE / "export.css").read_text(encoding="utf-8")])


#: Files of an export that show the world: name → its text.
FILES: Mapping[str, Callable[[Document], str]] = {"index.html": index_html, "style.css": style_css}


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html.j2")


def _mapping(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _facts(source: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return label and text of those facts that are there; what is no text is left out."""
    found = ((label, source.get(name)) for name, label in names.items())
    return [(label, text) for label, text in found if isinstance(text, str) and text.strip()]


def _paragraphs(text: Any) -> list[str]:
    return [line for line in str(text).splitlines() if line.strip()]


def _person(person: Document) -> Document:
    meta = _mapping(person["meta"])
    interests = meta.get("interests")
    return {
        **person,
        "bio": meta.get("bio") or "",
        "username": str(meta.get("username") or "").removeprefix("@"),
        "facts": _facts(meta, _CHARACTER_FACTS),
        "interests": [str(one) for one in interests] if isinstance(interests, list) else [],
    }


def _hue(item_id: str) -> int:
    """Return a hue that belongs to an id, for what stands where a picture is missing."""
    return sum(ord(char) * (n + 1) for n, char in enumerate(item_id)) % 12


def _moment(iso: str) -> str:
    try:
        return f"{datetime.fromisoformat(iso):%-d %B %Y, %H:%M}"
    except ValueError:
        return iso
