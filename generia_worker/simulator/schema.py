"""JSON schemas: refusing what strict mode refuses, and making a document fit the schema that was sent."""

from __future__ import annotations

import random
import re
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYWORDS = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "description",
        "title",
    }
)
#: What newer servers take beside those.
_BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength"})
_MAX_DEPTH = 12
_TYPES = {"string", "number", "integer", "boolean", "null", "object", "array"}


def strict_problems(schema: Any, *, bounds: bool = False) -> list[str]:
    """Return why strict mode refuses this schema; empty when it takes it. With `bounds` it takes limits as well."""
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        return ["schema must have a 'type' of 'object' at its root"]
    problems: list[str] = []
    _check(schema, "()", 0, problems)
    if bounds:
        problems = [one for one in problems if not any(f"'{key}' is not permitted" in one for key in _BOUNDS)]
    return problems


def without_bounds(schema: Any) -> Any:
    """Return a schema without its limits: what is answered does not depend on them."""
    if isinstance(schema, dict):
        return {name: without_bounds(part) for name, part in schema.items() if name not in _BOUNDS}
    return schema


def _check(schema: Any, where: str, depth: int, problems: list[str]) -> None:
    if not isinstance(schema, dict):
        problems.append(f"In context={where}, a schema must be an object")
        return
    if depth > _MAX_DEPTH:
        problems.append(f"In context={where}, the schema is nested too deeply")
        return
    problems += [f"In context={where}, '{key}' is not permitted" for key in sorted(schema.keys() - _KEYWORDS)]
    kinds = schema.get("type")
    named = set(kinds) if isinstance(kinds, list) else {kinds}
    if not named <= _TYPES and not {"anyOf", "enum", "const"} & schema.keys():
        problems.append(f"In context={where}, schema must have a 'type' key")
    if "object" in named:
        _check_object(schema, where, depth, problems)
    if "array" in named:
        if "items" in schema:
            _check(schema["items"], f"{where}.items", depth + 1, problems)
        else:
            problems.append(f"In context={where}, array schema missing items")
    options = schema.get("anyOf", [])
    for index, option in enumerate(options if isinstance(options, list) else [None]):
        _check(option, f"{where}.anyOf[{index}]", depth + 1, problems)


def _check_object(schema: dict[str, Any], where: str, depth: int, problems: list[str]) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        problems.append(f"In context={where}, object schema missing properties")
        return
    if schema.get("additionalProperties") is not False:
        problems.append(
            f"In context={where}, 'additionalProperties' is required to be supplied and to be false"
        )
    required = schema.get("required")
    if not isinstance(required, list) or set(map(str, required)) != properties.keys():
        problems.append(f"In context={where}, 'required' must include every key in properties")
    for name, part in properties.items():
        _check(part, f"{where}.{name}", depth + 1, problems)


class Filler:
    """Makes a document fit a schema: keeps what fits, drops what is not asked for, makes up the rest."""

    def __init__(self, schema: dict[str, Any], phrases: list[str], rng: random.Random) -> None:
        self._root = schema
        self._phrases = phrases or ["…"]
        self._rng = rng

    def fit(self, document: Any) -> Any:
        """Return the document as the schema wants it."""
        return self._fit(self._root, document, True, 0)

    def _fit(self, schema: Any, value: Any, given: bool, depth: int) -> Any:
        schema = self._resolve(schema)
        if depth > _MAX_DEPTH:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return value if given and value in schema["enum"] else schema["enum"][0]
        for combined in ("anyOf", "oneOf", "allOf"):
            if isinstance(schema.get(combined), list) and schema[combined]:
                return self._any(schema[combined], value, given, depth)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kinds, list):
            return self._any([{**schema, "type": kind} for kind in kinds], value, given, depth)
        return self._typed(kinds, schema, value, given, depth)

    def _typed(self, kind: str, schema: dict[str, Any], value: Any, given: bool, depth: int) -> Any:
        if kind == "object":
            have = value if given and isinstance(value, dict) else {}
            parts = schema.get("properties") or {}
            return {
                name: self._fit(part, have.get(name), name in have, depth + 1) for name, part in parts.items()
            }
        if kind == "array":
            items = value if given and isinstance(value, list) else None
            part = schema.get("items") or {"type": "string"}
            if items is None:
                return [self._fit(part, None, False, depth + 1) for _ in range(2)]
            return [self._fit(part, item, True, depth + 1) for item in items]
        if given and _matches(kind, value):
            return value
        made = {
            "integer": self._rng.randint(1, 9),
            "number": round(self._rng.random(), 2),
            "boolean": True,
            "null": None,
        }
        return made[kind] if kind in made else self._rng.choice(self._phrases)

    def _any(self, options: list[Any], value: Any, given: bool, depth: int) -> Any:
        resolved = [self._resolve(option) for option in options]
        if not given:
            null = any(option.get("type") == "null" for option in resolved)
            return None if null else self._fit(resolved[0], None, False, depth + 1)
        for option in resolved:
            if _matches(option.get("type", "string"), value):
                return self._fit(option, value, True, depth + 1)
        return self._fit(resolved[0], None, False, depth + 1)

    def _resolve(self, schema: Any) -> dict[str, Any]:
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, dict):
                return {"type": "string"}
            ref = schema.get("$ref")
            if not isinstance(ref, str):
                return schema
            target: Any = self._root
            for part in ref.removeprefix("#/").split("/"):
                target = target.get(part) if isinstance(target, dict) else None
            schema = target
        return {"type": "string"}


def _matches(kind: Any, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
    return False
