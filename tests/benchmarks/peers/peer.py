"""What the other systems have in common: a simulator of their own, an engine, and workers that read a job."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from generia_worker.cli import programs
from generia_worker.embedded.folder import new_credentials
from generia_worker.embedded.ports import LOOPBACK, free_port
from generia_worker.embedded.process import ManagedProcess
from generia_worker.embedded.servers import Place, Server
from generia_worker.embedded.stack import program_environment
from generia_worker.settings import Settings
from tests.benchmarks.peers.calls import Branch
from tests.benchmarks.peers.system import DidNotEnd, System
from tests.benchmarks.peers.workers.job import Job

_ROOT = Path(__file__).parents[3]
_POLL_S = 0.05
_START_S = 60.0


class Peer(System):
    """A system beside Generia. A subclass says how its engine and its workers start, and how worlds are ordered."""

    #: The modules that have to be installed besides the project.
    modules: ClassVar[tuple[str, ...]] = ()

    def __init__(self, folder: Path, slots: Mapping[str, int], plans: Mapping[str, Branch]) -> None:
        super().__init__(folder, slots, plans)
        self.place = Place(folder, folder, new_credentials())
        self._own: list[ManagedProcess] = []

    @classmethod
    def missing(cls) -> str | None:
        """Say which modules are not installed."""
        lacking = [name for name in cls.modules if importlib.util.find_spec(name) is None]
        if not lacking:
            return None
        return f"not installed: {', '.join(lacking)} (pip install -e '.[local,test,bench,peers]')"

    @abstractmethod
    def start_engine(self) -> str:
        """Start what the workers need, as `engine`; return its address as they take it."""

    @abstractmethod
    def start_workers(self, job: Job, environment: Mapping[str, str]) -> None:
        """Start the workers, as `workers`, with these variables of theirs."""

    @abstractmethod
    def finished(self) -> set[str]:
        """Return the worlds that are finished, of those that were ordered."""

    # --- its processes -----------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the simulator, the engine and the workers."""
        self._start_simulator()
        job = Job(self.simulator, dict(self.slots), dict(self.plans), self.start_engine(), free_port())
        self.start_workers(job, job.store(self.folder / "job.json"))

    def _start_simulator(self) -> None:
        settings = Settings(_env_file=None, simulator_bind=f"{LOOPBACK}:{free_port()}")
        program = next(one for one in programs.programs(settings) if one.name == "simulator")
        is_ready = program.ready
        assert is_ready is not None
        environment = program_environment(settings)
        self.run(program.name, program.argv(settings), env=environment, ready=lambda: is_ready(settings))
        self.simulator = f"http://{settings.simulator_bind}"

    def run(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        ready: Callable[[], bool],
        stop_signal: int = signal.SIGTERM,
    ) -> ManagedProcess:
        """Start a program and return once it is ready; it ends with this system, and is not restarted of itself."""
        process = ManagedProcess(
            name,
            argv,
            env=env,
            log_path=self.folder / f"{name}.log",
            ready=ready,
            ready_timeout_s=_START_S,
            stop_signal=stop_signal,
            restart=False,
        )
        self._own.append(process)
        process.start()
        return process

    def run_worker(
        self, name: str, module: str, *arguments: str, env: Mapping[str, str], ready: Callable[[], bool]
    ) -> None:
        """Start a Python module as a worker."""
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": path}
        command = [sys.executable, "-m", module, *arguments]
        self.workers[name] = self.run(
            name, command, env=own | dict(env), ready=ready, stop_signal=signal.SIGKILL
        )

    def adopt(self, server: Server) -> Mapping[str, Any]:
        """Take a server of the embedded stack as part of the engine; return its settings."""
        self._own.append(server.process)
        self.engine[server.process.name] = server.process
        return server.settings

    def stop(self) -> None:
        """End everything, the last that was started first."""
        for process in reversed(self._own):
            process.stop()

    # --- its work ----------------------------------------------------------------------------------------------
    def wait(self, worlds: Iterable[str], timeout_s: float) -> None:
        """Look again and again whether these worlds are finished. Raises DidNotEnd."""
        wanted, deadline = set(worlds), time.monotonic() + timeout_s
        while left := wanted - self.finished():
            if time.monotonic() > deadline:
                raise DidNotEnd(f"{len(left)} of {len(wanted)} not finished after {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def audit(self, worlds: Iterable[str], bill: Mapping[str, Any]) -> None:
        """Assert that every call of these worlds was answered, and that nothing else was billed."""
        billed = [entry for entry in bill["entries"] if entry["billed"]]
        wanted = {call.name for world in worlds for call in self.plans[world]}
        assert {entry["request"] for entry in billed if entry["answered"]} == wanted
        assert {entry["request"] for entry in billed} == wanted


def version(package: str) -> str:
    """Return the version of a package that is installed."""
    return metadata.version(package)
