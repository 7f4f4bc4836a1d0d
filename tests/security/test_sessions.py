"""Sessions end where they are kept, and passwords take nobody's time but their own."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import islice
from typing import Any

import anyio
import httpx2
import pytest
from argon2 import PasswordHasher

from generia_worker.cli import display, stacks
from generia_worker.cli.display import Terminal
from generia_worker.errors import TransientError
from generia_worker.gateway import stream_routes
from generia_worker.gateway.accounts import Accounts
from generia_worker.gateway.auth import COOKIE
from generia_worker.gateway.password_queue import PasswordQueue
from generia_worker.http import sse
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.storage.mongo import utc_now
from tests.gateway.conftest import PASSWORD, Gateway, StartGateway


def registered(gateway: Gateway) -> dict[str, Any]:
    name = f"eve-{uuid.uuid4().hex[:10]}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    with gateway.client() as client:
        client.post("/api/v1/auth/register", json=body).raise_for_status()
    return body


def log_in(gateway: Gateway, body: dict[str, Any], password: str = PASSWORD) -> httpx2.Client:
    """Return a client that holds the cookie of a new session; the token too, in `client.token`."""
    client = gateway.client(Origin=gateway.url)
    answer = client.post("/api/v1/auth/login", json={"email": body["email"], "password": password})
    assert answer.status_code == 200
    client.headers["X-Token"] = answer.json()["access_token"]  # kept there for the test
    return client


def is_in(gateway: Gateway, client: httpx2.Client) -> set[int]:
    """Return what the cookie and the token of a client get."""
    with gateway.client(Authorization=f"Bearer {client.headers['X-Token']}") as by_token:
        return {
            client.get("/api/v1/auth/me").status_code,
            by_token.get("/api/v1/auth/me").status_code,
        }


def test_logging_out_ends_the_session_where_it_is_kept(gateway: Gateway) -> None:
    body = registered(gateway)
    with closing(log_in(gateway, body)) as here, closing(log_in(gateway, body)) as there:
        stolen = here.cookies[COOKIE]
        assert is_in(gateway, here) == is_in(gateway, there) == {200}
        ticket = here.post("/api/v1/auth/ticket").json()["ticket"]
        assert here.post("/api/v1/auth/logout").status_code == 204
        here.cookies.set(COOKIE, stolen, domain="127.0.0.1", path="/")
        assert is_in(gateway, here) == {401}
        with gateway.client() as client:
            path = f"/api/v1/worlds/{uuid.uuid4()}/status/stream"
            assert client.get(path, params={"ticket": ticket}).status_code == 401
        assert is_in(gateway, there) == {200}


def test_another_password_ends_every_session_but_the_one_that_it_opens(gateway: Gateway) -> None:
    body, new = registered(gateway), "battery staple correct"
    with closing(log_in(gateway, body)) as here, closing(log_in(gateway, body)) as there:
        wrong = here.post(
            "/api/v1/auth/password", json={"old_password": "not the password", "new_password": new}
        )
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "old_password")
        for bad in ("short", " " * 10):
            change = {"old_password": PASSWORD, "new_password": bad}
            refused = here.post("/api/v1/auth/password", json=change)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "new_password")
        assert is_in(gateway, here) == is_in(gateway, there) == {200}
        stolen = here.cookies[COOKIE]
        done = here.post("/api/v1/auth/password", json={"old_password": PASSWORD, "new_password": new})
        assert done.status_code == 200
        assert here.cookies[COOKIE] != stolen
        # The new cookie is good, the token of before is not.
        assert is_in(gateway, here) == {200, 401}
        assert is_in(gateway, there) == {401}
    with gateway.client() as client:
        old = {"email": body["email"], "password": PASSWORD}
        assert client.post("/api/v1/auth/login", json=old).status_code == 401
    log_in(gateway, body, new).close()


def test_who_has_no_password_cannot_change_it(gateway: Gateway) -> None:
    gateway.deps.accounts.local()
    with gateway.as_user(LOCAL_USER) as client:
        change = {"old_password": PASSWORD, "new_password": PASSWORD}
        assert client.post("/api/v1/auth/password", json=change).status_code == 409


def test_the_oldest_of_many_sessions_ends(gateway: Gateway) -> None:
    accounts = gateway.deps.accounts
    user = accounts.register(uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.org", PASSWORD).id
    ids = [accounts.open_session(user, 60) for _ in range(51)]
    assert accounts.of_session(user, ids[0]) is None
    assert all(accounts.of_session(user, one) for one in ids[1:])
    assert accounts.of_session(user, accounts.open_session(user, -1)) is None


class _Stuck(PasswordHasher):
    """Hashes when it is let."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.started, self.go_on = threading.Semaphore(0), threading.Event()

    def verify(self, hash: Any, password: Any) -> Any:
        self.started.release()
        assert self.go_on.wait(60)
        return super().verify(hash, password)


