"""Every process of docker-compose.yml, started as compose would start it: its command, its environment, the files of its
stage and no others; only addresses and mounted paths lead to this machine. Together they make a world."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generia_worker.embedded.ports import free_port
from generia_worker.embedded.stack import Stack
from generia_worker.settings import Settings
from tests.deployment import dockerfile
from tests.deployment.test_compose import parsed, seconds, stage_of

pytestmark = pytest.mark.stack

START_S = 90
PROMPT = "A market where clouds are sold by weight"
PROBE = dockerfile.ROOT / ".docker" / "probe"


class Container:
    """One service of the compose file as processes of this machine."""

    def __init__(self, name: str, service: dict[str, Any], folder: Path, places: dict[str, str]) -> None:
        self.name = name
        self.stop_s = seconds(service["stop_grace_period"])
        self._folder = folder / name
        stage = stage_of(service)
        dockerfile.copy_to(self._folder / "app", stage)
        self._places = places | {"/tmp/generia": str(self._folder / "tmp")}
        self.environment = {name: self._here(str(value)) for name, value in service["environment"].items()}
        # -S and this path: what others wrote, without the editable installation of this repository.
        self._env = self.environment | {"PYTHONPATH": dockerfile.SITE_PACKAGES, "PATH": os.environ["PATH"]}
        self._command = [*dockerfile.stages()[stage].entrypoint[1:], *service.get("command", [])]
        self._check = [self._here(word) for word in service.get("healthcheck", {"test": []})["test"][2:]]
        self._log = self._folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def _here(self, text: str) -> str:
        """Return what stands in the compose file with the addresses and folders of this machine."""
        if text.isdigit():  # a port, in a health check
            return self._places.get(f"0.0.0.0:{text}", text).rpartition(":")[2]
        for theirs, ours in self._places.items():
            text = text.replace(theirs, ours)
        return text

    def start(self) -> None:
        """Start its command."""
        with self._log.open("wb") as log:
            self.process = self._start(self._command, log, log)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its command with these words, as `docker compose run` does, until it ends."""
        command = [sys.executable, "-S", *self._command, *words]
        return subprocess.run(
            command, cwd=self._folder / "app", env=self._env, capture_output=True, text=True, timeout=120
        )

    def _start(self, words: list[str], out: Any, err: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", *words]
        return subprocess.Popen(command, cwd=self._folder / "app", env=self._env, stdout=out, stderr=err)

    def wait_until_healthy(self) -> None:
        """Ask as the health check does until it is content; fail when the process ends, or takes too long."""
        for _ in range(START_S):
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} ended: {self.log()}"
            check = self._start([str(PROBE), *self._check], subprocess.PIPE, subprocess.STDOUT)
            said, _ = check.communicate(timeout=START_S)
            if check.returncode == 0:
                return
            time.sleep(1)
        pytest.fail(f"{self.name} is not healthy ({said.decode()}): {self.log()}")

    def log(self) -> str:
        """Return the end of what it has logged."""
        return self._log.read_text(encoding="utf-8")[-4000:]

    def stop(self) -> None:
        """Ask it to stop."""
        if self.process is not None:
            self.process.terminate()

    def wait_until_stopped(self) -> bool:
        """True when it stopped within its grace period; killed otherwise."""
        if self.process is None:
            return True
        try:
            self.process.wait(self.stop_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[dict[str, Container]]:
    """All services that are built from this repository, running; the servers are the embedded ones."""
    services = parsed()["services"]
    ours = {name: one for name, one in services.items() if stage_of(one)}
    with Stack(Settings(_env_file=None), tmp_path / "servers") as stack:
        places = _places(tmp_path, stack.settings, ours)
        found = {name: Container(name, service, tmp_path, places) for name, service in ours.items()}
        try:
            for name, container in found.items():
                if name != "cli":
                    container.start()
            yield found
        finally:
            for container in found.values():
                container.stop()
            late = [container.name for container in found.values() if not container.wait_until_stopped()]
    assert not late, f"{late} did not stop within their grace periods"


def _places(folder: Path, servers: Settings, ours: dict[str, Any]) -> dict[str, str]:
    """Return where on this machine stands what compose names: addresses, secrets, volumes."""
    secrets = folder / "secrets"
    secrets.mkdir()
    values = {
        "mongo_uri": servers.mongo_uri,
        "redis_url": servers.redis_url,
        "s3_access_key": servers.s3_access_key,
        "s3_secret_key": servers.s3_secret_key,
    }
    for name in {secret for service in ours.values() for secret in service.get("secrets", ())}:
        value = (
            values[name].get_secret_value()
            if name in values
            else f"sim-{name}-0123456789abcdef0123456789abcdef"
        )
        (secrets / name).write_text(f"{value}\n", encoding="utf-8")
    places = {
        "/run/secrets": str(secrets),
        "/metrics": str(folder / "metrics"),
        "127.0.0.1:9000": servers.s3_endpoint,
        "s3:9000": servers.s3_endpoint,
    }
    for name, service in ours.items():
        binds = [v for k, v in service["environment"].items() if str(v).startswith("0.0.0.0:")]
        for bind in binds:
            port = bind.rpartition(":")[2]
            address = f"127.0.0.1:{free_port()}"
            places |= {bind: address, f"{name}:{port}": address, f"127.0.0.1:{port}": address}
    return places


def test_all_of_it_is_healthy_and_makes_a_world(containers: dict[str, Container]) -> None:
    assert len(containers) == 17
    cli = containers.pop("cli")
    for container in containers.values():
        container.wait_until_healthy()
    made = cli.run("generate", PROMPT, "--characters", "1", "--posts", "2", "--json")
    assert made.returncode == 0, made.stderr
    status = json.loads(made.stdout)
    assert (status["status"], status["users_created"], status["posts_created"]) == ("completed", 1, 2)
    assert status["_id"] in cli.run("worlds", "--json").stdout
    invited = cli.run("users", "invite")
    assert invited.stdout.startswith(containers["gateway"].environment["GENERIA_GATEWAY_URL"]), invited.stderr
    assert cli.run("status", status["_id"]).returncode == 0
