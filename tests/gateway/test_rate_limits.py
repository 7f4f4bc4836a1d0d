"""Limits on how often: over several processes, by address, account and user, with and without Redis."""

from __future__ import annotations

import uuid
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from generia_worker.gateway.rate_limits import RateLimits, TooManyRequests, network_of
from generia_worker.settings import Settings
from tests.gateway.conftest import PASSWORD, StartGateway
from tests.reference.conftest import PROMPT

WRONG = "not the password"
NOWHERE = SecretStr("redis://127.0.0.1:1/0")


def refused(answer: httpx2.Response) -> bool:
    return (
        answer.status_code == 429
        and answer.headers["Content-Type"] == "application/problem+json"
        and 0 < int(answer.headers["Retry-After"]) <= 3600
        and answer.json()["status"] == 429
    )


def new_key() -> str:
    return uuid.uuid4().hex


def test_worlds_are_counted_by_user(start_gateway: StartGateway) -> None:
    gateway = start_gateway(gateway_rate_create="2/hour")
    body = {"prompt": PROMPT, "characters_count": 1, "posts_count": 1}
    first, second = new_key(), new_key()
    with gateway.as_user(first) as client:
        assert [client.post("/api/v1/worlds", json=body).status_code for _ in range(2)] == [201, 201]
        assert refused(client.post("/api/v1/worlds", json=body))
        # What is malformed was never counted, and reading is free.
        assert client.post("/api/v1/worlds", json={}).status_code == 422
        assert client.get("/api/v1/worlds").status_code == 200
    with gateway.as_user(second) as client:
        assert client.post("/api/v1/worlds", json=body).status_code == 201


def test_wrong_passwords_are_counted_by_address_and_name_together(start_gateway: StartGateway) -> None:
    gateway = start_gateway(
        gateway_rate_login="3/hour", gateway_rate_address="6/hour", gateway_trusted_proxies="127.0.0.1"
    )
    name = f"{new_key()}@example.org"
    # Networks that no other test calls from.
    block = f"2001:db8:{new_key()[:4]}"

    def call(address: str, path: str, **body: Any) -> httpx2.Response:
        with gateway.client(**{"X-Forwarded-For": address}) as client:
            return client.post(f"/api/v1/auth/{path}", json=body)

    def log_in(address: str, password: str = WRONG, email: str = name) -> httpx2.Response:
        return call(address, "login", email=email, password=password)

    call(f"{block}:1::1", "register", username=new_key(), email=name, password=PASSWORD)
    assert [log_in(f"{block}:2::1").status_code for _ in range(3)] == [401] * 3
    # However the name is written, and from wherever in the same network.
    assert refused(log_in(f"{block}:2::2", email=name.upper()))
    # Nobody is shut out from elsewhere.
    assert log_in(f"{block}:3::1", PASSWORD).status_code == 200
    # The right one makes the wrong ones forgotten.
    for _ in range(2):
        assert [log_in(f"{block}:4::1").status_code for _ in range(2)] == [401] * 2
        assert log_in(f"{block}:4::1", PASSWORD).status_code == 200
    # All names that one network tries are counted too.
    others = [log_in(f"{block}:5::{n}", email=f"{new_key()}@example.org") for n in range(6)]
    assert [answer.status_code for answer in others] == [401] * 6
    assert refused(log_in(f"{block}:5::9", email=f"{new_key()}@example.org"))


def test_registering_is_counted_by_address(start_gateway: StartGateway) -> None:
    gateway = start_gateway(gateway_rate_register="1/hour", gateway_trusted_proxies="127.0.0.1")
    with gateway.client(**{"X-Forwarded-For": f"2001:db8:{new_key()[:4]}::1"}) as client:
        answers = [
            client.post(
                "/api/v1/auth/register",
                json={"username": new_key(), "email": f"{new_key()}@example.org", "password": PASSWORD},
            )
            for _ in range(2)
        ]
    assert answers[0].status_code == 201
    assert refused(answers[1])


def test_two_processes_count_together(servers: Settings) -> None:
    settings = servers.model_copy(update={"gateway_rate_create": "2/hour"})
    one, another, key = RateLimits(settings), RateLimits(settings), new_key()
    one.hit("create", key)
    another.hit("create", key)
    for rates in (one, another):
        with pytest.raises(TooManyRequests) as caught:
            rates.hit("create", key)
        assert caught.value.retry_after_s is not None
        assert 3500 < caught.value.retry_after_s <= 3600


def test_of_several_rates_all_hold(servers: Settings) -> None:
    rates, key = RateLimits(servers.model_copy(update={"gateway_rate_create": "5/minute; 2/day"})), new_key()
    rates.hit("create", key)
    rates.hit("create", key)
    with pytest.raises(TooManyRequests, match="2 a day"):
        rates.hit("create", key)


def test_names_do_not_stand_in_redis(servers: Settings) -> None:
    import redis

    rates, key = RateLimits(servers), f"account {new_key()}@example.org"
    rates.hit("login", key)
    with redis.Redis.from_url(servers.redis_url.get_secret_value()) as client:
        keys = client.keys("generia:rate*")
    assert keys
    assert not any(b"example" in found for found in keys)


def test_without_redis_each_process_counts(servers: Settings) -> None:
    time = [0.0]
    settings = servers.model_copy(update={"gateway_rate_create": "2/hour", "redis_url": NOWHERE})
    rates, key = RateLimits(settings, clock=lambda: time[0]), new_key()
    for _ in range(2):
        rates.hit("create", key)
    with pytest.raises(TooManyRequests):
        rates.hit("create", key)
    # Redis is asked again after a while, and its absence noted again.
    time[0] = 100
    with pytest.raises(TooManyRequests):
        rates.hit("create", key)


def test_what_stands_for_an_address() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::9") != network_of("2001:db8:1:2::9")
    assert network_of("") == ""
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") != network_of("::ffff:192.0.2.8")
