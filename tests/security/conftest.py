"""Both HTTP programs on real sockets, as strangers reach them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from generia_worker.api.server import config
from generia_worker.app.container import Container
from generia_worker.embedded.ports import free_port
from tests.api.conftest import app as _app
from tests.api.conftest import container as _container
from tests.gateway.conftest import (
    Gateway,
    _settings,
    serving,
)
from tests.gateway.conftest import endpoint as _endpoint
from tests.gateway.conftest import gateway as _gateway
from tests.gateway.conftest import gateway_with_endpoint as _gateway_with_endpoint
from tests.gateway.conftest import platform as _platform
from tests.gateway.conftest import services as _services
from tests.gateway.conftest import shared_endpoint as _shared_endpoint
from tests.gateway.conftest import start_gateway as _start_gateway
from tests.gateway.conftest import user as _user
from tests.gateway.conftest import world as _world
from tests.providers.conftest import pool as _pool
from tests.providers.conftest import serve as _serve
from tests.reference.conftest import clients as _clients

app, container = _app, _container
endpoint, shared_endpoint, settings, platform = _endpoint, _shared_endpoint, _settings, _platform
gateway, gateway_with_endpoint, start_gateway = _gateway, _gateway_with_endpoint, _start_gateway
services, user, world = _services, _user, _world
pool, serve, clients = _pool, _serve, _clients


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def connect(self, timeout_s: float = 20) -> socket.socket:
        """Return a connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout_s)

    def exchange(self, data: bytes) -> bytes:
        """Send this, and return all that is answered until the server closes, or the head if it does not."""
        with self.connect() as client:
            client.sendall(data)
            return read_answer(client)


def read_answer(client: socket.socket) -> bytes:
    """Return what comes until an answer is there, with its body as far as that came along."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = client.recv(65536)
        if not chunk:
            break
        answer += chunk
    return answer


@pytest.fixture(scope="module")
def api_server(container: Container, app: FastAPI) -> Iterator[Address]:
    """The enqueue endpoint."""
    port = free_port()
    with serving(config(app, container.settings.model_copy(update={"api_bind": f"127.0.0.1:{port}"}))):
        yield Address("127.0.0.1", port)


def address_of(gateway: Gateway) -> Address:
    """Return where a gateway listens."""
    host, _, port = gateway.url.removeprefix("http://").rpartition(":")
    return Address(host, int(port))
