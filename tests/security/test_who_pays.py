"""Who may come in, and what a day may cost: at the endpoint, at the gateway, and by the commands of an operator."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from celery import Celery
from click.testing import CliRunner
from starlette.testclient import TestClient

from generia_worker.api.app import create_app
from generia_worker.app.container import Container
from generia_worker.app.enqueue import Enqueuer
from generia_worker.gateway.accounts import Role
from generia_worker.gateway.server import warn_of_strangers
from generia_worker.processes.users import ROLES, Asked, users
from generia_worker.settings import Settings
from generia_worker.worlds.steps import FINISH, STEPS
from tests.api.conftest import TOKEN
from tests.gateway.conftest import PASSWORD, EndpointDouble, Gateway, StartGateway

Call = Callable[..., Any]


# --- the endpoint ------------------------------------------------------------------------------------------------
@pytest.fixture
def limited(container: Container) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of an endpoint with these limits."""
    opened: list[Container] = []

    def make(**limits: Any) -> TestClient:
        own = Container(
            container.settings.model_copy(update={"mongo_database": f"pay-{uuid.uuid4().hex[:8]}", **limits})
        )
        own.database.ensure_indexes()
        opened.append(own)
        celery = Celery(broker=own.settings.redis_url.get_secret_value())
        app = create_app(own, Enqueuer(celery, lambda: own.redis))
        app.state.container = own
        return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})

    yield make
    for one in opened:
        one.database.client.drop_database(one.settings.mongo_database)
        one.close()


def order(client: TestClient, person: str = "ada", **changed: Any) -> httpx2.Response | Any:
    body = {
        "world_id": uuid.uuid4().hex,
        "user_prompt": "A lighthouse kept by retired pirates",
        "users_count": 1,
        "posts_count": 1,
        "user_id": person,
    }
    return client.post("/v1/generations", json=body | changed)


