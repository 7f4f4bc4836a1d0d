"""The gateway as a process: it says why it does not start, stops with its streams, and keeps secrets out of its log."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from generia_worker.embedded.ports import free_port
from generia_worker.gateway.dependencies import open_dependencies
from generia_worker.gateway.tokens import Audience
from generia_worker.rpc.world_client import WorldRecord
from generia_worker.settings import Settings
from tests.gateway.conftest import API_TOKEN, SECRET, Gateway

COMMAND = [sys.executable, "-m", "generia_worker.cli.main", "gateway"]


@pytest.fixture
def settings_of_process(platform: Settings) -> Settings:
    port = free_port()
    return platform.model_copy(
        update={"gateway_bind": f"127.0.0.1:{port}", "gateway_url": f"http://127.0.0.1:{port}"}
    )


def environment(settings: Settings, **changed: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **settings.environment(), **changed}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"GENERIA_JWT_SECRET": ""}, "GENERIA_JWT_SECRET: set it"),
        ({"GENERIA_JWT_SECRET": "short-and-secret"}, "GENERIA_JWT_SECRET: must have at least 32"),
        ({"GENERIA_GATEWAY_RATE_LOGIN": "often"}, "GENERIA_GATEWAY_RATE_LOGIN"),
        ({"GENERIA_GATEWAY_CORS_ORIGINS": "*"}, "GENERIA_GATEWAY_CORS_ORIGINS"),
    ],
)
def test_it_says_why_it_does_not_start(
    settings_of_process: Settings, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    ended = subprocess.run(
        COMMAND,
        env=environment(settings_of_process, **changed),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "short-and-secret" not in ended.stderr


@pytest.fixture
def process(
    settings_of_process: Settings, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str]]]:
    """A running gateway and the lines of its log."""
    started = subprocess.Popen(
        COMMAND,
        env=environment(settings_of_process),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert started.stderr is not None
    stderr = started.stderr

    def read() -> None:
        for line in stderr:
            lines.put(line)
        lines.put("")  # the end

    threading.Thread(target=read, daemon=True).start()
    try:
        yield started, lines
    finally:
        started.kill()
        started.wait()


def test_it_stops_with_its_streams_and_logs_no_secret(
    process: tuple[subprocess.Popen[str], queue.Queue[str]], settings_of_process: Settings, world: WorldRecord
) -> None:
    program, lines = process
    log: list[str] = []
    while not log or "startup complete" not in log[-1]:
        log.append(lines.get(timeout=30))
    deps = open_dependencies(settings_of_process)
    known = Gateway(settings_of_process.gateway_url, deps)
    ticket, access = known.token("u", Audience.STREAM), known.token("u")
    with httpx2.Client(base_url=settings_of_process.gateway_url, timeout=20) as client:
        client.get("/api/v1/worlds", headers={"Authorization": f"Bearer {access}"}).raise_for_status()
        client.post("/api/v1/auth/login", json={"email": "ada@example.org", "password": "secret of a person"})
        with client.stream(
            "GET", f"/api/v1/worlds/{world.id}/status/stream", params={"ticket": ticket}
        ) as stream:
            assert stream.status_code == 200
            begin = time.monotonic()
            program.send_signal(signal.SIGTERM)
            assert program.wait(timeout=20) in (0, -signal.SIGTERM)
            assert time.monotonic() - begin < 10
    while line := lines.get(timeout=20):
        log.append(line)
    whole = "".join(log)
    for secret in (SECRET, API_TOKEN, ticket, access, "secret of a person", "ada@example.org"):
        assert secret not in whole
    assert "Traceback" not in whole
