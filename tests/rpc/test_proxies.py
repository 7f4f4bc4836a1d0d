"""Proxies of the environment are for the world outside: no call to a service goes through one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from generia_worker.processes.health_checks import answers, channel_is_ready
from generia_worker.rpc.channel import open_channel
from tests.providers.server import start

SPELLINGS = ("grpc_proxy", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment whose proxies lead nowhere, with no exceptions."""
    for name in SPELLINGS:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_calls_and_health_checks_of_a_service() -> None:
    """gRPC would take the proxy by itself."""
    server = grpc.server(ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = f"127.0.0.1:{port}"
    with grpc.insecure_channel(address) as proxied, pytest.raises(grpc.FutureTimeoutError):
        grpc.channel_ready_future(proxied).result(timeout=1)
    with open_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
    assert channel_is_ready(address)
    server.stop(None)


def test_health_checks_by_http() -> None:
    """They ask the process itself."""
    scripted, stop = start(lambda c, _: c.reply(b"well"))
    bind = scripted.address.removeprefix("http://")
    assert answers(bind, "/livez", login="user:word")
    assert scripted.seen[0].headers["authorization"] == "Basic dXNlcjp3b3Jk"
    stop()
    assert not answers(bind, "/livez")
