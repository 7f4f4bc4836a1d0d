"""A Redis behind TLS: one address, which all that read it understand in the same way, and verify."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import trustme
from celery import Celery
from kombu import Connection
from limits.storage import storage_from_string
from pydantic import SecretStr

from generia_worker.app.transport import Transport
from generia_worker.embedded.doctor import check_redis
from generia_worker.settings import Settings
from tests.listener import Listener

AUTHORITY = trustme.CA()


class TlsProxy(Listener):
    """Takes TLS connections under the name localhost, and passes on what they say."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__()
        self._target = target
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        AUTHORITY.issue_cert("localhost").configure_cert(self._context)
        self.start()

    def serve(self, client: socket.socket) -> None:
        """Pass on what both sides say, in clear text behind this proxy."""
        with suppress(OSError), self._context.wrap_socket(client, server_side=True) as inside:
            server = socket.create_connection(self._target)
            threading.Thread(target=_pass_on, args=(server, inside), daemon=True).start()
            _pass_on(inside, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def address(servers: Settings) -> Iterator[str]:
    """The session's Redis behind TLS, without a word about certificates."""
    plain = urlsplit(servers.redis_url.get_secret_value())
    proxy = TlsProxy((str(plain.hostname), int(plain.port or 0)))
    yield f"rediss://:{plain.password}@localhost:{proxy.port}/5"
    proxy.close()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the authority that vouches for the server."""
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def read(address: str) -> str:
    """Return an address as the settings hand it on."""
    return Settings(_env_file=None, redis_url=SecretStr(address)).redis_url.get_secret_value()


def all_of_them(url: str) -> list[bool]:
    """Ask Redis as each part does: broker, results, shared limits, rates; True for each that got an answer."""

    def broker() -> None:
        with Connection(url, transport=Transport, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, errback=None)
            with connection.SimpleQueue("tls") as queue:
                queue.put("hello")
                queue.get(timeout=5).ack()

    def results() -> None:
        with Celery(broker=url, backend=url) as app:
            backend: Any = app.backend
            backend.client.ping()

    def shared_limits() -> None:
        redis.Redis.from_url(url).ping()

    def rates() -> None:
        storage_from_string(url).incr("tls", 5)

    def works(ask: object) -> bool:
        assert callable(ask)
        try:
            ask()
        except Exception:
            return False
        return True

    return [works(ask) for ask in (broker, results, shared_limits, rates)]


@pytest.mark.parametrize("words", ["", "&ssl_cert_reqs=CERT_REQUIRED", "&ssl_cert_reqs=required"])
def test_all_parts_reach_a_redis_that_a_known_authority_vouches_for(
    address: str, trusted: str, words: str
) -> None:
    assert all_of_them(read(f"{address}?ssl_ca_certs={trusted}{words}")) == [True] * 4


def test_no_part_trusts_a_stranger_unless_told_so(address: str) -> None:
    assert all_of_them(read(address)) == [False] * 4
    assert all_of_them(read(f"{address}?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=false")) == [True] * 4


def test_doctor_asks_as_the_workers_will(address: str, trusted: str) -> None:
    def asked(url: str) -> bool:
        return check_redis(Settings(_env_file=None, redis_url=SecretStr(url))).ok

    assert asked(f"{address}?ssl_ca_certs={trusted}")
    assert not asked(address)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("redis://:p%40ss@host:6380/3", "redis://:p%40ss@host:6380/3"),
        ("redis://host", "redis://host"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("rediss://host/0", "rediss://host/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=CERT_NONE", "rediss://host/0?ssl_cert_reqs=none"),
    ],
)
def test_what_an_address_becomes(address: str, url: str) -> None:
    assert read(address) == url


def test_an_address_that_is_refused_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be redis://") as caught:
        read("redis://:pass/word@host:6379/0")
    assert "pass/word" not in str(caught.value)