def left(client: TestClient, person: str = "ada") -> dict[str, Any]:
    answer = client.get(f"/v1/allowances/{person}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_without_limits_nothing_is_in_the_way(limited: Call) -> None:
    client = limited()
    assert order(client).status_code == 202
    assert left(client) | {"resets_at": ""} == {
        "worlds_left": None,
        "worlds_most": None,
        "usd_left": None,
        "usd_most": None,
        "resets_at": "",
    }


def test_worlds_of_a_person(limited: Call) -> None:
    client = limited(daily_worlds_person=1)
    world = uuid.uuid4().hex
    assert order(client, world_id=world).status_code == 202
    # The same order again is the same world.
    assert order(client, world_id=world).status_code == 202
    refused = order(client)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "Today left: no world of 1" in refused.json()["detail"]
    assert left(client)["worlds_left"] == 0
    assert order(client, person="eve").status_code == 202
    # A world that is known by that is another one with another body, whoever orders it.
    assert order(client, world_id=world, posts_count=2).status_code == 409


@pytest.mark.parametrize("limit", ["daily_usd_person", "daily_usd_all"])
def test_dollars(limited: Call, limit: str) -> None:
    client = limited(**{limit: 0.5})
    assert left(client)["usd_left"] == 0.5
    assert order(client, budget=0.4).status_code == 202
    assert left(client)["usd_left"] == pytest.approx(0.1)
    refused = order(client, budget=0.2)
    assert refused.status_code == 403
    assert "Today left: $0.10; this world may cost $0.20" in refused.json()["detail"]
    # One without a budget gets one: what it may take, and no more than there is.
    assert order(client).status_code == 202
    assert left(client)["usd_left"] == pytest.approx(0)
    assert order(client).status_code == 403
    assert order(client, person="eve").status_code == (202 if limit == "daily_usd_person" else 403)


def test_a_large_world_that_does_not_fit_is_refused_before(limited: Call) -> None:
    client = limited(daily_usd_person=0.1)
    refused = order(client, users_count=40, posts_count=250)
    assert refused.status_code == 403
    assert "give it a budget that fits" in refused.json()["detail"]
    assert left(client)["usd_left"] == 0.1


def test_dollars_without_prices_are_refused(limited: Call) -> None:
    client = limited(daily_usd_all=1.0, llm_price_input_usd_per_mtok=None)
    refused = order(client)
    assert refused.status_code == 422
    assert "GENERIA_LLM_PRICE_INPUT_USD_PER_MTOK" in refused.json()["detail"]
    assert refused.json()["code"] == "limit_without_prices"


def test_a_world_goes_on_within_the_day(limited: Call) -> None:
    client = limited(daily_usd_person=0.5)
    world = order(client, budget=0.4).json()["_id"]
    other = order(client, budget=0.1).json()["_id"]
    own: Container = client.app.state.container
    for one, spent in ((world, 0.3), (other, 0.1)):
        own.rows.add(one, STEPS.opening(1), 1)
        own.control.cancel(one)
        own.status_refresh.refresh(one)
        # No worker is there to take the last step.
        own.database.steps.update_one({"_id": FINISH.step().key(one)}, {"$set": {"state": "done"}})
        own.status_refresh.refresh(one)
        own.database.generations.update_one({"_id": one}, {"$set": {"reserved.usd": spent, "drift": None}})
        own.allowances.settle(one)
    assert left(client)["usd_left"] == pytest.approx(0.1)
    assert client.post(f"/v1/generations/{world}:resume").status_code == 202
    assert left(client)["usd_left"] == pytest.approx(0)
    # What holds nothing more may still be asked to go on, and says why it cannot.
    assert client.post(f"/v1/generations/{other}:retry").status_code == 409


def test_more_of_a_world_is_held_of_the_day_as_a_world_is(limited: Call) -> None:
    client = limited(daily_usd_person=0.5)
    world = order(client, budget=0.1).json()["_id"]
    own: Container = client.app.state.container
    own.rows.add(world, STEPS.opening(1), 1)
    made = {step.key(world): "done" for step in [*STEPS.opening(1), STEPS.parse("character/1")]}
    own.rows.add(world, [STEPS.parse("character/1")], 1)
    for key in made:
        own.database.steps.update_one({"_id": key}, {"$set": {"state": "done", "result": {}}})
    own.database.generations.update_one({"_id": world}, {"$set": {"shares": [0], "reserved.usd": 0.0}})
    own.status_refresh.refresh(world)
    assert client.get(f"/v1/generations/{world}").json()["status"] == "completed"
    path = f"/v1/generations/{world}:extend"
    refused = client.post(path, json={"users_count": 1, "budget": 0.6})
    assert refused.status_code == 403
    assert "Today left: $0.50" in refused.json()["detail"]
    assert left(client)["usd_left"] == pytest.approx(0.5), "what the first order did not spend is given back"
    assert client.post(path, json={"users_count": 1, "budget": 0.4}).status_code == 202
    assert left(client)["usd_left"] == pytest.approx(0.1)
    assert own.generations.get(world).budget_usd == pytest.approx(0.4)


def test_what_is_refused_holds_nothing(limited: Call) -> None:
    client = limited(daily_usd_person=0.5)
    world = order(client, budget=0.4).json()["_id"]
    own: Container = client.app.state.container
    own.database.generations.update_one({"_id": world}, {"$set": {"open": False}})
    own.allowances.settle(world)
    assert left(client)["usd_left"] == 0.5
    # It was neither cancelled nor has it failed.
    assert client.post(f"/v1/generations/{world}:resume").status_code == 409
    assert left(client)["usd_left"] == pytest.approx(0.5)


def test_what_a_day_may_cost_is_told_to_operators(limited: Call) -> None:
    client = limited(daily_usd_all=2.0)
    order(client, budget=0.5)
    shown = client.get("/metrics").text
    assert "generia_day_dollars 0.5" in shown
    assert "generia_day_limit_dollars 2.0" in shown


# --- the gateway -------------------------------------------------------------------------------------------------
def registering(gateway: Gateway, **changed: Any) -> httpx2.Response:
    name = f"eve-{uuid.uuid4().hex[:10]}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    with gateway.client() as client:
        return client.post("/api/v1/auth/register", json=body | changed)


def entrance(gateway: Gateway) -> str:
    with gateway.client() as client:
        return str(client.get("/api/v1/auth/session").json()["registration"])


def test_nobody_registers_where_it_is_closed(start_gateway: StartGateway, gateway: Gateway) -> None:
    closed = start_gateway(gateway_registration="closed")
    assert (entrance(closed), entrance(gateway)) == ("closed", "open")
    assert registering(closed).status_code == 403
    assert registering(closed, invitation=closed.deps.accounts.invite()).status_code == 403
    assert registering(gateway).status_code == 201


def test_an_invitation_is_good_once(start_gateway: StartGateway) -> None:
    gateway = start_gateway(gateway_registration="invitation")
    assert entrance(gateway) == "invitation"
    code = gateway.deps.accounts.invite()
    for wrong in ({}, {"invitation": ""}, {"invitation": "x" * 32}):
        refused = registering(gateway, **wrong)
        assert refused.status_code == 403
        assert "invitation" in refused.json()["detail"]
    # Who could not be registered keeps it.
    assert registering(gateway, invitation=code, username="local").status_code == 409
    assert registering(gateway, invitation=code).status_code == 201
    assert registering(gateway, invitation=code).status_code == 403
    # Of the code only a digest is stored.
    assert not gateway.collection("invitations").find_one({"_id": code})


def test_the_page_is_told_what_is_left(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, user: str
) -> None:
    answer = {
        "worlds_left": 2,
        "worlds_most": 3,
        "usd_left": 0.5,
        "usd_most": 1.0,
        "resets_at": "2026-05-27T00:00:00Z",
    }
    endpoint.answer("GET", f"/v1/allowances/{user}", 200, answer)
    with gateway_with_endpoint.as_user(user) as client:
        assert client.get("/api/v1/allowance").json() == answer


def test_what_the_day_does_not_allow_is_told_as_it_is(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, user: str, world: Any
) -> None:
    detail = "Today left: $0.00; this world may cost $0.30."
    endpoint.answer("POST", f"/v1/generations/{world.id}:resume", 403, {"detail": detail})
    with gateway_with_endpoint.as_user(user) as client:
        refused = client.post(f"/api/v1/worlds/{world.id}:resume")
    assert (refused.status_code, refused.json()["detail"]) == (403, detail)


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, False),
        ({"gateway_url": "https://generia.example"}, True),
        ({"gateway_url": "https://generia.example", "gateway_registration": "invitation"}, False),
        ({"gateway_url": "https://generia.example", "daily_usd_all": 5.0}, False),
    ],
)
def test_an_open_door_to_an_open_purse_is_told(
    caplog: pytest.LogCaptureFixture, changed: dict[str, Any], warned: bool
) -> None:
    warn_of_strangers(Settings(_env_file=None, **changed))
    assert ("GENERIA_DAILY_USD_ALL" in caplog.text) is warned


