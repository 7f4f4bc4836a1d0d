"""Why a world failed is told to who made it; others learn that it did, and no word of a provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generia_worker.client.status import GenerationStatus
from generia_worker.gateway.reasons import NEUTRAL
from generia_worker.http import sse
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import EndpointDouble, Gateway

REASON = "The image provider refused the request with HTTP 403: no access for account 4711"


def document(world: WorldRecord, error: dict[str, Any] | None) -> dict[str, Any]:
    return GenerationStatus.model_validate(
        {
            "_id": world.id,
            "status": "failed",
            "current_stage": "posts",
            "stages": [{"name": "posts", "status": "failed"}],
            "parameters": {"users_count": 3, "posts_count": 5, "user_prompt": 'a "reason"\n\nfor it'},
            "error": error,
            "revision": 7,
            "created_at": "2026-01-01T12:00:00Z",
            "updated_at": "2026-01-01T12:00:01Z",
        }
    ).as_json()


@pytest.mark.parametrize("mine", [True, False])
def test_the_status(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str, mine: bool
) -> None:
    failed = document(world, {"step": "post/01/01", "reason": REASON})
    endpoint.answer("GET", f"/v1/generations/{world.id}", 200, failed)
    with gateway_with_endpoint.as_user(user if mine else "guest") as client:
        got = client.get(f"/api/v1/worlds/{world.id}/status").json()
    assert got.pop("error") == {"step": "post/01/01", "reason": REASON if mine else NEUTRAL}
    assert got == {name: value for name, value in failed.items() if name != "error"}


@pytest.mark.parametrize("mine", [True, False])
def test_the_stream(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str, mine: bool
) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}/events", 200, "stream")
    failed = document(world, {"step": "post/01/01", "reason": REASON})
    post = sse.Event("post", json.dumps({"caption": 'the "reason" is ёж'}, ensure_ascii=False))
    data = json.dumps(failed, ensure_ascii=False, separators=(",", ":"))
    whole = b"".join(
        (
            sse.OPENING,
            post.encode(),
            sse.Event("status", data, "7").encode(),
            sse.Event("done", "{}").encode(),
        )
    )
    # In pieces that end anywhere.
    for start in range(0, len(whole), 100):
        endpoint.events.put(whole[start : start + 100])
    endpoint.events.put(None)
    with gateway_with_endpoint.as_user(user if mine else "guest") as client:
        got = client.get(f"/api/v1/worlds/{world.id}/status/stream").content
    got = got.replace(b": still here\n\n", b"")
    if mine:
        assert got == whole
        return
    assert got == whole.replace(REASON.encode(), NEUTRAL.encode())


def test_a_world_that_went_well_is_no_secret(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord
) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}", 200, document(world, None))
    with gateway_with_endpoint.as_user("guest") as client:
        assert client.get(f"/api/v1/worlds/{world.id}/status").json() == document(world, None)
