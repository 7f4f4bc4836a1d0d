"""Who may call what: every route, without a token and with a wrong one."""

from __future__ import annotations

import re
from copy import copy

import pytest
from celery import Celery
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from generia_worker import __version__
from generia_worker.api.app import create_app
from generia_worker.api.server import run
from generia_worker.app.container import Container
from generia_worker.app.enqueue import Enqueuer
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from tests.api.conftest import TOKEN

#: What may be asked by those who hold no token: whether the process lives, and what there is to call.
OPEN = {"/livez", "/readyz", "/openapi.json"}
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
        (method, route.path_format.replace("{world_id}", "w1"))
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
    assert client.get("/livez").json() == {"status": "ok", "version": __version__}
    assert client.get("/readyz").json() == {"status": "ok", "mongodb": "ok", "redis": "ok"}
    assert client.get("/openapi.json").status_code == 200


def test_the_document_as_a_page_is_there_for_who_asks(
    app: FastAPI, client: TestClient, container: Container
) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404
    asked = container.settings.model_copy(update={"api_docs": True})
    with Celery() as celery:
        with_docs = create_app(_with_settings(container, asked), Enqueuer(celery, lambda: container.redis))
    answer = TestClient(with_docs).get("/docs")
    assert answer.status_code == 200
    assert "POST /v1/generations:estimate" in answer.text
    # It loads nothing, from nowhere.
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    shown = re.sub(r"<pre>.*?</pre>", "", answer.text, flags=re.DOTALL)
    assert not re.search(r"<(script|link|img|iframe|style)|\bsrc=|https?://", shown)


def _with_settings(container: Container, settings: Settings) -> Container:
    other = copy(container)
    other.settings = settings
    return other


def test_another_method_is_told_which_there_are(client: TestClient) -> None:
    allowed = {
        ("GET", "/v1/generations"): "POST",
        ("GET", "/v1/generations:estimate"): "POST",
        ("GET", "/v1/generations/w1:cancel"): "POST",
        ("DELETE", "/v1/generations/w1:redo"): "POST",
        ("DELETE", "/v1/generations/w1"): "GET",
        ("POST", "/metrics"): "GET",
    }
    for (method, path), methods in allowed.items():
        answer = client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, answer.headers["Allow"]) == (405, methods), path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_without_a_token_it_listens_on_loopback_only() -> None:
    with pytest.raises(ConfigurationError, match="GENERIA_API_TOKEN"):
        run(Settings(_env_file=None, api_bind="0.0.0.0:8080"))
