"""Calls end at their deadline whatever the server does, and errors tell what became of the call."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
import requests.adapters
import trustme

from generia_worker.errors import PermanentError, TransientError
from generia_worker.providers.http import (
    IDLE_MOST_S,
    RETRY_AFTER_MAX_S,
    HttpPool,
    HttpReply,
    parse_retry_after,
)
from tests.providers.conftest import Serve
from tests.providers.server import Connection, Handler, Seen

DEADLINE_S = 0.6
#: What a busy machine may add.
SLACK_S = 0.5
SECRET = "sk-very-secret-key"


def call(pool: HttpPool, url: str, deadline_s: float = DEADLINE_S, key: str = SECRET) -> HttpReply:
    headers = {"Authorization": f"Bearer {key}"}
    return pool.exchange("POST", url, headers=headers, json={"a": 1}, deadline_s=deadline_s, max_bytes=1000)


def test_an_answer_comes_whole(pool: HttpPool, serve: Serve) -> None:
    server = serve(lambda c, _: c.reply({"ä": "ö"}, 418, Retry_After="3"))
    reply = call(pool, server.address + "/x")
    assert (reply.status, reply.headers["retry-after"]) == (418, "3")
    assert reply.body == b'{"\\u00e4": "\\u00f6"}'
    assert server.seen[0].json == {"a": 1}
    assert server.seen[0].headers["content-type"] == "application/json"


def test_connections_are_used_again(pool: HttpPool, serve: Serve) -> None:
    server = serve(lambda c, _: c.reply(b"x" * 900))
    for _ in range(5):
        call(pool, server.address)
    assert {seen.connection for seen in server.seen} == {1}


def test_a_connection_that_its_server_may_close_at_any_moment_is_not_used_again(
    pool: HttpPool, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, passed_s = serve(lambda c, _: c.reply(b"ok")), 0.0
    monkeypatch.setattr("generia_worker.providers.http.monotonic", lambda: monotonic() + passed_s)
    call(pool, server.address)
    passed_s += IDLE_MOST_S - 1.0
    call(pool, server.address)
    passed_s += IDLE_MOST_S - 1.0
    call(pool, server.address)
    assert [seen.connection for seen in server.seen] == [1, 1, 1], "each use of it counts"
    passed_s += IDLE_MOST_S
    call(pool, server.address)
    assert server.seen[-1].connection == 2


def test_threads_share_a_bounded_pool(serve: Serve) -> None:
    server = serve(lambda c, _: c.reply(b"ok"))
    pool = HttpPool(3, 2)
    with ThreadPoolExecutor(12) as threads:
        replies = list(threads.map(lambda _: call(pool, server.address, 10).body, range(60)))
    pool.close()
    assert replies == [b"ok"] * 60
    assert server.connections <= 3


def test_chunked_and_compressed_bodies_are_read(pool: HttpPool, serve: Serve) -> None:
    packed = gzip.compress(b"hello " * 50)
    halves = [packed[:20], packed[20:]]

    def handler(c: Connection, _: Seen) -> None:
        c.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
        for half in halves:
            c.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
        c.write(b"0\r\n\r\n")

    assert call(pool, serve(handler).address).body == b"hello " * 50


def _hangs(c: Connection, _: Seen) -> None:
    c.leaving.wait(30)
    c.drop()


def _trickles_head(c: Connection, _: Seen) -> None:
    c.trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: yes\r\n" * 500, 0.05)


def _pads(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not c.leaving.wait(0.05):
        c.write(b"1\r\n\n\r\n")


def _trickles_body(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    c.trickle(b"x" * 900, 0.05)


def _trickles_chunk_size(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    c.trickle(b"x" * 900, 0.05)


def _late_then_hangs(c: Connection, _: Seen) -> None:
    """Without keep-alive the connection no longer knows its socket while the body is read."""
    c.leaving.wait(DEADLINE_S * 0.8)
    c.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900\r\n\r\nx")
    c.leaving.wait(30)


@pytest.mark.parametrize(
    "handler", [_hangs, _trickles_head, _pads, _trickles_body, _trickles_chunk_size, _late_then_hangs]
)
def test_the_deadline_holds_over_all(pool: HttpPool, serve: Serve, handler: Handler) -> None:
    server = serve(handler)
    begun = monotonic()
    with pytest.raises(TransientError) as caught:
        call(pool, server.address)
    assert monotonic() - begun < DEADLINE_S + SLACK_S
    assert caught.value.outcome_unknown
    assert not caught.value.outage


def _breaks_off(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf")
    c.drop()


def _breaks_off_chunked(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf")
    c.drop()


def _resets_in_the_body(c: Connection, _: Seen) -> None:
    c.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf")
    c.reset()


def _is_no_gzip(c: Connection, _: Seen) -> None:
    c.reply(b"this is no gzip", Content_Encoding="gzip")


def _is_no_http(c: Connection, _: Seen) -> None:
    c.write(b"hello?\r\n\r\n")
    c.drop()


@pytest.mark.parametrize(
    "handler",
    [
        _breaks_off,
        _breaks_off_chunked,
        _resets_in_the_body,
        _is_no_gzip,
        _is_no_http,
        lambda c, _: c.drop(),
        lambda c, _: c.reset(),
        lambda c, _: c.reply(b"x" * 1001),
        lambda c, _: c.reply(gzip.compress(b"\0" * 5_000_000), Content_Encoding="gzip"),
    ],
)
def test_what_was_sent_and_not_answered_whole_is_unknown(
    pool: HttpPool, serve: Serve, handler: Handler
) -> None:
    server = serve(handler)
    with pytest.raises(TransientError) as caught:
        call(pool, server.address, 5)
    assert caught.value.outcome_unknown
    assert not caught.value.outage
    assert SECRET not in str(caught.value)
    assert len(server.seen) == 1


def test_after_a_broken_call_the_pool_still_works(serve: Serve) -> None:
    server = serve(_breaks_off)
    pool = HttpPool(1, 2)
    for _ in range(3):
        with pytest.raises(TransientError):
            call(pool, server.address, 5)
    server.handler = lambda c, _: c.reply(b"ok")
    assert call(pool, server.address, 5).body == b"ok"
    pool.close()


def test_without_a_connection_nothing_was_sent(pool: HttpPool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/?signature=hidden", "http://nowhere.invalid/?signature=hidden"):
        with pytest.raises(TransientError) as caught:
            call(pool, url, 5)
        assert caught.value.outage
        assert not caught.value.outcome_unknown
        assert "hidden" not in str(caught.value)


def test_a_failed_handshake_sent_nothing(pool: HttpPool, serve: Serve) -> None:
    server = serve(lambda c, _: c.drop())
    with pytest.raises(TransientError) as caught:
        call(pool, server.address.replace("http:", "https:"), 0.5)
    assert caught.value.outage
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("key", ["two\nlines", "ключ"])
def test_a_key_that_cannot_be_sent_is_final(pool: HttpPool, serve: Serve, key: str) -> None:
    server = serve(lambda c, _: c.reply(b"ok"))
    with pytest.raises(PermanentError) as caught:
        call(pool, server.address, key=key)
    assert key not in str(caught.value)
    assert not server.seen


def test_a_full_pool_does_not_outwait_the_deadline(serve: Serve) -> None:
    arrived = Event()

    def handler(c: Connection, seen: Seen) -> None:
        arrived.set()
        _hangs(c, seen)

    server = serve(handler)
    pool = HttpPool(1, 2)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(call, pool, server.address, 30)
        assert arrived.wait(30)
        begun = monotonic()
        with pytest.raises(TransientError) as caught:
            call(pool, server.address)
        assert monotonic() - begun < DEADLINE_S + SLACK_S
        assert not caught.value.outcome_unknown
        server.leaving.set()
        assert first.exception() is not None
    pool.close()


def test_an_upload_may_take_longer_than_connecting(serve: Serve) -> None:
    """The time to connect is no bound of the time to send."""
    size = 30_000_000

    def handler(c: Connection, seen: Seen) -> None:
        c.reply({"got": len(seen.body)})

    server = serve(handler)
    pool = HttpPool(1, 0.05)
    reply = pool.exchange("PUT", server.address, data=b"x" * size, deadline_s=20, max_bytes=100)
    pool.close()
    assert reply.body == b'{"got": 30000000}'


def test_redirects_do_not_carry_credentials_on(pool: HttpPool, serve: Serve) -> None:
    elsewhere = serve(lambda c, _: c.reply(b"stolen"))
    server = serve(lambda c, _: c.reply(b"", 307, Location=elsewhere.address))
    assert call(pool, server.address).status == 307
    assert not elsewhere.seen


def test_the_environment_plays_no_part(pool: HttpPool, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = serve(lambda c, _: c.reply(b"ok"))
    assert call(pool, server.address).body == b"ok"


ELSEWHERE = "provider.invalid"
LOGIN = "Basic dXNlcjpwcm94eS1wYXNzd29yZA=="


@pytest.fixture
def through() -> Iterator[Callable[[str], HttpPool]]:
    """Make connections that lead through the proxy at an address, and log in there."""
    made: list[HttpPool] = []

    def make(proxy: str) -> HttpPool:
        made.append(HttpPool(2, 2, proxy.replace("://", "://user:proxy-password@")))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_proxy_for_what_is_elsewhere(serve: Serve, through: Callable[[str], HttpPool]) -> None:
    """It is asked for names that only it can resolve, with a login of its own; what is near is called as ever."""
    proxy = serve(lambda c, _: c.reply(b"from elsewhere"))
    near = serve(lambda c, _: c.reply(b"near"))
    pool = through(proxy.address)
    assert call(pool, f"http://{ELSEWHERE}/v1").body == b"from elsewhere"
    assert call(pool, near.address).body == b"near"
    (seen,) = proxy.seen
    assert seen.path == f"http://{ELSEWHERE}/v1" and seen.headers["proxy-authorization"] == LOGIN
    assert seen.headers["authorization"] == f"Bearer {SECRET}"
    assert "proxy-authorization" not in near.seen[0].headers


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_has_passed_nothing_on(
    serve: Serve, through: Callable[[str], HttpPool], status: int
) -> None:
    """The provider was not asked: an outage, and no call whose outcome is unknown."""
    proxy = serve(lambda c, _: c.reply(b"", status))
    with pytest.raises(TransientError, match="GENERIA_PROVIDER_PROXY") as caught:
        call(through(proxy.address), f"https://{ELSEWHERE}/v1")
    assert caught.value.outage and not caught.value.outcome_unknown
    assert "password" not in str(caught.value)
    (seen,) = proxy.seen
    assert (seen.method, seen.path) == ("CONNECT", f"{ELSEWHERE}:443")
    # The key is for the provider alone.
    assert seen.headers["proxy-authorization"] == LOGIN and "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("answer", "ends"),
    [(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True), (b"HTTP/1.1 200 OK\r\n", False)],
)
def test_a_tunnel_to_a_server_with_tls(
    serve: Serve,
    through: Callable[[str], HttpPool],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: bytes,
    ends: bool,
) -> None:
    """Its certificate is verified behind the proxy, and the call's deadline holds there; what was sent was sent."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ELSEWHERE).configure_cert(context)

    def tunnel(c: Connection, _: Seen) -> None:
        c.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError):
            c.serve_tls(context, answer)
        c.drop()

    pool = through(serve(tunnel).address)
    with pytest.raises(TransientError, match="No encrypted connection") as caught:
        call(pool, f"https://{ELSEWHERE}/v1", 5)
    assert caught.value.outage
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "ca.pem"))
    if ends:
        assert call(pool, f"https://{ELSEWHERE}/v1", 5).body == b"ok"
        return
    begun = monotonic()
    with pytest.raises(TransientError) as caught:
        call(pool, f"https://{ELSEWHERE}/v1", 1)
    assert caught.value.outcome_unknown
    assert monotonic() - begun < 1 + SLACK_S


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("1e9", RETRY_AFTER_MAX_S),
        ("inf", RETRY_AFTER_MAX_S),
        ("nan", None),
        ("soon", None),
        ("Fri, 99 Foo 2026 00:00:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
