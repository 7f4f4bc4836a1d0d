"""Where the page of `generia up` is: at the port that was asked for, or that it had before."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from generia_worker.cli.programs import with_addresses
from generia_worker.cli.stacks import with_gateway_port
from generia_worker.embedded.folder import keep_port, kept_port
from generia_worker.embedded.ports import free_port, hold, is_listening
from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings


def asked(folder: Path, **settings: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **settings)


def test_a_new_folder_gets_any_port(tmp_path: Path) -> None:
    settings = asked(tmp_path / "new")
    assert with_gateway_port(settings, None) == (settings, None)


def test_the_port_of_the_last_time_is_taken_again(tmp_path: Path) -> None:
    """Also right after the gateway ended with open connections; and nothing else of the stack gets it."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)) as tab,
    ):
        accepted, _ = server.accept()
        accepted.close()  # the server's end is the one that waits (TIME_WAIT)
        tab.recv(1)
    keep_port(tmp_path, port)
    settings, taken = with_gateway_port(asked(tmp_path), None)
    found = with_addresses(settings)
    assert (found.gateway_bind, found.gateway_url, taken) == (
        f"127.0.0.1:{port}",
        f"http://127.0.0.1:{port}",
        None,
    )
    with socket.create_server(("127.0.0.1", port)):
        assert is_listening(port)


def test_a_port_that_was_only_remembered_gives_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        keep_port(tmp_path, port)
        settings, taken = with_gateway_port(asked(tmp_path), None)
        assert taken == port
        assert not hold(port)
        assert not with_addresses(settings).gateway_bind.endswith(f":{port}")


def test_a_port_that_was_asked_for_does_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"--port: cannot listen on 127.0.0.1:{port} .* End what runs there"
        ):
            with_gateway_port(asked(tmp_path), port)
    settings, taken = with_gateway_port(asked(tmp_path), port)
    assert (settings.gateway_bind, taken) == (f"127.0.0.1:{port}", None)


def test_an_address_of_the_settings_stays(tmp_path: Path) -> None:
    keep_port(tmp_path, free_port())
    settings = asked(tmp_path, gateway_bind="[::1]:8123")
    assert with_gateway_port(settings, None) == (settings, None)
    port = free_port()
    assert with_gateway_port(settings, port)[0].gateway_bind == f"[::1]:{port}"


@pytest.mark.parametrize("text", ["", "x", "0", "65536", "8000 8001"])
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "gateway.port").write_text(text)
    assert kept_port(tmp_path) is None
