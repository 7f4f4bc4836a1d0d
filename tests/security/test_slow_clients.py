"""Two thousand slow and broken clients beside ten honest ones; streams that one person opens; answers that nobody reads."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator

import httpx2
import pytest

from generia_worker.http import connections
from generia_worker.rpc.world_client import WorldRecord
from tests.gateway.conftest import StartGateway
from tests.security.conftest import Address, address_of, read_answer

CROWD, HONEST, CALLS = 2000, 10, 5
#: What each of the crowd sends, and then nothing more.
BEGINNINGS = [
    b"",
    b"GET /api/v1/worlds HTTP/1.1\r\nHost: x\r\nX-A: ",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{",
    b"POST /v1/generations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
]


@contextlib.contextmanager
def crowd(address: Address, count: int) -> Iterator[list[socket.socket]]:
    """Connect so many clients that begin something and don't go on."""
    with contextlib.ExitStack() as stack:
        found = []
        for number in range(count):
            client = stack.enter_context(address.connect())
            with contextlib.suppress(OSError):  # it may be cut off already
                client.sendall(BEGINNINGS[number % len(BEGINNINGS)])
            found.append(client)
        yield found


def test_honest_people_are_served_beside_a_crowd(start_gateway: StartGateway) -> None:
    gateway = start_gateway(gateway_connections_max=500, gateway_streams_max=50)
    with crowd(address_of(gateway), CROWD), contextlib.ExitStack() as stack:
        people = [stack.enter_context(gateway.as_user(f"honest-{number}")) for number in range(HONEST)]
        for _ in range(CALLS):
            assert [one.get("/api/v1/worlds").status_code for one in people] == [200] * HONEST
        # New ones find a place as well, and those before them keep theirs.
        for number in range(HONEST):
            with gateway.as_user(f"honest-{number}") as client:
                assert client.get("/api/v1/worlds").status_code == 200


def test_the_endpoint_is_served_beside_a_crowd(api_server: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    with crowd(api_server, CROWD + 600):
        url = f"http://{api_server.host}:{api_server.port}"
        with httpx2.Client(base_url=url, timeout=20, trust_env=False) as client:
            assert [client.get("/livez").status_code for _ in range(CALLS)] == [200] * CALLS


def test_who_keeps_the_server_waiting_for_the_longest_goes_first(start_gateway: StartGateway) -> None:
    most = 50
    gateway = start_gateway(gateway_connections_max=most, gateway_streams_max=10)
    address = address_of(gateway)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(address.connect()) for _ in range(most)]
        for client in (*clients[1:], clients[0]):  # all are taken, and the first one has waited the least
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(client).startswith(b"HTTP/1.1 200")
        late = [stack.enter_context(address.connect()) for _ in range(10)]
        for client in late:
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(client).startswith(b"HTTP/1.1 200")
        gone = [_is_closed(client) for client in clients[1:]]
        # Connections of the test's own that were idle before went with them.
        assert 5 < sum(gone) <= len(late)
        assert gone == sorted(gone, reverse=True)
        assert not _is_closed(clients[0])


def _is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        while client.recv(65536):  # the rest of the answer
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_headers_that_do_not_end_are_not_waited_for(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections.GuardedProtocol, "head_s", 0.2)
    gateway = start_gateway()
    for beginning in (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n"):
        with address_of(gateway).connect() as client:
            client.sendall(beginning)
            assert client.recv(100) == b""
    # The second one on a connection is waited for no longer than the first.
    with address_of(gateway).connect() as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(client).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET")
        while client.recv(65536):
            pass


def test_who_reads_nothing_is_cut_off(start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.GuardedProtocol, "stuck_s", 0.2)
    gateway = start_gateway()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(20)
        address = address_of(gateway)
        client.connect((address.host, address.port))
        # Answers pile up, none of which is read.
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)


@pytest.mark.parametrize("several", ["of one person", "from one address", "in all"])
def test_streams_leave_places_to_others(
    start_gateway: StartGateway, world: WorldRecord, several: str
) -> None:
    limit = {"of one person": "person", "from one address": "address", "in all": "max"}[several]
    gateway = start_gateway(**{f"gateway_streams_{limit}": 3})
    path = f"/api/v1/worlds/{world.id}/status/stream"
    with contextlib.ExitStack() as stack:

        def open_one(number: int) -> httpx2.Response:
            user = "one" if limit == "person" else f"person-{number}"
            client = stack.enter_context(gateway.as_user(user))
            return client.send(client.build_request("GET", path), stream=True)

        streams = [open_one(number) for number in range(3)]
        assert [stream.status_code for stream in streams] == [200] * 3
        refused = open_one(3)
        assert refused.status_code == (503 if limit == "max" else 429)
        assert int(refused.headers["Retry-After"]) > 0
        with gateway.as_user("one") as client:
            assert client.get(f"/api/v1/worlds/{world.id}").status_code == 200
        if limit == "person":
            other = stack.enter_context(gateway.as_user("another"))
            assert other.send(other.build_request("GET", path), stream=True).status_code == 200
        # A place is free again when its stream has ended.
        streams[0].close()
        while (again := open_one(3)).status_code != 200:
            again.close()


def test_the_limit_of_open_files_is_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (300, 500))
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: raised.append(wanted))
    assert connections.guarded(2000, other_files=100)["http"].most == 400
    assert connections.guarded(150, other_files=100)["http"].most == 150
    assert raised == [(500, 500)]
