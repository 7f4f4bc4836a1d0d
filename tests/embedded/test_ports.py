"""Free ports are free, and nobody gets the same one twice."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from generia_worker.embedded import ports
from generia_worker.errors import ConfigurationError


def test_a_free_port_can_be_listened_on() -> None:
    port = ports.free_port()
    assert not ports.is_listening(port)
    with socket.create_server(("127.0.0.1", port)):
        assert ports.is_listening(port)
        assert not ports.can_bind(port)
    assert not ports.is_listening(port)


def test_no_port_is_given_twice_even_to_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: ports.free_port(), range(100)))
    assert len(set(given)) == 100


def test_no_port_is_given_to_two_processes() -> None:
    """Also while no server listens on it yet; when a process ends, its ports are free again."""
    program = (
        "import sys; from generia_worker.embedded import ports; ports._FIRST, ports._LAST = 31_500, 31_700;"
        "print(*(ports.free_port() for _ in range(40)), flush=True); sys.stdin.read()"
    )
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    given = [one.stdout.readline().split() for one in asking if one.stdout]
    for one in asking:
        one.communicate()
    flat = [port for ports_of_one in given for port in ports_of_one]
    assert len(flat) == 120 == len(set(flat))
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", int(flat[0])))


def test_taken_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.free_port()
    ports._held.pop().close()
    monkeypatch.setattr(ports, "_FIRST", first)
    monkeypatch.setattr(ports, "_LAST", first + 1)
    with (
        socket.create_server(("127.0.0.1", first)),
        pytest.raises(ConfigurationError, match="No free port between"),
    ):
        ports.free_port()
    assert ports.free_port() == first
