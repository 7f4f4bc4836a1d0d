"""Where a program listens, and what is an address rather than a name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from generia_worker.errors import ConfigurationError
from generia_worker.http.addresses import is_address, listening
from generia_worker.settings import Settings


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("192.0.2.7:80", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("localhost", True),
        ("localhost:8000", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:80", False),
        ("example.org:443", False),
        ("", False),
        (":", False),
        ("[", False),
    ],
)
def test_addresses_and_names(host: str, expected: bool) -> None:
    assert is_address(host) is expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_each_address_of_a_name_is_listened_on(host: str) -> None:
    """Also where only IPv6 is there, or comes first."""
    found = listening("GENERIA_API_BIND", f"{host}:0")
    try:
        ports = {one.getsockname()[1] for one in found}
        assert len(ports) == 1
        socket.create_connection((host.strip("[]"), ports.pop()), timeout=5).close()
    finally:
        for one in found:
            one.close()


@pytest.mark.parametrize("bind", ["192.0.2.1:80", "no-such-host.invalid:80"])
def test_an_address_of_somebody_else(bind: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^GENERIA_API_BIND: cannot listen on {bind} \("):
        listening("GENERIA_API_BIND", bind)


PARTS = {
    "api": "GENERIA_API_BIND",
    "gateway": "GENERIA_GATEWAY_BIND",
    "simulator": "GENERIA_SIMULATOR_BIND",
    "exporter": "GENERIA_METRICS_BIND",
    "flower": "GENERIA_FLOWER_BIND",
    "service world": "GENERIA_WORLD_SERVICE",
}


def test_each_process_names_the_setting_of_a_port_that_is_taken(servers: Settings, tmp_path: Path) -> None:
    """One line and exit status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        env = {k: v for k, v in os.environ.items() if not k.startswith("GENERIA_")}
        env |= servers.environment() | dict.fromkeys(PARTS.values(), address)
        env |= {
            "GENERIA_JWT_SECRET": "s" * 32,
            "GENERIA_FLOWER_PASSWORD": "p" * 16,
            "GENERIA_METRICS_DIR": str(tmp_path),
        }
        started = {
            setting: subprocess.Popen(
                [sys.executable, "-m", "generia_worker.cli.main", *part.split()],
                env=env,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for part, setting in PARTS.items()
        }
        for setting, process in started.items():
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 1, (setting, said)
            assert f"Error: {setting}: cannot listen on {address}" in said, (setting, said)
            assert "Traceback" not in said, (setting, said)


def test_what_is_answered_in_several_writes_waits_for_no_acknowledgement() -> None:
    server = listening("GENERIA_API_BIND", "127.0.0.1:0")[0]
    with server, socket.create_connection(server.getsockname()), server.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
