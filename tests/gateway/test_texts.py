"""The texts of the page: every language says the same things, all of them are used, and nothing is said beside them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from generia_worker.gateway.export_page.texts import PLURALS, Texts
from generia_worker.gateway.static_files import WEB
from generia_worker.worlds.steps import STEPS

FOLDER = WEB / "texts"
LANGUAGES = sorted(file.stem for file in FOLDER.glob("*.json"))
SCRIPTS = [file for file in sorted((WEB / "js").glob("*.js")) if file.name != "formulas.js"]
TEMPLATE = WEB.parent / "gateway" / "export_page" / "index.html.j2"
EXPORT = TEMPLATE.with_name("__init__.py")
#: CLDR's categories of a language; that browsers know the same is tested in one.
CATEGORIES = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: Texts in scripts: comments fall away, then what stands in quotes or backticks is looked at.
_COMMENT = re.compile(r"^\s*(//|\*|/\*\*).*$|(?<=[;,{]) // .*$", re.MULTILINE)
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
#: What a person would read: a word with a capital, or words with spaces between.
_WORDS = re.compile(r"^[A-Z][a-z]+([ .…!?:]|$)|[a-z]{2,}[,.:!?…]? [a-z]{2,}")
#: Where words are names of classes, selectors, options of the browser, or for who develops the page.
_NOT_SHOWN = re.compile(
    r"(\b(class|for|rootMargin): |className|querySelector(All)?\(|closest\?*\.?\(|new Error\(|key: \(\{ id \}\) => )[^,;]*$"
)
#: Names of keys, headers and of the product.
_NAMES = {"Content-Type", "Escape", "Retry-After", "Home", "End", "Tab", "GET", "POST", "Generia"}


def texts(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def forms(message: Any) -> list[str]:
    return list(message.values()) if isinstance(message, dict) else [message]


def test_there_is_what_the_page_offers() -> None:
    script = (WEB / "js" / "texts.js").read_text(encoding="utf-8")
    offered = re.search(r"LANGUAGES = \{([^}]*)\}", script)
    assert offered is not None
    assert sorted(re.findall(r"(\w+):", offered[1])) == LANGUAGES == sorted(PLURALS) == sorted(CATEGORIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    own, first = texts(language), texts("en")
    assert list(own) == list(first)
    for name, message in own.items():
        assert all(text.strip() for text in forms(message)), name
        assert isinstance(message, dict) == isinstance(first[name], dict), name
        if isinstance(message, dict):
            assert set(message) == CATEGORIES[language], name
        wanted = {frozenset(_PLACEHOLDER.findall(text)) for text in forms(first[name])}
        assert {frozenset(_PLACEHOLDER.findall(text)) for text in forms(message)} == wanted, name
        # No brace is left over.
        assert not re.search(r"[{}]", _PLACEHOLDER.sub("", "".join(forms(message)))), name


def test_no_name_stands_twice() -> None:
    for language in LANGUAGES:
        pairs = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=list)
        assert len(pairs) == len(dict(pairs))


def test_every_text_that_is_asked_for_is_there_and_every_one_is_asked_for() -> None:
    known = set(texts("en"))
    code = "\n".join(file.read_text(encoding="utf-8") for file in [*SCRIPTS, TEMPLATE, EXPORT])
    named = {name for name in re.findall(r'["`]([\w.]+)["`]', code) if name in known}
    asked = set(re.findall(r'\b(?:text|textOr|parts)\(\s*"([\w.]+)"', code))
    assert asked <= known, asked - known
    # Names that are put together: the beginning stands there.
    beginnings = tuple(set(re.findall(r'[`"]([a-z]+\.)(?:\$\{|\{)', code)))
    left = {name for name in known - named if not name.startswith(beginnings)}
    assert not left, left


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_nothing_is_said_beside_the_texts(file: Any) -> None:
    assert not said(file.read_text(encoding="utf-8"))


def said(code: str) -> list[str]:
    """Return what a script says by itself."""
    code = _COMMENT.sub("", code)
    found = []
    for match in _LITERAL.finditer(code):
        literal = match[1] if match[1] is not None else match[2]
        plain = re.sub(r"\$\{[^}]*\}", " ", literal)
        if (
            literal in _NAMES
            or not _WORDS.search(plain)
            or _NOT_SHOWN.search(code[: match.start()].rsplit("\n", 1)[-1])
        ):
            continue
        found.append(literal)
    return [one for one in found if one not in _of_languages()]


def _of_languages() -> set[str]:
    # Languages name themselves.
    return {"English"}


def test_a_text_beside_the_texts_would_be_found() -> None:
    assert said('h("p", {}, "Show more");') == ["Show more"]
    assert said('h("p", { class: "part-title quiet" }, "a few left");') == ["a few left"]
    assert said("note.textContent = `${n} new posts`;") == ["${n} new posts"]
    assert not said('h("p", { class: "field-error quiet" }, text("more")); // not now')


@pytest.mark.parametrize(
    ("language", "n", "expected"),
    [
        ("en", 1, "1 character"),
        ("en", 0, "0 characters"),
        ("ru", 1, "1 персонаж"),
        ("ru", 2, "2 персонажа"),
        ("ru", 6, "6 персонажей"),
        ("ru", 11, "11 персонажей"),
        ("ru", 21, "21 персонаж"),
        ("ru", 0, "0 персонажей"),
        ("de", 2, "2 characters"),
    ],
)
def test_plurals(language: str, n: int, expected: str) -> None:
    assert Texts(language)("number.characters", n=n) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_step_has_its_name(language: str) -> None:
    failing = {f"step.{spec.kind}" for spec in STEPS}
    paid = {f"part.{spec.kind}" for spec in STEPS if spec.text_calls or spec.image_calls}
    assert sorted((failing | paid) - set(texts(language))) == []
