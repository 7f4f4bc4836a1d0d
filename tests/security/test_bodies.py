"""Bodies of strangers: none is read before its sender is known, none is kept beyond the limit, however it is framed."""

from __future__ import annotations

import pytest

from tests.api.conftest import TOKEN
from tests.gateway.conftest import Gateway
from tests.security.conftest import Address, address_of


@pytest.fixture(params=["gateway", "endpoint"])
def where(request: pytest.FixtureRequest) -> tuple[Address, str, str]:
    """A server, a path that takes a body, and a token that opens it."""
    if request.param == "endpoint":
        return request.getfixturevalue("api_server"), "/v1/generations", TOKEN
    gateway: Gateway = request.getfixturevalue("gateway")
    return address_of(gateway), "/api/v1/worlds", gateway.token("somebody")


def request_of(path: str, token: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode()


def test_a_stranger_is_refused_before_the_body_comes(where: tuple[Address, str, str]) -> None:
    address, path, _ = where
    for token in ("", "wrong"):
        # Not a byte of the body follows.
        assert address.exchange(request_of(path, token, "Content-Length: 100000")).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Content-Length: 0", "Transfer-Encoding: chunked"], b"400"),
        (["Transfer-Encoding: chunked", "Content-Length: 50"], b"400"),
        (["Transfer-Encoding: chunked"], b"411"),
        (["Content-Length: 9999999999"], b"413"),
        (["Content-Length: 5", "Content-Length: 6"], b"400"),
        (["Content-Length: -1"], b"400"),
        (["Transfer-Encoding: gzip, chunked"], b"501"),
    ],
)
def test_what_is_not_framed_in_one_way_ends_the_connection(
    where: tuple[Address, str, str], headers: list[str], status: bytes
) -> None:
    address, path, token = where
    with address.connect() as client:
        client.sendall(request_of(path, token, *headers))
        answer = client.recv(65536)
        while chunk := client.recv(65536):
            answer += chunk
    # Where the server's own parser refuses first, any refusal will do; what counts is the end of the connection.
    assert answer.startswith((b"HTTP/1.1 " + status, b"HTTP/1.1 400"))


def test_a_body_without_an_end_is_not_kept(where: tuple[Address, str, str]) -> None:
    address, path, token = where
    sent = 0
    with address.connect() as client:
        client.sendall(request_of(path, token, "Content-Length: 0", "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with pytest.raises(OSError):
            while sent < 64 * 1024 * 1024:
                client.sendall(chunk)
                sent += len(chunk)
    assert sent < 16 * 1024 * 1024


def test_what_strangers_may_send_is_small(gateway: Gateway) -> None:
    answer = address_of(gateway).exchange(request_of("/api/v1/auth/login", "", "Content-Length: 20000"))
    assert answer.startswith(b"HTTP/1.1 413")
