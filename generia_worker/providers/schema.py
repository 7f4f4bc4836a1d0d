"""JSON schemas in the strict form that providers of structured output take, made from the Pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

#: What a strict schema may say of a value; counts and lengths are checked in code.
_KEPT = frozenset({"type", "enum", "const", "description", "items", "anyOf", "properties"})
#: What some servers take beside it.
_BOUNDS = frozenset({"maxLength", "minItems", "maxItems"})
#: Longer texts are not bounded: llama.cpp makes a grammar of a schema, and refuses repetitions from 2000 on (issue 27087).
_LENGTH_MOST = 1999


@cache
def _strict(model: type[BaseModel], kept: frozenset[str]) -> dict[str, Any]:
    schema = model.model_json_schema()
    strict: dict[str, Any] = _simplify(schema, schema.get("$defs", {}), kept)
    strict.pop("description", None)
    return strict


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema of a model: references inlined, every property required, no further ones, no limits."""
    return _strict(model, _KEPT)


def bounded_schema(model: type[BaseModel], counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the same with limits, and with exactly so many items in the lists that `counts` names.

    A server that holds a model to it gets what was ordered at the first try, and no model writes on until its tokens end.
    """
    schema = _strict(model, _KEPT | _BOUNDS)
    exact = {
        name: {**schema["properties"][name], "minItems": count, "maxItems": count}
        for name, count in counts.items()
    }
    return {**schema, "properties": {**schema["properties"], **exact}}


def _simplify(node: dict[str, Any], definitions: dict[str, Any], kept: frozenset[str]) -> dict[str, Any]:
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        inlined = _simplify(target, definitions, kept)
        inlined.pop("description", None)
        return inlined | ({"description": node["description"]} if "description" in node else {})
    if len(node.get("allOf", [])) == 1:
        node = {**node["allOf"][0], **{k: v for k, v in node.items() if k != "allOf"}}
        return _simplify(node, definitions, kept)
    simple = {name: value for name, value in node.items() if name in kept}
    if simple.get("maxLength", 0) > _LENGTH_MOST:
        del simple["maxLength"]
    if "items" in simple:
        simple["items"] = _simplify(simple["items"], definitions, kept)
    if "anyOf" in simple:
        simple["anyOf"] = [_simplify(option, definitions, kept) for option in simple["anyOf"]]
    if "properties" in simple:
        simple["properties"] = {
            name: _simplify(value, definitions, kept) for name, value in simple["properties"].items()
        }
        simple["required"] = list(simple["properties"])
        simple["additionalProperties"] = False
    return simple
