"""Every process of docker-compose.yml, started as compose would start it: its command, its environment, the files of its
stage and no others; only addresses and mounted paths lead to this machine. Together they make a world."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from generia_worker.client.client import GeneriaClient
from generia_worker.embedded.ports import free_port
from generia_worker.embedded.stack import Stack
from generia_worker.gateway.dependencies import connect_services
from generia_worker.settings import Settings
from tests import make_dockerfile as made
from tests.deployment.test_compose import parsed, seconds

pytestmark = pytest.mark.stack

START_S = 90
PROMPT = "A market where clouds are sold by weight"
_SIMULATOR = {
    "GENERIA_LLM_BASE_URL": "http://simulator:8090/api/v1",
    "GENERIA_IMAGE_BASE_URL": "http://simulator:8090/v1",
    "GENERIA_LLM_PRICE_INPUT_USD_PER_MTOK": "0.3",
    "GENERIA_LLM_PRICE_OUTPUT_USD_PER_MTOK": "2.5",
}


class Container:
    """One service of the compose file as processes of this machine."""

    def __init__(self, name: str, service: dict[str, Any], folder: Path, places: dict[str, str]) -> None:
        self.name = name
        self.stop_s = seconds(service["stop_grace_period"])
        self._folder = folder / name
        stage = service["build"]["target"]
        for file in made.files_of(stage):
            target = self._folder / "app" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((made.ROOT / file).read_bytes())
        self.environment = {}
        for variable, value in service["environment"].items():
            text = str(value)
            for theirs, ours in (*places.items(), ("/tmp/generia", str(self._folder / "tmp"))):
                text = text.replace(theirs, ours)
            self.environment[variable] = text
        # -S and this path: what others wrote, without the editable installation of this repository.
        self._env = self.environment | {"PYTHONPATH": made.SITE_PACKAGES, "PATH": os.environ["PATH"]}
        self._command = [f"generia_worker.processes.{stage}", *service.get("command", [])]
        self._check = service["healthcheck"]["test"][3:]
        self._log = self._folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start its command."""
        with self._log.open("wb") as log:
            self.process = self._run(self._command, log, log)

    def _run(self, module: list[str], out: Any, err: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-m", *module]
        return subprocess.Popen(command, cwd=self._folder / "app", env=self._env, stdout=out, stderr=err)

    def wait_until_healthy(self) -> None:
        """Ask as the health check does until it is content; fail when the process ends, or takes too long."""
        for _ in range(START_S):
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} ended: {self.log()}"
            check = self._run(self._check, subprocess.PIPE, subprocess.STDOUT)
            said, _ = check.communicate(timeout=START_S)
            if check.returncode == 0:
                return
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
    services = parsed({"simulator", "monitoring"}, _SIMULATOR)["services"]
    ours = {name: one for name, one in services.items() if one.get("build", {}).get("target") in made.STAGES}
    with Stack(Settings(_env_file=None), tmp_path / "servers") as stack:
        places = _places(tmp_path, stack.settings, ours)
        found = {name: Container(name, service, tmp_path, places) for name, service in ours.items()}
        try:
            for container in found.values():
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
        "mongodb://mongo:27017/?replicaSet=rs0": servers.mongo_uri.get_secret_value(),
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
    assert len(containers) == 15
    for container in containers.values():
        container.wait_until_healthy()
    api, gateway = containers["api"].environment, containers["gateway"].environment
    known: dict[str, Any] = {
        k.removeprefix("GENERIA_").lower(): v for k, v in gateway.items() if not k.endswith("_FILE")
    }
    rpc_token = Path(gateway["GENERIA_RPC_TOKEN_FILE"]).read_text(encoding="utf-8").strip()
    settings = Settings(_env_file=None, rpc_token=SecretStr(rpc_token), **known)
    services = connect_services(settings)
    try:
        world_id = services.worlds.create("tester", "", "", PROMPT, 1, 2).id
        token = Path(api["GENERIA_API_TOKEN_FILE"]).read_text(encoding="utf-8").strip()
        status = GeneriaClient(f"http://{api['GENERIA_API_BIND']}", token).wait(world_id, timeout_s=90)
        assert (status.status, status.users_created, status.posts_created) == ("completed", 1, 2)
        assert len(services.posts.feed(world_id, 10).posts) == 2
    finally:
        services.close()
