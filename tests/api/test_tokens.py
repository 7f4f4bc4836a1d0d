"""Who may call what: every route, without a token and with a wrong one."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from generia_worker.api.server import run
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from tests.api.conftest import TOKEN

#: What may be asked by those who hold no token: whether the process lives, and what there is to call.
OPEN = {"/livez", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
WRONG = {
    "none": None,
    "empty": "",
    "no scheme": TOKEN,
    "another scheme": f"Basic {TOKEN}",
    "a wrong token": f"Bearer {TOKEN}x",
    "a part of it": f"Bearer {TOKEN[:-1]}",
    "other letters": "Bearer ключ".encode().decode("latin-1"),
}


def guarded(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method, route.path.replace("{world_id}", "w1"))
        for route in app.routes
        if isinstance(route, APIRoute) and route.path not in OPEN
        for method in route.methods or ()
    ]


def test_every_route_but_the_open_ones_asks_for_the_token(app: FastAPI, client: TestClient) -> None:
    routes = guarded(app)
    assert len(routes) >= 11
    for method, path in routes:
        for name, header in WRONG.items():
            headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
            reply = client.request(method, path, headers=headers)
            assert reply.status_code == 401, (method, path, name)
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in reply.text
        allowed = client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert allowed.status_code in (200, 404, 422), (method, path)


def test_the_open_ones(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "mongodb": "ok", "redis": "ok"}
    assert client.get("/openapi.json").status_code == 200


def test_without_a_token_it_listens_on_loopback_only() -> None:
    with pytest.raises(ConfigurationError, match="GENERIA_API_TOKEN"):
        run(Settings(_env_file=None, api_bind="0.0.0.0:8080"))
