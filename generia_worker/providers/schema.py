"""JSON schemas in the strict form that providers of structured output take, made from the Pydantic models."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

#: What a strict schema may say of a value; counts and lengths are checked in code.
_KEPT = frozenset({"type", "enum", "const", "description", "items", "anyOf", "properties"})


@cache
def _strict(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    strict: dict[str, Any] = _simplify(schema, schema.get("$defs", {}))
    strict.pop("description", None)
    return strict


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict schema of a model: references inlined, every property required, no further ones, no limits."""
    return _strict(model)


def _simplify(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        inlined = _simplify(target, definitions)
        inlined.pop("description", None)
        return inlined | ({"description": node["description"]} if "description" in node else {})
    if len(node.get("allOf", [])) == 1:
        node = {**node["allOf"][0], **{k: v for k, v in node.items() if k != "allOf"}}
        return _simplify(node, definitions)
    simple = {name: value for name, value in node.items() if name in _KEPT}
    if "items" in simple:
        simple["items"] = _simplify(simple["items"], definitions)
    if "anyOf" in simple:
        simple["anyOf"] = [_simplify(option, definitions) for option in simple["anyOf"]]
    if "properties" in simple:
        simple["properties"] = {
            name: _simplify(value, definitions) for name, value in simple["properties"].items()
        }
        simple["required"] = list(simple["properties"])
        simple["additionalProperties"] = False
    return simple
