"""The OpenAPI document is true: calls that fit it are taken, calls that do not are refused, and none is a 5xx."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from generia_worker.billing.estimate import estimate
from generia_worker.billing.prices import PriceTable
from generia_worker.client.receipt import Receipt
from generia_worker.gateway.app import create_app
from generia_worker.gateway.dependencies import open_dependencies
from generia_worker.rpc.connections import Connections
from generia_worker.settings import Settings
from tests import prompts as prompts  # the format of prompts
from tests.gateway.conftest import (
    SECRET,
    Gateway,
    add_character,
    add_post,
    running,
    serving_double,
)
from tests.gateway.test_worlds import STATUS
from tests.reference.conftest import PROMPT

CREATOR = "the-creator"
EXAMPLES = 5
_RESET = "2026-05-27T00:00:00Z"


@pytest.fixture(scope="module")
def fuzzed(platform: Settings, services: Connections) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A gateway with an endpoint, and the ids of a world that has something in it."""
    world = services.worlds.create(CREATOR, "Tiefwerk", "", PROMPT, 3, 5)
    character = add_character(services, world.id)
    post = add_post(services, world.id, character, "x")
    media = services.characters.get(character).avatar_media_id or ""
    ids = {"world_id": world.id, "character_id": character, "post_id": post, "media_id": media}
    with serving_double() as double:
        base = f"/v1/generations/{world.id}"
        found = estimate((14, 10), 60.0, PriceTable(0.3, 2.5, 0.0006), [])
        double.answer("POST", "/v1/generations:estimate", 200, found.model_dump(mode="json"))
        left = {"worlds_left": 2, "worlds_most": 3, "usd_left": None, "usd_most": None, "resets_at": _RESET}
        double.answer("GET", f"/v1/allowances/{CREATOR}", 200, left)
        double.answer("GET", "/readyz", 200, {"status": "ok"})
        double.answer("GET", base, 200, STATUS)
        double.answer("GET", f"{base}/events", 204, None)
        double.answer("GET", f"{base}/failures", 200, [])
        double.answer("GET", f"{base}/receipt", 200, Receipt.of(world.id, []).model_dump(mode="json"))
        for action in ("cancel", "resume", "retry"):
            double.answer("POST", f"{base}:{action}", 202, STATUS)
        with running(platform.model_copy(update={"api_url": double.url})) as gateway:
            yield gateway, ids


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document: not made when this is imported, since every test process imports it."""
    return create_app(open_dependencies(Settings(_env_file=None, jwt_secret=SecretStr(SECRET)))).openapi()


@pytest.fixture
def described(document: dict[str, Any], request: pytest.FixtureRequest) -> Any:
    """What schemathesis makes of the document."""
    # schemathesis 4.32 changes an attribute of the test that pytest 9.2 has under another name.
    request.node._nodeid = request.node.nodeid
    return schemathesis.openapi.from_dict(document)


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_call_is_as_documented(
    case: schemathesis.Case[Any], fuzzed: tuple[Gateway, dict[str, str]]
) -> None:
    gateway, ids = fuzzed
    # Half of the calls are about what there is.
    fits = case.meta is not None and case.meta.generation.mode.is_positive
    if fits and uuid.uuid5(uuid.NAMESPACE_OID, repr(case.path_parameters)).int % 2:
        case.path_parameters.update({name: ids[name] for name in case.path_parameters})
    token = gateway.token(CREATOR)
    case.call_and_validate(base_url=gateway.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_every_call_has_its_errors_and_its_examples(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name, answers = f"{method} {path}", operation["responses"]
            assert operation["description"], name
            if operation.get("security"):
                assert "401" in answers, name
            if "{" in path:
                assert {"404", "422", "503"} <= set(answers), name
            if "requestBody" in operation:
                assert {"400", "411", "413", "422"} <= set(answers), name
                reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                fields = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
                assert any(field.get("examples") for field in fields.values()), name
            for status, answer in answers.items():
                if status[0] == "4":
                    problem = answer["content"]["application/problem+json"]
                    assert problem["example"]["status"] == int(status)
                elif status not in ("204", "503"):
                    assert all(content["schema"] for content in answer["content"].values()), name
