"""Accounts over HTTP: registering, logging in, sessions, and what they never tell."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher

from generia_worker.gateway.auth import COOKIE
from generia_worker.gateway.tokens import Audience, local_login_token
from generia_worker.rpc.users import LOCAL_USER
from generia_worker.settings import Settings
from tests.gateway.conftest import CHEAP, PASSWORD, Gateway, StartGateway, running


def fresh(**changed: Any) -> dict[str, Any]:
    name = f"Ada-{uuid.uuid4().hex[:10]}"
    return {"username": name, "email": f"{name}@Example.org", "password": PASSWORD} | changed


def register(gateway: Gateway, **changed: Any) -> httpx2.Response:
    with gateway.client() as client:
        return client.post("/api/v1/auth/register", json=fresh(**changed))


def log_in(gateway: Gateway, name: str, password: str = PASSWORD) -> httpx2.Response:
    with gateway.client() as client:
        return client.post("/api/v1/auth/login", json={"email": name, "password": password})


def test_register_log_in_and_out(gateway: Gateway) -> None:
    body, here = fresh(), {"registration": "open", "reactions": True, "simulated": False}
    with gateway.client() as client:
        made = client.post("/api/v1/auth/register", json=body)
        assert made.status_code == 201
        session = made.json()
        assert (session["token_type"], session["expires_in"]) == ("bearer", 3600)
        assert session["user"]["username"] == body["username"]
        assert session["user"]["email"] == body["email"]
        # The cookie alone, as the page uses it.
        assert client.get("/api/v1/auth/me").json() == session["user"]
        assert client.get("/api/v1/auth/session").json() == {"user": session["user"], **here}
        out = client.post("/api/v1/auth/logout", headers={"Origin": gateway.url})
        assert out.status_code == 204
        assert client.get("/api/v1/auth/me").status_code == 401
        assert client.get("/api/v1/auth/session").json() == {"user": None, **here}
    # What was issued for the session ends with it.
    with gateway.client(Authorization=f"Bearer {session['access_token']}") as client:
        assert client.get("/api/v1/auth/me").status_code == 401
    for name in (body["username"], body["email"], body["email"].upper(), body["username"].lower()):
        again = log_in(gateway, name)
        assert again.status_code == 200
        assert again.json()["user"] == session["user"]


def test_the_password_is_kept_as_a_hash_only(gateway: Gateway) -> None:
    user_id = register(gateway).json()["user"]["id"]
    stored = gateway.collection("accounts").find_one({"_id": user_id})
    assert stored is not None
    assert stored["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(stored)


@pytest.fixture
def delivered(platform: Settings) -> Iterator[Gateway]:
    """A gateway whose hashes are as strong as the delivered ones."""
    with running(platform, None) as gateway:
        yield gateway


def test_a_weak_hash_is_made_anew_at_login(delivered: Gateway) -> None:
    body, gateway = fresh(), delivered
    user_id = register(gateway, **body).json()["user"]["id"]
    accounts = gateway.collection("accounts")
    accounts.update_one({"_id": user_id}, {"$set": {"password_hash": CHEAP.hash(PASSWORD)}})
    assert log_in(gateway, body["email"]).status_code == 200
    found = accounts.find_one({"_id": user_id})
    assert found is not None
    assert not PasswordHasher().check_needs_rehash(found["password_hash"])
    assert log_in(gateway, body["email"]).status_code == 200


def test_names_and_addresses_are_taken_once(gateway: Gateway) -> None:
    body = fresh()
    assert register(gateway, **body).status_code == 201
    for field, changed in (
        ("username", {"username": body["username"].upper()}),
        ("email", {"email": body["email"].upper()}),
        ("username", {"username": LOCAL_USER}),
        ("username", {"username": "Local"}),
    ):
        refused = register(gateway, **changed)
        assert refused.status_code == 409
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["errors"][0]["field"] == field


def test_a_name_in_any_script_logs_in(gateway: Gateway) -> None:
    tail = f"{uuid.uuid4().int % 10**9}"
    body = fresh(username=f"Сосо{tail}", email=f"{tail}@example.org")
    made = register(gateway, **body)
    assert made.status_code == 201
    assert made.json()["user"]["username"] == body["username"]
    for name in (body["username"], body["username"].upper(), f" {body['username']} "):
        assert log_in(gateway, name).json()["user"] == made.json()["user"]
    # Latin letters that look the same.
    refused = register(gateway, username=f"Coco{tail}")
    assert (refused.status_code, refused.json()["code"]) == (409, "username_taken")
    short = register(gateway, username="王")
    assert short.status_code == 422
    assert short.json()["errors"][0]["message"] == "must have 2 to 32 characters"


def test_errors_have_codes(gateway: Gateway) -> None:
    body = fresh()
    register(gateway, **body)
    codes = {
        "login_wrong": log_in(gateway, body["email"], "not the password"),
        "email_taken": register(gateway, email=body["email"]),
        "invalid": register(gateway, password="short"),
    }
    with gateway.client() as client:
        codes |= {
            "not_logged_in": client.get("/api/v1/worlds"),
            "session_ended": client.get("/api/v1/worlds", headers={"Authorization": "Bearer nothing"}),
            "link_not_valid": client.post("/api/v1/auth/local", json={"token": "nothing"}),
            "not_found": client.get("/api/v1/nothing"),
        }
    assert {expected: answer.json()["code"] for expected, answer in codes.items()} == {
        expected: expected for expected in codes
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "x" * 9),
        ("password", " " * 10),
        ("password", "x" * 9 + " " * 10),
        ("password", "\u2003" * 20),
        ("password", "x" * 201),
        ("password", 1234567890),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "a b@example.org"),
        ("email", f"{'a' * 250}@example.org"),
        ("email", "a@exa\x00mple.org"),
        ("username", "a"),
        ("username", "ada\u202e"),
        ("username", "p\u0430ypal"),
        ("username", "a" * 33),
        ("username", "a/b"),
        ("username", "name\n"),
        ("username", None),
        ("colour", "blue"),
    ],
)
def test_what_cannot_be_registered(gateway: Gateway, field: str, value: Any) -> None:
    refused = register(gateway, **{field: value})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field
    assert PASSWORD not in refused.text
    assert "xxxxxxxxx" not in refused.text


def test_a_failed_login_tells_nothing(gateway: Gateway) -> None:
    body = fresh()
    register(gateway, **body)
    wrong = log_in(gateway, body["email"], "not the password")
    unknown = log_in(gateway, "nobody@example.org", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert "Set-Cookie" not in wrong.headers
    # The local account has no password at all.
    with gateway.client() as client:
        client.post("/api/v1/auth/local", json={"token": local_login_token(gateway.deps.settings)})
    for password in ("", "None", PASSWORD):
        assert log_in(gateway, LOCAL_USER, password).status_code in (401, 422)


def test_an_unknown_name_costs_the_same_work(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = []
    verify = PasswordHasher.verify

    def spy(self: PasswordHasher, stored: str, password: str) -> bool:
        parameters.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    body = fresh()
    register(gateway, **body)
    for name in (body["email"], "nobody@example.org", "nobody", LOCAL_USER):
        log_in(gateway, name, "not the password")
    assert len(parameters) == 4
    assert len(set(parameters)) == 1


def test_the_account_is_gone(gateway: Gateway) -> None:
    with gateway.as_user("nobody-any-more") as client:
        assert client.get("/api/v1/auth/me").status_code == 200
        gateway.collection("accounts").delete_one({"_id": "nobody-any-more"})
        assert client.get("/api/v1/auth/me").status_code == 401


def test_the_link_of_the_command_line_logs_in_once(gateway: Gateway) -> None:
    link = {"token": local_login_token(gateway.deps.settings)}
    with gateway.client() as client:
        answer = client.post("/api/v1/auth/local", json=link)
        assert answer.status_code == 200
        assert answer.json()["user"]["id"] == LOCAL_USER
        assert client.get("/api/v1/auth/me").json()["username"] == LOCAL_USER
    with gateway.client() as client:
        again = client.post("/api/v1/auth/local", json=link)
        assert again.status_code == 401
        assert "generia login" in again.json()["detail"]
    for token in (
        gateway.token(LOCAL_USER),
        gateway.token(LOCAL_USER, Audience.SESSION),
        gateway.token("somebody", Audience.LOCAL_LOGIN),
        "x",
    ):
        with gateway.client() as client:
            assert client.post("/api/v1/auth/local", json={"token": token}).status_code == 401


# --- cookies and origins -----------------------------------------------------------------------------------------
def cookie_of(answer: httpx2.Response) -> dict[str, str]:
    found = {}
    for item in answer.headers["Set-Cookie"].split("; "):
        name, _, value = item.partition("=")
        found[name.lower()] = value
    return found


def test_the_cookie(gateway: Gateway, start_gateway: StartGateway) -> None:
    cookie = cookie_of(register(gateway))
    assert cookie[COOKIE]
    assert "httponly" in cookie
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert cookie["max-age"] == str(gateway.deps.settings.session_s)
    assert "secure" not in cookie
    # With https before it.
    behind = start_gateway(gateway_url="https://generia.example")
    answer = register(behind)
    assert "secure" in cookie_of(answer)
    assert answer.headers["Strict-Transport-Security"]


def test_a_proxy_is_believed_when_it_is_named(gateway: Gateway, start_gateway: StartGateway) -> None:
    claim = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    with gateway.client(**claim) as client:
        assert "secure" not in cookie_of(client.post("/api/v1/auth/register", json=fresh()))
    named = start_gateway(gateway_trusted_proxies="127.0.0.1")
    with named.client(**claim) as client:
        assert "secure" in cookie_of(client.post("/api/v1/auth/register", json=fresh()))


def test_with_the_cookie_only_our_own_page_changes_anything(gateway: Gateway) -> None:
    port = gateway.url.rpartition(":")[2]
    refused: list[dict[str, str]] = [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": f"{gateway.url}.evil.example"},
        {"Origin": f"ftp://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": gateway.url},
    ]
    allowed: list[dict[str, str]] = [
        {"Origin": gateway.url},
        {"Sec-Fetch-Site": "same-origin", "Origin": gateway.url},
        {"Sec-Fetch-Site": "none"},
    ]
    with gateway.client() as client:
        client.cookies.set(COOKIE, gateway.token("user-1", Audience.SESSION), path="/")
        for headers in refused:
            answer = client.post("/api/v1/auth/ticket", headers=headers)
            assert answer.status_code == 403, headers
            assert answer.headers["Content-Type"] == "application/problem+json"
        for headers in allowed:
            assert client.post("/api/v1/auth/ticket", headers=headers).status_code == 200, headers
        # Reading needs none, and a token neither: no page can make a browser send one.
        assert client.get("/api/v1/worlds").status_code == 200
    with gateway.as_user("user-1") as client:
        evil = client.post("/api/v1/auth/ticket", headers={"Origin": "https://evil.example"})
        assert evil.status_code == 200


def test_pages_of_others_log_nobody_in(gateway: Gateway) -> None:
    for path in ("register", "login", "local"):
        with gateway.client(Origin="https://evil.example") as client:
            assert client.post(f"/api/v1/auth/{path}", json=fresh()).status_code in (403, 422)
    with gateway.client(Origin="https://evil.example") as client:
        refused = client.post("/api/v1/auth/register", json=fresh())
    assert refused.status_code == 403
    assert "Set-Cookie" not in refused.headers


def test_a_name_that_somebody_lets_point_here_is_not_ours(
    gateway: Gateway, start_gateway: StartGateway
) -> None:
    # What a page of theirs sends, once their name leads to this machine.
    theirs = {
        "Host": "evil.example:8000",
        "Origin": "http://evil.example:8000",
        "Sec-Fetch-Site": "same-origin",
    }
    with gateway.client(**theirs) as client:
        refused = client.post("/api/v1/auth/register", json=fresh())
    assert refused.status_code == 403
    assert "GENERIA_GATEWAY_URL" in refused.json()["detail"]
    named = start_gateway(gateway_url="http://evil.example:8000")
    with named.client(**theirs) as client:
        assert client.post("/api/v1/auth/register", json=fresh()).status_code == 201


@pytest.mark.parametrize("host", ["[", "[::1", "]", "a b", ":", "::::", "x" * 3000, "127.0.0.1:99999", "é"])
def test_a_host_that_is_none_is_no_defect(gateway: Gateway, host: str) -> None:
    session = gateway.token("user-1", Audience.SESSION)
    headers = {"Host": host, "Origin": f"http://{host}"}
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    with gateway.client() as client:
        client.cookies.set(COOKIE, session, path="/")
        for method, path in (("POST", "auth/ticket"), ("POST", "auth/register"), ("DELETE", "worlds")):
            answer = client.request(method, f"/api/v1/{path}", json=fresh(), headers=raw)
            assert answer.status_code < 500


def test_a_wrong_header_is_not_mended_by_a_cookie(gateway: Gateway) -> None:
    with gateway.client() as client:
        client.cookies.set(COOKIE, gateway.token("user-1", Audience.SESSION), path="/")
        for header in ("Bearer wrong", "Basic dXNlcjpwYXNz", "Bearer", "wrong"):
            answer = client.get("/api/v1/worlds", headers={"Authorization": header})
            assert answer.status_code == 401, header
