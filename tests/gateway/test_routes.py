"""Every route without and with a wrong token: read from the application, so that a new one cannot be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from pydantic import SecretStr
from starlette.routing import Route

from generia_worker.gateway.app import create_app, routes
from generia_worker.gateway.auth import COOKIE
from generia_worker.gateway.dependencies import open_dependencies
from generia_worker.gateway.tokens import Audience, Tokens
from generia_worker.settings import Settings
from tests.gateway.conftest import SECRET, Gateway
from tests.gateway.test_tokens import forged

OPEN = {
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/local"),
    ("GET", "/api/v1/auth/session"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
}


def all_routes() -> list[tuple[str, str]]:
    return sorted((method, route.path_format) for route in routes() for method in route.methods or ())


ROUTES = all_routes()
CLOSED = [route for route in ROUTES if route not in OPEN]


def at(path: str) -> str:
    return (
        path.replace("{world_id}", "w1")
        .replace("{character_id}", "c1")
        .replace("{post_id}", "p1")
        .replace("{media_id}", "m1")
    )


def test_no_route_is_hidden_from_the_document() -> None:
    app = create_app(open_dependencies(Settings(_env_file=None, jwt_secret=SecretStr(SECRET))))
    shown = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    assert sorted(shown) == ROUTES
    assert set(ROUTES) >= OPEN
    assert len(CLOSED) >= 20
    # Beside them there is the document alone.
    assert [getattr(route, "path", None) for route in app.routes if isinstance(route, Route)] == [
        "/openapi.json"
    ]


def refused(answer: httpx2.Response) -> bool:
    return (
        answer.status_code == 401
        and answer.headers["WWW-Authenticate"] == "Bearer"
        and answer.headers["Content-Type"] == "application/problem+json"
        and answer.headers["Cache-Control"] == "no-store"
    )


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_and_with_a_wrong_token(gateway: Gateway, method: str, path: str) -> None:
    long_ago = Tokens(gateway.deps.settings, lambda: datetime.now(UTC) - timedelta(days=30))
    tokens = {
        "of no session": gateway.deps.tokens.issue(Audience.ACCESS, "u", "ended", 60),
        "expired": long_ago.issue(Audience.ACCESS, "u", "s", 60),
        **{f"for {a}": gateway.token("u", a) for a in Audience if a is not Audience.ACCESS},
        **{how: token for how, token in forged().items() if 0 < len(token) < 5000 and token.isascii()},
    }
    with gateway.client() as client:
        assert refused(client.request(method, at(path)))
        for how, token in tokens.items():
            answer = client.request(method, at(path), headers={"Authorization": f"Bearer {token}"})
            assert refused(answer), how
        own = {"Origin": gateway.url}
        for how, token in tokens.items():
            if how != f"for {Audience.SESSION}":
                answer = client.request(method, at(path), headers={"Cookie": f"{COOKIE}={token}", **own})
                assert refused(answer), how
        # A ticket opens streams alone, and an access token in the URL opens nothing.
        for query in ({"ticket": gateway.token("u")}, {"token": gateway.token("u")}):
            assert refused(client.request(method, at(path), params=query))
        if not path.endswith("/stream"):
            query = {"ticket": gateway.token("u", Audience.STREAM)}
            assert refused(client.request(method, at(path), params=query))


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_with_a_token_nothing_is_unauthorised(gateway: Gateway, method: str, path: str) -> None:
    with gateway.as_user("u") as client:
        status = client.request(method, at(path)).status_code
        assert status not in (401, 403, 405, 500)
