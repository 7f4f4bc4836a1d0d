"""Schemas are in the strict form that providers take, for every document that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from generia_worker.providers.schema import bounded_schema, strict_schema
from generia_worker.simulator.schema import NAME, strict_problems, without_bounds
from generia_worker.worlds.documents import (
    Cast,
    CharacterDetail,
    Content,
    PostDraft,
    PostPlan,
    WorldDescription,
    WorldImagePrompts,
)

DOCUMENTS: list[type[Content]] = [
    WorldDescription,
    WorldImagePrompts,
    Cast,
    CharacterDetail,
    PostPlan,
    PostDraft,
]
_FORBIDDEN = {
    "default",
    "title",
    "$ref",
    "$defs",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "format",
    "pattern",
}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema in a schema, not the properties that happen to have a keyword's name."""
    yield node
    for part in node.get("properties", {}).values():
        yield from nodes(part)
    for option in node.get("anyOf", []):
        yield from nodes(option)
    if "items" in node:
        yield from nodes(node["items"])


def test_counts_that_were_ordered_stand_in_the_schema() -> None:
    """Exactly so many, and no text without an end; the schema for other servers says none of it."""
    schema = bounded_schema(PostPlan, {"posts": 7})
    posts = schema["properties"]["posts"]
    assert (posts["minItems"], posts["maxItems"]) == (7, 7)
    assert schema["properties"]["recurring_themes"]["maxItems"] == 60
    names = bounded_schema(CharacterDetail, {})["properties"]
    assert names["username"]["maxLength"] == 200
    lengths = [
        node["maxLength"]
        for model in DOCUMENTS
        for node in nodes(bounded_schema(model, {}))
        if "maxLength" in node
    ]
    assert lengths and max(lengths) < 2000
    assert strict_problems(schema, bounds=True) == []
    assert strict_problems(schema) != []
    assert without_bounds(schema) == strict_schema(PostPlan)
    assert bounded_schema(PostPlan, {"posts": 2})["properties"]["posts"]["maxItems"] == 2


@pytest.mark.parametrize("model", DOCUMENTS)
def test_documents_have_strict_schemas(model: type[Content]) -> None:
    schema = strict_schema(model)
    assert strict_problems(schema) == []
    assert NAME.fullmatch(model.schema_name)
    assert list(schema["properties"]) == list(model.model_fields)
    for node in nodes(schema):
        assert not _FORBIDDEN & node.keys()
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
    json.dumps(schema)


class Part(BaseModel):
    """A part."""

    title: str = Field(default="x", description="Its title.", max_length=3)


class Whole(BaseModel):
    """Everything at once."""

    format: Literal["a", "b"] = "a"
    part: Part = Field(description="The one.")
    maybe: Part | None = None
    many: list[Part] = Field(default_factory=list, min_length=1)


def test_descriptions_unions_and_names_like_keywords_survive() -> None:
    properties = strict_schema(Whole)["properties"]
    assert properties["format"]["enum"] == ["a", "b"]
    assert properties["part"]["description"] == "The one."
    assert properties["part"]["properties"]["title"] == {"type": "string", "description": "Its title."}
    assert {option["type"] for option in properties["maybe"]["anyOf"]} == {"object", "null"}
    assert properties["many"]["items"]["required"] == ["title"]