# --- the operator ------------------------------------------------------------------------------------------------
def command(settings: Settings, *words: str) -> Any:
    asked = Asked(settings, as_json=True)
    # The group itself would take the settings of the environment.
    found = CliRunner().invoke(users.commands[words[0]], list(words[1:]), obj=asked)
    assert found.exit_code == 0, found.output
    return json.loads(found.output)


def test_an_operator_looks_after_people(start_gateway: StartGateway) -> None:
    gateway = start_gateway(gateway_registration="invitation", daily_worlds_person=5)
    settings = gateway.deps.settings
    link = command(settings, "invite")["link"]
    assert link.startswith(f"{settings.gateway_url}/#invitation=")
    made = registering(gateway, invitation=link.partition("=")[2]).json()
    name, bearer = made["user"]["username"], {"Authorization": f"Bearer {made['access_token']}"}
    listed = {row["username"]: row for row in command(settings, "list")}
    assert listed[name] == {
        "id": made["user"]["id"],
        "username": name,
        "email": made["user"]["email"],
        "role": "user",
        "locked": False,
        "worlds_left": 5,
        "usd_left": None,
    }
    assert command(settings, "cap", name, "--worlds", "1", "--usd", "2.5")["usd_left"] == 2.5
    assert command(settings, "cap", name, "--default")["worlds_left"] == 5
    with gateway.client(**bearer) as client:
        assert client.get("/api/v1/auth/me").json()["role"] == "user"
        assert command(settings, "role", name, "admin")["role"] == "admin"
        assert client.get("/api/v1/auth/me").json()["role"] == "admin"
        # A lock ends what goes on, and lets nobody in.
        assert command(settings, "lock", name)["locked"]
        assert client.get("/api/v1/auth/me").status_code == 401
        login = {"email": name, "password": PASSWORD}
        assert client.post("/api/v1/auth/login", json=login).status_code == 401
        command(settings, "unlock", name)
        assert client.get("/api/v1/auth/me").status_code == 401
        assert client.post("/api/v1/auth/login", json=login).status_code == 200
        reset = command(settings, "reset-password", name)["password"]
        assert client.post("/api/v1/auth/login", json=login).status_code == 401
        assert client.post("/api/v1/auth/login", json=login | {"password": reset}).status_code == 200
    assert {role.value for role in Role} == set(ROLES)


def test_a_name_that_nobody_has_is_told(start_gateway: StartGateway) -> None:
    asked = Asked(start_gateway().deps.settings)
    for words in (["lock", "nobody-at-all"], ["cap", "nobody-at-all", "--worlds", "1"]):
        found = CliRunner().invoke(users.commands[words[0]], words[1:], obj=asked)
        assert found.exit_code == 1
        assert "There is no account nobody-at-all" in found.output


def test_an_admin_looks_after_the_worlds_of_others(
    gateway_with_endpoint: Gateway, endpoint: EndpointDouble, world: Any
) -> None:
    endpoint.answer("GET", f"/v1/generations/{world.id}/failures", 200, [])
    path = f"/api/v1/worlds/{world.id}/failures"
    somebody = uuid.uuid4().hex
    with gateway_with_endpoint.as_user(somebody) as client:
        assert client.get(path).status_code == 403
        gateway_with_endpoint.deps.accounts.set_role(somebody, Role.ADMIN)
        assert client.get(path).status_code == 200
