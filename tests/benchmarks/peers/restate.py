"""Restate: its server, and one process that serves the handlers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

import requests

from generia_worker.embedded.ports import LOOPBACK, can_bind, free_port
from tests.benchmarks.peers.peer import Peer
from tests.benchmarks.peers.workers.job import Job

_TIMEOUT_S = 30
_SERVER = "restate-server"


class Restate(Peer):
    """Restate's own server, as it comes, with its data on disk."""

    modules = ("aiohttp", "restate", "hypercorn")
    _ingress = _admin = ""

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        said = subprocess.run([_SERVER, "--version"], capture_output=True, text=True, check=True).stdout
        return f"Restate {said.split()[-1]}"

    @classmethod
    def missing(cls) -> str | None:
        """Say what is missing."""
        if shutil.which(_SERVER) is None:
            return f"no {_SERVER} on PATH (npm install -g @restatedev/restate-server)"
        return super().missing()

    def start_engine(self) -> str:
        """Start the server."""
        ingress, admin, fabric = (f"{LOOPBACK}:{free_port()}" for _ in range(3))
        self._ingress, self._admin = f"http://{ingress}", f"http://{admin}"
        env = {
            "PATH": os.environ["PATH"],
            "RESTATE_INGRESS__BIND_ADDRESS": ingress,
            "RESTATE_ADMIN__BIND_ADDRESS": admin,
            "RESTATE_BIND_ADDRESS": fabric,
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        data = str(self.place.data_dir / "restate")
        command = [_SERVER, "--no-logo", "--node-name", "peers", "--base-dir", data]
        self.engine["restate-server"] = self.run("restate-server", command, env=env, ready=self._is_up)
        return self._ingress

    def start_workers(self, job: Job, environment: Mapping[str, str]) -> None:
        """Start the handlers, and make them known to the server."""
        module = "tests.benchmarks.peers.workers.restate"
        self.run_worker("worker", module, env=environment, ready=lambda: not can_bind(job.port))
        where = {"uri": f"http://{LOOPBACK}:{job.port}"}
        requests.post(f"{self._admin}/deployments", json=where, timeout=_TIMEOUT_S).raise_for_status()

    def order(self, worlds: Iterable[str]) -> None:
        """Send the first invocation of each world, under its name."""
        for world in worlds:
            place, name = {"world": world, "path": []}, {"Idempotency-Key": world}
            url = f"{self._ingress}/peers/branch/send"
            requests.post(url, json=place, headers=name, timeout=_TIMEOUT_S).raise_for_status()

    def finished(self) -> set[str]:
        """Ask the server for the outcome of each world's invocation."""
        return {world for world in self.plans if self._has_output(world)}

    def _has_output(self, world: str) -> bool:
        output = f"{self._ingress}/restate/invocation/peers/branch/{world}/output"
        return requests.get(output, timeout=_TIMEOUT_S).status_code == 200

    def _is_up(self) -> bool:
        try:
            return all(
                requests.get(url, timeout=1).ok
                for url in (f"{self._admin}/health", f"{self._ingress}/restate/health")
            )
        except requests.RequestException:
            return False
