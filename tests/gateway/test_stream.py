"""The stream: passed on byte by byte, or made from the world service; ends with its reader."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from generia_worker.gateway.auth import COOKIE
from generia_worker.gateway.stream_routes import POLL_S
from generia_worker.gateway.tokens import Audience
from generia_worker.http import sse
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import API_TOKEN, EndpointDouble, Gateway

FIRST = b'retry: 3000\n\nevent: status\nid: 1\ndata: {"revision":1}\n\n'
POST = 'event: post\ndata: {"caption":"Ёж 🦔"}\n\n'.encode()
DONE = b"event: done\ndata: {}\n\n"


@pytest.fixture
def with_endpoint(gateway_with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord) -> Gateway:
    endpoint.answer("GET", f"/v1/generations/{world.id}/events", 200, "stream")
    return gateway_with_endpoint


def path_of(world: WorldRecord) -> str:
    return f"/api/v1/worlds/{world.id}/status/stream"


def without_heartbeats(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        rest = chunk.replace(b": still here\n\n", b"")
        if rest:
            yield rest


def test_it_is_passed_on_as_it_comes(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str
) -> None:
    with (
        with_endpoint.as_user(user) as client,
        client.stream("GET", path_of(world), headers={"Last-Event-ID": "41"}) as stream,
    ):
        assert stream.status_code == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert (stream.headers["Cache-Control"], stream.headers["X-Accel-Buffering"]) == ("no-cache", "no")
        assert "Content-Security-Policy" in stream.headers
        chunks = without_heartbeats(stream.iter_raw())
        # Each piece arrives before the next one is written.
        for piece in (FIRST, POST, b"data", b": half\n\n", DONE):
            endpoint.events.put(piece)
            assert next(chunks) == piece
        endpoint.events.put(None)
        assert list(chunks) == []
    call = endpoint.calls[0]
    assert (call.headers["Authorization"], call.headers["Last-Event-ID"]) == (f"Bearer {API_TOKEN}", "41")


def test_a_reader_that_goes_ends_it(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord
) -> None:
    with with_endpoint.as_user("guest") as client:
        with client.stream("GET", path_of(world)) as stream:
            endpoint.events.put(FIRST)
            assert next(without_heartbeats(stream.iter_raw())) == FIRST
            assert not endpoint.reader_gone.is_set()
        assert endpoint.reader_gone.wait(10)


def test_an_upstream_that_breaks_ends_it(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord
) -> None:
    with with_endpoint.as_user("guest") as client, client.stream("GET", path_of(world)) as stream:
        endpoint.events.put(FIRST)
        endpoint.events.put(None)
        assert b"".join(without_heartbeats(stream.iter_raw())) == FIRST


def test_nothing_more_will_come(with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}/events", 204, None)
    with with_endpoint.as_user("guest") as client:
        answer = client.get(path_of(world), headers={"Last-Event-ID": "57"})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("given", ["", "x", "-1", "9" * 30, "1 2"])
def test_ids_that_the_endpoint_never_gave(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, given: str
) -> None:
    endpoint.events.put(None)
    with with_endpoint.as_user("guest") as client:
        client.get(path_of(world), headers={"Last-Event-ID": given})
    assert "Last-Event-ID" not in endpoint.calls[0].headers


def test_who_may_follow(with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord) -> None:
    with with_endpoint.client() as client:
        with_header = client.build_request(
            "POST", "/api/v1/auth/ticket", headers={"Authorization": f"Bearer {with_endpoint.token('guest')}"}
        )
        ticket = client.send(with_header).json()
        assert ticket["expires_in"] == 60
        cookie = with_endpoint.token("guest", Audience.SESSION)
        ways: list[dict[str, Any]] = [
            {"params": {"ticket": ticket["ticket"]}},
            {"headers": {"Cookie": f"{COOKIE}={cookie}"}},
        ]
        for how in ways:
            endpoint.events.put(DONE)
            endpoint.events.put(None)
            answer = client.get(path_of(world), **how)
            assert (answer.status_code, answer.content.replace(b": still here\n\n", b"")) == (200, DONE)
        for ticket_ in (
            with_endpoint.token("guest"),
            cookie,
            with_endpoint.token("guest", Audience.STREAM, -60),
        ):
            assert client.get(path_of(world), params={"ticket": ticket_}).status_code == 401


# --- without the endpoint ----------------------------------------------------------------------------------------
def store_status(gateway: Gateway, world: WorldRecord, status: str, second: int, **changed: Any) -> None:
    """Store the status document, as the pipeline would; its stage moves with it."""
    moment = datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC)
    document = {
        "status": status,
        "current_stage": "posts",
        "stages": [{"name": "posts", "status": status}],
        "created_at": moment.replace(second=0),
        "updated_at": moment,
        "users_predicted": 3,
        "posts_predicted": 5,
        **changed,
    }
    gateway.collection("world_generation_status").replace_one({"_id": world.id}, document, upsert=True)


def events(stream: httpx2.Response) -> Iterator[sse.Event]:
    return sse.decode(stream.iter_lines())


def test_the_world_service_alone(gateway: Gateway, world: WorldRecord) -> None:
    with gateway.as_user("guest") as client, client.stream("GET", path_of(world)) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert (stream.headers["Cache-Control"], stream.headers["X-Accel-Buffering"]) == ("no-cache", "no")
        found = events(stream)
        first = next(found)
        assert (first.event, json.loads(first.data)["status"]) == ("status", "pending")
        store_status(gateway, world, "in_progress", 1, posts_created=1)
        second = next(found)
        assert (second.event, json.loads(second.data)["posts_created"]) == ("status", 1)
        assert second.id == str(int(datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC).timestamp() * 1000))
        store_status(
            gateway, world, "completed", 2, posts_created=5, api_calls_made_LLM=9, llm_cost_total=0.5
        )
        third = json.loads(next(found).data)
        assert (third["_id"], third["status"], third["posts_created"]) == (world.id, "completed", 5)
        assert (third["api_calls_made_LLM"], third["llm_cost_total"], third["revision"]) == (
            9,
            0.5,
            int(second.id) + 1000,
        )
        assert next(found).event == "done"
        assert list(found) == []


def test_without_a_change_nothing_is_sent(
    gateway: Gateway, world: WorldRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)
    status = gateway.deps.services.worlds.generation_status

    class Counted:
        def __getattr__(self, name: str) -> Any:
            return getattr(worlds, name)

        def generation_status(self, world_id: str) -> Any:
            asked.release()
            return status(world_id)

    worlds = gateway.deps.services.worlds
    # The record is frozen: nobody but a test looks over its shoulder.
    object.__setattr__(gateway.deps.services, "worlds", Counted())
    try:
        with gateway.as_user("guest") as client, client.stream("GET", path_of(world)) as stream:
            found = events(stream)
            next(found)
            for _ in range(4):
                assert asked.acquire(timeout=10)
            store_status(gateway, world, "failed", 5)
            assert json.loads(next(found).data)["status"] == "failed"
            assert next(found).event == "done"
    finally:
        object.__setattr__(gateway.deps.services, "worlds", worlds)
    assert POLL_S == 0.5


def test_a_reconnect_after_the_end(gateway: Gateway, world: WorldRecord) -> None:
    store_status(gateway, world, "completed", 3)
    with gateway.as_user("guest") as client:
        with client.stream("GET", path_of(world)) as stream:
            last, done = list(events(stream))
        assert (last.event, done.event) == ("status", "done")
        assert last.id
        answer = client.get(path_of(world), headers={"Last-Event-ID": last.id})
        assert (answer.status_code, answer.content) == (204, b"")
        # An older id, or one that the endpoint gave, gets the end again.
        for earlier in (str(int(last.id) - 1), "57"):
            with client.stream("GET", path_of(world), headers={"Last-Event-ID": earlier}) as stream:
                assert [event.event for event in events(stream)] == ["status", "done"]


@pytest.mark.parametrize("said", [404, 401, 500, 200])
def test_an_endpoint_that_has_no_stream(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, said: int
) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}/events", said, {"detail": "no"})
    store_status(with_endpoint, world, "completed", 3)
    with with_endpoint.as_user("guest") as client, client.stream("GET", path_of(world)) as stream:
        assert [event.event for event in events(stream)] == ["status", "done"]


def test_many_streams_leave_room_for_calls(
    gateway: Gateway, services: Connections, world: WorldRecord
) -> None:
    clients = [gateway.as_user(f"guest-{number}") for number in range(40)]
    streams = []
    try:
        for client in clients:
            streams.append(client.send(client.build_request("GET", path_of(world)), stream=True))
        assert {stream.status_code for stream in streams} == {200}
        with gateway.as_user("guest") as client:
            assert client.get(f"/api/v1/worlds/{world.id}").status_code == 200
        store_status(gateway, world, "completed", 9)
        for stream in streams:
            assert [event.event for event in events(stream)][-1] == "done"
    finally:
        for stream in streams:
            stream.close()
        for client in clients:
            client.close()
