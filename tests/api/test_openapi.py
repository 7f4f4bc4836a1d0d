"""The document and the endpoint say the same, whatever is sent: schemathesis, all of its checks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from starlette.testclient import TestClient

from tests import prompts as prompts  # the format of prompts
from tests.api.conftest import TOKEN

#: Both what the document allows and what it forbids; how many of each for every call.
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
EXAMPLES = 10
#: A stream of a world that nobody makes is silent: waiting for its end takes seconds each time.
EXAMPLES_OF_STREAMS = 3


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_whatever_is_sent(app: FastAPI, mode: GenerationMode) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", app)
    document.config.generation.update(modes=[mode])
    tried = 0
    for found in document.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES_OF_STREAMS if operation.path.endswith("/events") else EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})

        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters:
            check()
            tried += 1
    assert tried >= 10


def test_every_call_has_its_errors_and_its_examples(app: FastAPI, client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method} {path}"
            assert operation["description"] or operation["summary"], name
            answers = operation["responses"]
            if path not in ("/livez", "/readyz"):
                assert "401" in answers, name
            if "{world_id}" in path:
                assert {"404", "422", "503"} <= set(answers), name
            for status, answer in answers.items():
                if status[0] == "4" or (status == "503" and path != "/readyz"):
                    problem = answer["content"]["application/problem+json"]
                    assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, name
                    assert problem["example"]["status"] == int(status)
            if "requestBody" in operation:
                shape = operation["requestBody"]["content"]["application/json"]["schema"]
                named = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
                fields = named["properties"].values()
                assert named.get("examples") or any(field.get("examples") for field in fields), name
    shapes = document["components"]["schemas"]
    assert "bearer" in str(document["components"]["securitySchemes"]).lower()
    assert {"Problem", "FieldProblem", "GenerationStatus", "Receipt", "Order"} <= set(shapes)
