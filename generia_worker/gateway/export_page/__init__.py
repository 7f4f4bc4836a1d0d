"""A world as a page that opens from disk: no server, nothing from elsewhere, the look of the page itself.

Where its texts hold formulas, the page's own script and library for them lie beside it and show them; without a formula
there is no script. They run in the browser and not here because so there is one rule of what a formula is and one dialect,
the gateway needs no second library, and a hostile formula costs the time of who reads it; without scripts the page shows
the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from generia_worker.gateway.export_page.texts import Texts

Document = dict[str, Any]

_HERE = Path(__file__).resolve().parent
_WEB = _HERE.parent.parent / "web"
#: The page's own styles, in the order in which it loads them; last what only an export needs.
_SHEETS = ("css/base.css", "css/world.css", "css/pages.css")
#: What shows formulas, in the order in which it is loaded, and the licence of the library.
_SCRIPTS = (_WEB / "vendor/temml/temml.min.js", _WEB / "js/formulas.js", _HERE / "export.js")
_LICENCE = _WEB / "vendor/temml/LICENSE.txt"
#: Which strings may be a formula is for the script to say; without one of these there is none.
_DELIMITERS = ("$", "\\(", "\\[")
_DISPLAY = re.compile(r"\$\$[^$]{1,2000}\$\$|\\\[.{1,2000}?\\\]", re.DOTALL)

#: Facts that are shown, by their names among the texts.
_WORLD_FACTS = tuple(
    f"about.{name}"
    for name in ("theme", "geography", "culture", "social_structure", "technology_level", "visual_style")
)
_CHARACTER_FACTS = tuple(
    f"person.{name}"
    for name in ("personality", "background_story", "appearance", "speaking_style", "daily_routine")
)


def index_html(whole: Document) -> str:
    """Return the page of a world, from what `world.json` holds, in its language where there are texts of it.

    Whatever a model wrote is escaped.
    """
    world, people = whole["world"], whole["characters"]
    lore = _mapping(world["params"])
    language = str(world.get("language") or "")
    text = Texts(language)
    cards = {_key(one["display_name"]): one["id"] for one in reversed(people)}
    return _template().render(
        world=world,
        lore=lore,
        text=text,
        said=_said(language, text.language),
        facts=_facts(lore, _WORLD_FACTS, text),
        paragraphs=_paragraphs(lore.get("description") or world["description"] or ""),
        history=_paragraphs(lore.get("history") or ""),
        chronicle=whole["chronicle"],
        people=[_person(one, text, cards) for one in people],
        posts=whole["posts"],
        scripts=[script.name for script in _SCRIPTS] if _may_have_formulas(whole) else [],
        hue=_hue,
        moment=lambda iso: _moment(iso, text("export.date")),
        day=lambda iso: _moment(iso, text("export.day")),
    )


def style_css() -> str:
    """Return the page's styles, and what an export needs beside them."""
    sheets = [(_WEB / name).read_text(encoding="utf-8") for name in _SHEETS]
    return "\n".join([*sheets, (_HERE / "export.css").read_text(encoding="utf-8")])


def files(whole: Document) -> dict[str, str]:
    """Return the files of an export that show the world, from what `world.json` holds: name → text."""
    found = {"index.html": index_html(whole), "style.css": style_css()}
    if _may_have_formulas(whole):
        found |= {script.name: script.read_text(encoding="utf-8") for script in _SCRIPTS}
        found[f"temml-{_LICENCE.name}"] = _LICENCE.read_text(encoding="utf-8")
    return found


def _may_have_formulas(whole: Any) -> bool:
    if isinstance(whole, str):
        return any(delimiter in whole for delimiter in _DELIMITERS)
    if isinstance(whole, Mapping):
        return any(map(_may_have_formulas, whole.values()))
    return isinstance(whole, Sequence) and any(map(_may_have_formulas, whole))


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


def _said(language: str, frame: str) -> Markup:
    """Return the attributes of what people and models wrote."""
    # A language that nobody could tell is said to be none, and not to be that of the frame.
    own = Markup("") if language == frame else Markup(' lang="{}"').format(language)
    return Markup('dir="auto"') + own


def _facts(source: Mapping[str, Any], names: Sequence[str], text: Texts) -> list[tuple[str, str]]:
    """Return label and text of those facts that are there; what is no text is left out."""
    found = ((text(name), source.get(name.partition(".")[2])) for name in names)
    return [(label, fact) for label, fact in found if isinstance(fact, str) and fact.strip()]


def _paragraphs(text: Any) -> list[str]:
    """Return the lines of a text; a formula of several lines stays in one."""
    whole = _DISPLAY.sub(lambda formula: " ".join(formula[0].split("\n")), str(text))
    return [line for line in whole.splitlines() if line.strip()]


def _person(person: Document, text: Texts, cards: Mapping[str, str]) -> Document:
    meta = _mapping(person["meta"])
    interests = meta.get("interests")
    return {
        **person,
        "bio": meta.get("bio") or "",
        "username": str(meta.get("username") or "").removeprefix("@"),
        "facts": _facts(meta, _CHARACTER_FACTS, text),
        "interests": [str(one) for one in interests] if isinstance(interests, list) else [],
        "relations": _relations(meta.get("relationships"), cards),
    }


def _key(name: Any) -> str:
    """Return what is the same for names that mean the same character."""
    return str(name).strip().casefold()


def _relations(found: Any, cards: Mapping[str, str]) -> list[Document]:
    """Return whom a character knows, with the id of the card of those who live here; what names nobody is left out."""
    rows = map(_mapping, found if isinstance(found, list) else [])
    return [
        {
            "name": str(row["character"]).strip(),
            "type": str(row.get("relationship_type") or ""),
            "description": str(row.get("description") or ""),
            "id": cards.get(_key(row["character"]), ""),
        }
        for row in rows
        if str(row.get("character") or "").strip()
    ]


def _hue(item_id: str) -> int:
    """Return a hue that belongs to an id, for what stands where a picture is missing."""
    return sum(ord(char) * (n + 1) for n, char in enumerate(item_id)) % 12


def _moment(iso: str, form: str) -> str:
    try:
        return datetime.fromisoformat(iso).strftime(form)
    except ValueError:
        return iso
