"""Worlds over HTTP: as the page sees them, whose they are, and what passes on to the enqueue endpoint."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from generia_worker import __version__
from generia_worker.billing.estimate import estimate
from generia_worker.billing.prices import PriceTable
from generia_worker.errors import AllowanceExceeded, InvalidInputError, PermanentError
from generia_worker.gateway.models import WorldJson
from generia_worker.rpc.connections import Connections
from generia_worker.rpc.media_types import MediaType
from generia_worker.rpc.world_client import WorldClient, WorldRecord
from tests.gateway.conftest import (
    API_TOKEN,
    EndpointDouble,
    Gateway,
    StartGateway,
    add_picture,
)
from tests.reference.conftest import PROMPT

HARD = "Ёж & <b>“$x^2$”</b> \\frac 🦔"


def new(**changed: Any) -> dict[str, Any]:
    return {"prompt": PROMPT, "characters_count": 3, "posts_count": 5} | changed


def is_problem(answer: httpx2.Response, status: int, field: str | None = None) -> bool:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    return body["status"] == status and (field is None or body["errors"][0]["field"] == field)


def test_a_world_is_made(gateway: Gateway, user: str) -> None:
    with gateway.as_user(user) as client:
        answer = client.post(
            "/api/v1/worlds", json=new(name=HARD, description=HARD, prompt=f"  {PROMPT} {HARD}\n")
        )
        assert answer.status_code == 201
        world = answer.json()
        assert answer.headers["Location"] == f"/api/v1/worlds/{world['id']}"
        assert set(world) == {
            *(
                "id",
                "name",
                "description",
                "prompt",
                "creator_id",
                "generation_status",
                "status",
                "users_count",
            ),
            *("posts_count", "created_at", "updated_at", "is_joined", "image_url", "icon_url", "params"),
            "language",
        }
        assert (world["name"], world["description"], world["prompt"]) == (HARD, HARD, f"{PROMPT} {HARD}")
        assert (world["creator_id"], world["status"], world["is_joined"]) == (user, "active", True)
        assert (world["generation_status"], world["params"], world["image_url"]) == ("pending", None, "")
        assert client.get(f"/api/v1/worlds/{world['id']}").json() == world
        page = client.get("/api/v1/worlds", params={"limit": 1}).json()
        assert page["worlds"] == [world]
        assert page["total"] >= 1


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("prompt", {"prompt": "x" * 9}),
        ("prompt", {"prompt": f"  {'x' * 9}  "}),
        ("prompt", {"prompt": "x" * 10_001}),
        ("prompt", {"prompt": " " * 40}),
        ("prompt", {"prompt": "…" * 40}),
        ("prompt", {"prompt": f"{PROMPT}\x00"}),
        ("prompt", {"prompt": None}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "a\x00b"}),
        ("description", {"description": "x" * 20_001}),
        ("characters_count", {"characters_count": 0}),
        ("characters_count", {"characters_count": 41}),
        ("characters_count", {"characters_count": "5"}),
        ("posts_count", {"posts_count": 251}),
        ("posts_count", {"posts_count": 1.5}),
        ("posts_count", {"posts_count": True}),
        ("reactions", {"reactions": "lots"}),
        ("reactions", {"reactions": None}),
        ("budget", {"budget": 0}),
        ("budget", {"budget": 10_001}),
        ("budget", {"budget": "1"}),
        ("user_id", {"user_id": "somebody"}),
    ],
)
def test_worlds_that_are_refused(gateway: Gateway, user: str, field: str, changed: dict[str, Any]) -> None:
    with gateway.as_user(user) as client:
        assert is_problem(client.post("/api/v1/worlds", json=new(**changed)), 422, field)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"prompt": "a prompt with half of \ud83d a character", "characters_count": 1, "posts_count": 1}',
        rb'{"prompt": "A city of clockmakers", "characters_count": 1, "posts_count": 1, "name": "\ud83d"}',
        rb'{"prompt": "A city of clockmakers", "characters_count": 1, "posts_count": 1, "\ud83d": 1}',
        b'{"prompt": "A city of clockmakers", "characters_count": 1, "posts_count": 1, "budget": NaN}',
        b'{"prompt": "A city of clockmakers", "characters_count": 1, "posts_count": 1, "budget": 1e999}',
        b'{"prompt": "A city of clockmakers", "characters_count": 1' + b"0" * 6000 + b', "posts_count": 1}',
        b"[" * 50_000,
        b'{"a":' * 20_000,
        b"\xff\xfe\x00",
        b"",
        b"null",
        b'"text"',
    ],
)
@pytest.mark.parametrize("path", ["worlds", "worlds:estimate", "auth/register", "auth/login", "auth/local"])
def test_bodies_that_are_none(gateway: Gateway, user: str, path: str, body: bytes) -> None:
    with gateway.as_user(user) as client:
        headers = {"Content-Type": "application/json"}
        answer = client.post(f"/api/v1/{path}", content=body, headers=headers)
    # Strangers may send less.
    too_large = path.startswith("auth/") and len(body) > 16 * 1024
    assert answer.status_code in ((413,) if too_large else (400, 422))
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("refusal", "status", "field"),
    [
        (InvalidInputError("CreateWorld failed (INVALID_ARGUMENT): why").with_code("why_not"), 422, "budget"),
        (AllowanceExceeded("CreateWorld failed (FAILED_PRECONDITION): why"), 403, None),
    ],
)
def test_what_the_world_service_refuses_is_told_by_its_code(
    gateway: Gateway,
    user: str,
    monkeypatch: pytest.MonkeyPatch,
    refusal: PermanentError,
    status: int,
    field: str | None,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr(WorldClient, "create", refuse)
    with gateway.as_user(user) as client:
        answer = client.post("/api/v1/worlds", json=new(budget=1))
    assert is_problem(answer, status, field)
    assert answer.json()["code"] == refusal.code
    assert [one["code"] for one in answer.json()["errors"]] == [refusal.code] * (field is not None)
    assert answer.json()["detail"] == "why"


def test_large_bodies_are_not_read(gateway: Gateway, user: str) -> None:
    with gateway.as_user(user) as client:
        assert is_problem(client.post("/api/v1/worlds", json=new(description="x" * 300_000)), 413)

        def endless() -> Any:
            yield b'{"prompt": "'
            for _ in range(1000):
                yield b"x" * 1000

        assert is_problem(client.post("/api/v1/worlds", content=endless()), 411)


def test_a_budget_travels(gateway: Gateway, user: str) -> None:
    with gateway.as_user(user) as client:
        world_id = client.post("/api/v1/worlds", json=new(budget=1.25)).json()["id"]
    stored = gateway.collection("worlds").find_one({"_id": world_id})
    assert stored is not None
    assert stored["order"]["budget"] == 1.25


def test_pictures_and_parameters_are_shown(
    gateway: Gateway, services: Connections, world: WorldRecord, user: str
) -> None:
    services.worlds.update_image(
        world.id,
        add_picture(services, world.id, MediaType.WORLD_HEADER),
        add_picture(services, world.id, MediaType.WORLD_ICON),
    )
    services.worlds.update_params(world.id, {"theme": HARD, "n": [1, {"$inc": None}]}, "Named", 3, 5)
    with gateway.as_user(user) as client:
        shown = client.get(f"/api/v1/worlds/{world.id}").json()
        assert shown["params"] == {"theme": HARD, "n": [1, {"$inc": None}]}
        assert (shown["name"], shown["users_count"], shown["posts_count"]) == ("Named", 3, 5)
        for url in (shown["image_url"], shown["icon_url"]):
            assert httpx2.get(url).status_code == 200
        listed = client.get("/api/v1/worlds", params={"limit": 100}).json()["worlds"]
        assert shown in listed


def test_parameters_that_no_json_can_hold() -> None:
    def shown(params: str | None) -> Any:
        names = [
            f
            for f in WorldRecord.__slots__
            if f not in ("params_json", "is_joined", "users_count", "posts_count")
        ]
        record = WorldRecord(
            **dict.fromkeys(names, ""), params_json=params, is_joined=False, users_count=0, posts_count=0
        )
        world = WorldJson.of(record)
        world.model_dump_json().encode()
        return world.params

    for unusable in (None, "", "[]", "{", '{"a": NaN}', "[" * 100_000):
        assert shown(unusable) is None
    assert shown('{"a": 1}') == {"a": 1}
    assert shown('{"a": "\\ud83d!"}') == {"a": "!"}


def test_joining(gateway: Gateway, world: WorldRecord) -> None:
    with gateway.as_user("guest") as client:
        assert client.get(f"/api/v1/worlds/{world.id}").json()["is_joined"] is False
        for _ in range(2):
            joined = client.post(f"/api/v1/worlds/{world.id}/join")
            assert joined.json() == {"world_id": world.id, "is_joined": True}
        assert client.get(f"/api/v1/worlds/{world.id}").json()["is_joined"] is True
        assert is_problem(client.post("/api/v1/worlds/unknown/join"), 404)


def test_one_s_own_worlds_can_be_asked_for(gateway: Gateway, world: WorldRecord, user: str) -> None:
    for one, listed in ((user, [world.id]), (uuid4().hex, [])):
        with gateway.as_user(one) as client:
            found = client.get("/api/v1/worlds", params={"mine": True}).json()
            assert ([each["id"] for each in found["worlds"]], found["total"]) == (listed, len(listed))


def test_lists_are_bounded(gateway: Gateway, user: str) -> None:
    with gateway.as_user(user) as client:
        for name, value in (("limit", 0), ("limit", 101), ("limit", "x"), ("offset", -1), ("offset", 10**7)):
            assert is_problem(client.get("/api/v1/worlds", params={name: value}), 422, name)
        assert is_problem(client.get("/api/v1/worlds", params={"status": "gone"}), 422, "status")
        assert client.get("/api/v1/worlds", params={"status": "archived"}).json() == {
            "worlds": [],
            "total": 0,
        }


# --- the status, without the endpoint ----------------------------------------------------------------------------
def test_the_status_comes_from_the_world_service_alone(gateway: Gateway, world: WorldRecord) -> None:
    with gateway.as_user("guest") as client:
        status = client.get(f"/api/v1/worlds/{world.id}/status").json()
        assert (status["_id"], status["status"], status["current_stage"]) == (
            world.id,
            "pending",
            "initializing",
        )
        assert (status["users_predicted"], status["posts_predicted"]) == (3, 5)
        assert [stage["status"] for stage in status["stages"]] == ["pending"] * 6
        assert status["revision"] > 10**12
        assert is_problem(client.get("/api/v1/worlds/unknown/status"), 404)


# --- the endpoint ------------------------------------------------------------------------------------------------
STATUS = {
    "_id": "w",
    "status": "in_progress",
    "current_stage": "posts",
    "stages": [{"name": "posts", "status": "in_progress"}],
    "parameters": {"users_count": 3, "posts_count": 5, "user_prompt": PROMPT},
    "revision": 7,
    "created_at": "2025-05-26T21:41:22.698Z",
    "updated_at": "2025-05-26T21:42:57.047Z",
}
ESTIMATE = {
    "users_count": 3,
    "posts_count": 5,
}
SCHEDULE = {
    "world_id": "w",
    "posts_a_day": 5,
    "budget_a_day": 0.02,
    "budget_total": None,
    "until": "2026-12-24",
    "paused": False,
    "days": 3,
    "spent_usd": 0.05,
    "last_day": "2026-12-01",
    "waiting": None,
    "ended": None,
    "next_at": "2026-12-02T18:00:00Z",
}
REPLIES = {
    "world_id": "w",
    "on": True,
    "budget": 0.5,
    "spent_usd": 0.05,
    "replies": 3,
    "used_up": False,
    "today": 1,
    "a_day": 100,
    "a_day_person": 10,
}
CREATORS = [
    ("POST", "{}:cancel", 202),
    ("POST", "{}:resume", 202),
    ("POST", "{}:retry", 202),
    ("GET", "{}/schedule", 200),
    ("DELETE", "{}/schedule", 200),
    ("GET", "{}/replies", 200),
    ("DELETE", "{}/replies", 200),
    ("GET", "{}/failures", 200),
    ("GET", "{}/receipt", 200),
]


@pytest.fixture
def with_endpoint(gateway_with_endpoint: Gateway, endpoint: EndpointDouble) -> Gateway:
    return gateway_with_endpoint


@pytest.mark.parametrize(("method", "path", "status"), CREATORS)
def test_the_creator_alone_controls_a_world(
    with_endpoint: Gateway,
    endpoint: EndpointDouble,
    world: WorldRecord,
    user: str,
    method: str,
    path: str,
    status: int,
) -> None:
    body: Any = {"parts": [{"name": HARD, "usd": 0.1}]} if path.endswith("receipt") else STATUS
    if path.endswith("schedule"):
        body = SCHEDULE
    if path.endswith("replies"):
        body = REPLIES
    if path.endswith("failures"):
        body = [{"step": "post/07/03", "state": "failed", "reason": HARD, "at": "2025-05-26T21:42:57Z"}]
    endpoint.answer(method, f"/v1/generations/{path.format(world.id)}", status, body)
    with with_endpoint.as_user("somebody-else") as client:
        assert is_problem(client.request(method, f"/api/v1/worlds/{path.format(world.id)}"), 403)
        # Whether a world exists is no secret; whose it is decides nothing about an unknown one.
        assert is_problem(client.request(method, f"/api/v1/worlds/{path.format('unknown')}"), 404)
    assert endpoint.calls == []
    with with_endpoint.as_user(user) as client:
        answer = client.request(method, f"/api/v1/worlds/{path.format(world.id)}")
    assert answer.status_code == status
    if path.endswith("receipt"):
        assert answer.json() == body
    elif path.endswith("schedule"):
        assert answer.json() == SCHEDULE
    elif path.endswith("replies"):
        assert answer.json() == REPLIES
    elif path.endswith("failures"):
        assert answer.json()[0]["reason"] == HARD
    else:
        assert answer.json()["revision"] == 7
    call = endpoint.calls[0]
    assert (call.method, call.headers["Authorization"]) == (method, f"Bearer {API_TOKEN}")
    assert call.path == f"/v1/generations/{path.format(world.id)}"


def test_a_world_lives_on_as_its_creator_says_and_all_read_its_chronicle(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str
) -> None:
    told = [{"day": "2026-12-01", "headline": HARD, "what_happened": HARD}]
    endpoint.answer("PUT", f"/v1/generations/{world.id}/schedule", 200, SCHEDULE)
    endpoint.answer("GET", f"/v1/generations/{world.id}/chronicle", 200, told)
    path, asked = (
        f"/api/v1/worlds/{world.id}",
        {"posts_a_day": 5, "budget_a_day": 0.02, "until": "2026-12-24"},
    )
    with with_endpoint.as_user("somebody-else") as client:
        assert is_problem(client.put(f"{path}/schedule", json=asked), 403)
        assert endpoint.calls == []
        assert client.get(f"{path}/chronicle").json() == told
    endpoint.answer("GET", f"/v1/generations/{world.id}/chronicle", 404, {"detail": "not ordered"})
    with with_endpoint.as_user(user) as client:
        assert client.get(f"{path}/chronicle").json() == []
        assert client.get(f"{path}/schedule").json() is None, "it has none"
    endpoint.calls.clear()
    with with_endpoint.as_user(user) as client:
        assert is_problem(client.put(f"{path}/schedule", json={"posts_a_day": 51}), 422, "posts_a_day")
        assert client.put(f"{path}/schedule", json=asked).json() == SCHEDULE
    assert {name: value for name, value in endpoint.calls[-1].body.items() if value} == asked


def test_its_creator_lets_characters_reply_to_people_for_so_much(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str
) -> None:
    endpoint.answer("PUT", f"/v1/generations/{world.id}/replies", 200, REPLIES)
    path = f"/api/v1/worlds/{world.id}/replies"
    with with_endpoint.as_user("somebody-else") as client:
        assert is_problem(client.put(path, json={"budget": 0.5}), 403)
    with with_endpoint.as_user(user) as client:
        assert is_problem(client.put(path, json={}), 422, "budget")
        for budget in (0, -1, 10_001, "much", None, True):
            assert is_problem(client.put(path, json={"budget": budget}), 422, "budget")
        assert endpoint.calls == []
        assert client.put(path, json={"budget": 0.5}).json() == REPLIES
    assert [call.body for call in endpoint.calls] == [{"budget": 0.5}]


def test_a_world_is_extended_by_its_creator(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str
) -> None:
    endpoint.answer("POST", f"/v1/generations/{world.id}:extend", 202, STATUS)
    path, more = f"/api/v1/worlds/{world.id}:extend", {"characters_count": 3, "request_id": "r-1"}
    with with_endpoint.as_user("somebody-else") as client:
        assert is_problem(client.post(path, json=more), 403)
    with with_endpoint.as_user(user) as client:
        assert is_problem(client.post(path, json={}), 422)
        assert is_problem(client.post(path, json={"characters_count": 41}), 422, "characters_count")
        assert is_problem(client.post(path, json={"posts_count": 251}), 422, "posts_count")
        assert endpoint.calls == []
        assert client.post(path, json=more).status_code == 202
        assert client.post(path, json={"posts_count": 20, "budget": 0.5}).status_code == 202
    bodies = [{name: value for name, value in call.body.items() if value} for call in endpoint.calls]
    assert bodies == [{"users_count": 3, "request_id": "r-1"}, {"posts_count": 20, "budget": 0.5}]


def test_what_more_of_a_world_will_take_is_told_to_its_creator(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str
) -> None:
    found = estimate((14, 10), 60.0, PriceTable(0.3, 2.5, 0.0006), []).model_dump(mode="json")
    endpoint.answer("POST", f"/v1/generations/{world.id}:estimate", 200, found)
    path, size = f"/api/v1/worlds/{world.id}:estimate", {"characters_count": 3}
    with with_endpoint.as_user("somebody-else") as client:
        assert is_problem(client.post(path, json=size), 403)
    with with_endpoint.as_user(user) as client:
        assert is_problem(client.post(path, json={}), 422)
        assert is_problem(client.post(path, json=size | {"budget": 1.0}), 422, "budget")
        assert endpoint.calls == []
        assert client.post(path, json=size).json() == found
    assert endpoint.calls[0].body == {"users_count": 3, "posts_count": 0}


def test_the_endpoints_status_is_passed_on(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord
) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}", 200, STATUS)
    with with_endpoint.as_user("guest") as client:
        status = client.get(f"/api/v1/worlds/{world.id}/status").json()
    assert (status["revision"], status["current_stage"]) == (7, "posts")


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        (404, 404),
        (409, 409),
        (422, 422),
        (400, 409),
        (401, 503),
        (403, 403),
        (302, 503),
        (429, 503),
        (500, 503),
    ],
)
def test_refusals_of_the_endpoint(
    with_endpoint: Gateway, endpoint: EndpointDouble, world: WorldRecord, user: str, said: int, passed_on: int
) -> None:
    problem = {"detail": "The reason.", "errors": [{"field": "x", "message": "y"}]}
    endpoint.answer("POST", f"/v1/generations/{world.id}:cancel", said, problem)
    with with_endpoint.as_user(user) as client:
        answer = client.post(f"/api/v1/worlds/{world.id}:cancel")
    assert is_problem(answer, passed_on)
    if passed_on == 503:
        assert int(answer.headers["Retry-After"]) > 0
        assert "token" not in answer.text.lower()
    else:
        assert answer.json()["detail"] == "The reason."


def test_an_estimate_needs_only_a_login(with_endpoint: Gateway, endpoint: EndpointDouble) -> None:
    found = estimate((14, 10), 60.0, PriceTable(0.3, 2.5, 0.0006), [])
    endpoint.answer("POST", "/v1/generations:estimate", 200, found.model_dump(mode="json"))
    with with_endpoint.as_user("guest") as client:
        answer = client.post("/api/v1/worlds:estimate", json={"characters_count": 3, "posts_count": 5})
        assert answer.json() == found.model_dump(mode="json")
        assert endpoint.calls[0].body == ESTIMATE
        assert is_problem(
            client.post("/api/v1/worlds:estimate", json={"characters_count": 41, "posts_count": 5}),
            422,
            "characters_count",
        )


def test_without_the_endpoint(gateway: Gateway, world: WorldRecord, user: str) -> None:
    with gateway.as_user(user) as client:
        for answer in (
            client.post("/api/v1/worlds:estimate", json={"characters_count": 3, "posts_count": 5}),
            client.post(f"/api/v1/worlds/{world.id}:cancel"),
            client.get(f"/api/v1/worlds/{world.id}/receipt"),
        ):
            assert is_problem(answer, 503)
            assert answer.headers["Retry-After"]
            assert "127.0.0.1" not in answer.text


def test_without_the_services(start_gateway: StartGateway, user: str) -> None:
    nowhere = {f"{name}_service": "127.0.0.1:1" for name in ("world", "character", "post", "media")}
    gateway = start_gateway(**nowhere, rpc_timeout_s=5)
    with gateway.as_user(user) as client:
        for path in ("worlds", "worlds/w1", "characters/c1", "media/m1", "worlds/w1/status"):
            answer = client.get(f"/api/v1/{path}")
            assert is_problem(answer, 503)
            assert answer.headers["Retry-After"]
            assert "127.0.0.1" not in answer.text
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["world"] == "unavailable"
        assert ready.json()["mongodb"] == "ok"
        assert client.get("/livez").json() == {"status": "ok", "version": __version__}


def test_ready(with_endpoint: Gateway, endpoint: EndpointDouble, gateway: Gateway) -> None:
    endpoint.answer("GET", "/readyz", 200, {"status": "ok"})
    names = ["world", "character", "post", "media", "mongodb", "enqueue"]
    with with_endpoint.client() as client:
        assert client.get("/readyz").json() == dict.fromkeys(["status", *names], "ok")
    with gateway.client() as client:
        ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["enqueue"].startswith("unavailable")
