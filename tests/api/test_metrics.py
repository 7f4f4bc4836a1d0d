"""What Prometheus gets."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from tests.api.conftest import TOKEN

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    reply = client.get("/metrics", headers=HEADERS)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_never_by_world(client: TestClient) -> None:
    before = samples(client)
    for world_id in ("w1", "w2", "w3"):
        client.get(f"/v1/generations/{world_id}", headers=HEADERS)
    client.get("/nowhere/at-all")
    after = samples(client)
    route = "GET /v1/generations/{world_id}"
    key = ("generia_api_requests_total", route, "404")
    assert after[key] - before.get(key, 0) == 3
    assert after["generia_api_request_seconds_count", route] >= 3
    assert not [key for key in after if "w1" in str(key) or "nowhere" in str(key)]


def test_what_waits_is_told(client: TestClient) -> None:
    before = samples(client)
    body = {"user_prompt": "A world that nobody makes", "users_count": 1, "posts_count": 1}
    for number in range(3):
        reply = client.post("/v1/generations", json=body | {"world_id": f"waits-{number}"}, headers=HEADERS)
        assert reply.status_code == 202
    after = samples(client)
    assert after["generia_worlds_open",] - before["generia_worlds_open",] == 3
    assert {key[1] for key in after if key[0] == "generia_queue_messages"} >= {"llm", "images", "services"}
    assert after["generia_api_event_clients",] == 0
