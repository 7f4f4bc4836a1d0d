"""The enqueue endpoint in this process, over real servers; nobody works on what it enqueues."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from celery import Celery
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from generia_worker.api.app import create_app
from generia_worker.app.container import Container
from generia_worker.app.enqueue import Enqueuer
from generia_worker.settings import Settings

TOKEN = "a-token-of-these-tests"


@pytest.fixture(scope="module")
def container(servers: Settings) -> Iterator[Container]:
    """The resources of one process, with a database of its own."""
    name = f"api-{uuid4().hex[:8]}"
    own = {"mongo_database": name, "api_token": SecretStr(TOKEN)}
    prices = {
        "llm_price_input_usd_per_mtok": 0.3,
        "llm_price_output_usd_per_mtok": 2.5,
        "image_price_usd": 0.0006,
    }
    # Nobody calls it: an order may want reactions where one is named.
    reactions = {"interaction_service": "127.0.0.1:9"}
    container = Container(servers.model_copy(update=own | prices | reactions))
    container.database.ensure_indexes()
    yield container
    container.database.client.drop_database(name)
    container.close()


@pytest.fixture(scope="module")
def app(container: Container) -> Iterator[FastAPI]:
    """The ASGI application."""
    with Celery(broker=container.settings.redis_url.get_secret_value()) as celery:
        yield create_app(container, Enqueuer(celery, lambda: container.redis))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client that sends no token of its own accord."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
