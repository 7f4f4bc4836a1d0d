"""Reads the languages of a folder, and says which table of which file is wrong, and how."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from generia_worker.errors import ConfigurationError
from generia_worker.simulator.vocabulary.types import Vocabulary

#: What prompts in languages without a file are answered in.
FALLBACK = "en"
#: The tables whose columns depend on the language: nouns have forms, words for people may have two genders.
_NOUNS, _PEOPLE = ("places", "things"), ("surnames", "traits")
_MESSAGES = {"missing": "is missing", "extra_forbidden": "is not a table that is known here"}


def load_vocabularies(folder: Traversable) -> dict[str, Vocabulary]:
    """Return the languages of a folder by their codes, the fallback first: each file is one.

    Raises:
        ConfigurationError: a file cannot be read, or the fallback is not there.
    """
    files = {
        entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    if FALLBACK not in files:
        message = f"{folder} holds no {FALLBACK}.toml"
        raise ConfigurationError(message)
    return {code: _read(files[code]) for code in sorted(files, key=lambda code: (code != FALLBACK, code))}


def _read(file: Traversable) -> Vocabulary:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        columns = _columns(raw.pop("columns", {}))
        return Vocabulary.model_validate(raw, context=columns)
    except ValidationError as error:
        problems = [f"{file.name}: {_where(raw, e['loc'])}{_what(e)}" for e in error.errors()]
        raise ConfigurationError("\n".join(problems)) from error
    except ValueError as error:
        message = f"{file.name}: {error}"
        raise ConfigurationError(message) from error


def _columns(raw: Any) -> dict[str, tuple[str, ...]]:
    """Read the names of the columns that differ between languages."""
    found = {table: tuple(part.strip() for part in str(text).split("|")) for table, text in dict(raw).items()}
    if set(found) != {*_NOUNS, *_PEOPLE}:
        message = f"columns must name those of {', '.join([*_NOUNS, *_PEOPLE])}"
        raise ValueError(message)
    for table in _NOUNS:
        if found[table][0] != "nom" or found[table][-1] != "english" or len(found[table]) < 2:
            message = f"columns.{table} must be “nom | … | english”"
            raise ValueError(message)
    for table in _PEOPLE:
        if found[table] not in (("both",), ("he", "she")):
            message = f"columns.{table} must be “he | she” or “both”"
            raise ValueError(message)
    return found


def _where(raw: Any, path: tuple[int | str, ...]) -> str:
    """Return the name of a table and a blank; themes and topics are called by their own names."""
    names: list[str] = []
    for part in path:
        raw = raw.get(part) if isinstance(raw, dict) else raw[part] if isinstance(part, int) else None
        own = (
            (raw.get("key") or raw.get("title")) if isinstance(part, int) and isinstance(raw, dict) else None
        )
        names.append(str(own or part))
    return f"{'.'.join(names)} " if names else ""


def _what(error: Any) -> str:
    """Return what is wrong with a table."""
    message: str = error["msg"]
    return _MESSAGES.get(error["type"]) or message.removeprefix("Value error, ")