TRIES = 45  # more than the gateway has threads


def test_logins_wait_in_a_short_queue_of_their_own(start_gateway: StartGateway) -> None:
    gateway, hasher = start_gateway(), _Stuck()
    accounts = Accounts(gateway.collection("accounts"), utc_now, hasher)
    # The application keeps what it was given: the queue in front of the hasher is the delivered one.
    object.__setattr__(gateway.deps, "accounts", accounts)
    token = gateway.token("patient")

    def try_to(number: int) -> httpx2.Response:
        body = {"email": f"nobody-{number}", "password": "not the password"}
        with gateway.client() as client:
            return client.post("/api/v1/auth/login", json=body)

    with ThreadPoolExecutor(TRIES) as crowd:
        waiting = [crowd.submit(try_to, number) for number in range(TRIES)]
        for _ in range(2):
            assert hasher.started.acquire(timeout=30)
        # Neither the forty threads nor anything else of other calls is taken.
        with gateway.client(Authorization=f"Bearer {token}") as client:
            for _ in range(20):
                assert client.get("/api/v1/worlds").status_code == 200
        # All but those that hash and those that may wait are told to come again, at once.
        for _ in islice(as_completed(waiting, 60), TRIES - 2 - 16):
            pass
        hasher.go_on.set()
        answers = [one.result(60) for one in waiting]
    busy = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {401, 503}
    assert len(busy) == TRIES - 2 - 16
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in busy)


def test_the_queue_is_short() -> None:
    go_on = threading.Event()

    async def fill() -> None:
        passwords = PasswordQueue()
        async with anyio.create_task_group() as group:
            for _ in range(18):
                group.start_soon(passwords.run, go_on.wait, 60)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(TransientError) as caught:
                await passwords.run(go_on.wait, 60)
            assert caught.value.retry_after_s
            go_on.set()
        assert await passwords.run(lambda: "again") == "again"

    anyio.run(fill)


def test_the_link_is_printed_in_a_terminal_alone(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Started:
        data_dir = "here"

        def run_until_signal(self, announce: Any) -> None:
            announce(gateway.deps.settings)

        def stop(self) -> None:
            pass

    monkeypatch.setattr(stacks, "_stack", lambda *_, **__: Started())
    monkeypatch.setattr(Terminal, "print", lambda _, *words, **__: said.extend(map(str, words)))
    for is_terminal in (False, True):
        said.clear()
        monkeypatch.setattr(display, "is_watched", lambda _, so=is_terminal: so)
        stacks.keep_running(gateway.deps.settings, as_json=False)
        assert any("#login=" in line for line in said) is is_terminal
        assert any("generia login" in line for line in said) is not is_terminal


@pytest.mark.parametrize("end", ["logout", "lock"])
def test_a_stream_ends_with_its_session(
    start_gateway: StartGateway, world: WorldRecord, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(stream_routes, "SESSION_CHECK_S", 0.0)
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.0)
    gateway = start_gateway()
    with closing(log_in(gateway, registered(gateway))) as here, closing(gateway.client()) as reader:
        reader.cookies = here.cookies
        path = f"/api/v1/worlds/{world.id}/status/stream"
        stream = reader.send(reader.build_request("GET", path), stream=True)
        arriving = stream.iter_raw()
        for _ in range(3):
            next(arriving)
        if end == "logout":
            assert here.post("/api/v1/auth/logout").status_code == 204
        else:
            gateway.deps.accounts.lock(here.get("/api/v1/auth/me").json()["id"], locked=True)
        assert sum(1 for _ in arriving) < 100
        stream.close()
