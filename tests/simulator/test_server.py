"""The simulator as a program of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from generia_worker.errors import ConfigurationError
from generia_worker.settings import Settings
from generia_worker.simulator.server import make_server

_PROGRAM = """
import sys
from generia_worker.settings import Settings
from generia_worker.simulator.server import run
run(Settings(_env_file=None, simulator_bind=sys.argv[1], simulator_seed=5, simulator_behaviour='{"hang": {"llm": 1}}'))
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_program_serves_until_it_is_told_to_stop_even_with_calls_that_hang() -> None:
    # Both at once: starting and stopping are waits.
    ports = {signal.SIGTERM: _free_port(), signal.SIGINT: _free_port()}
    programs = {
        name: subprocess.Popen([sys.executable, "-c", _PROGRAM, f"127.0.0.1:{port}"])
        for name, port in ports.items()
    }
    try:
        for name, program in programs.items():
            assert _health(ports[name], program) == {"status": "ok", "seed": 5}
            body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
            with pytest.raises(requests.Timeout):
                url = f"http://127.0.0.1:{ports[name]}/api/v1/chat/completions"
                requests.post(url, json=body, headers={"Authorization": "Bearer sim-x"}, timeout=0.3)
            program.send_signal(name)
        assert [program.wait(timeout=5) for program in programs.values()] == [0, 0]
    finally:
        for program in programs.values():
            program.kill()
            program.wait()


def _health(port: int, program: subprocess.Popen[bytes]) -> object:
    deadline = time.monotonic() + 60
    while True:
        try:
            return requests.get(f"http://127.0.0.1:{port}/_sim/health", timeout=5).json()
        except requests.ConnectionError:
            assert program.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("bind", "behaviour", "named"),
    [
        ("localhost", "", "SIMULATOR_BIND"),
        ("127.0.0.1:99999", "", "SIMULATOR_BIND"),
        ("127.0.0.1:1", "{", "BEHAVIOUR"),
    ],
)
def test_wrong_settings_are_named(bind: str, behaviour: str, named: str) -> None:
    settings = Settings(_env_file=None, simulator_bind=bind, simulator_behaviour=behaviour)
    with pytest.raises(ConfigurationError, match=named):
        make_server(settings)
