"""A system that is measured: it is started for one run, given worlds, perhaps killed, and stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import requests

from generia_worker.embedded.process import ManagedProcess
from tests.benchmarks.peers.calls import Branch
from tests.benchmarks.peers.cpu import CpuAccount
from tests.benchmarks.rig import behaviour

_CONTROL_S = 60


class DidNotEnd(Exception):  # noqa: N818 - it is a fact about a run
    """Raised when the worlds of a run are not finished in time."""


class System(ABC):
    """One system on this machine, with a simulator. A context manager: everything runs on entry, nothing does after it.

    `slots` are the calls to each provider that may be made at a time, `plans` the worlds that may be ordered, by name;
    `folder` is an empty one for the run's data and logs.
    """

    def __init__(self, folder: Path, slots: Mapping[str, int], plans: Mapping[str, Branch]) -> None:
        self.folder, self.slots, self.plans = folder, slots, plans
        self.simulator = ""
        #: Processes by name: what makes the calls (SIGKILL is its way to stop), and the servers that it needs for that.
        self.workers: dict[str, ManagedProcess] = {}
        self.engine: dict[str, ManagedProcess] = {}
        #: What does other work for the worlds; shown beside.
        self.services: dict[str, ManagedProcess] = {}

    @classmethod
    @abstractmethod
    def title(cls) -> str:
        """Return its name and version, as the table shows them; not to be called where something is missing."""

    @classmethod
    def missing(cls) -> str | None:
        """Say in one sentence why it cannot be measured here; None when it can."""
        return None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start everything; return once it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that was started."""

    @abstractmethod
    def order(self, worlds: Iterable[str]) -> None:
        """Order worlds; return once no order can be lost."""

    @abstractmethod
    def wait(self, worlds: Iterable[str], timeout_s: float) -> None:
        """Return once these worlds are finished. Raises DidNotEnd."""

    @abstractmethod
    def audit(self, worlds: Iterable[str], bill: Mapping[str, Any]) -> None:
        """Assert that these worlds are whole; `bill` is the simulator's, of them alone."""

    # --- its workers -------------------------------------------------------------------------------------------
    def kill_workers(self, account: CpuAccount) -> None:
        """End all workers with SIGKILL."""
        for name in self.workers:
            account.close(name)
        _at_once(process.stop for process in self.workers.values())

    def restart_workers(self, account: CpuAccount) -> None:
        """Start workers that were killed; return once they are ready."""
        _at_once(process.start for process in self.workers.values())
        for name, process in self.workers.items():
            account.open(name, process.pid or 0, from_birth=True)

    # --- its simulator -----------------------------------------------------------------------------------------
    def behave(self, llm_s: float, image_s: float) -> None:
        """Let the simulator begin new books, and take exactly so long for a text and for a picture."""
        control = f"{self.simulator}/_sim"
        requests.post(f"{control}/reset", timeout=_CONTROL_S).raise_for_status()
        wanted = behaviour(llm_s, image_s)
        requests.put(f"{control}/behaviour", json=wanted, timeout=_CONTROL_S).raise_for_status()

    def bill(self, requests_of: str = "") -> dict[str, Any]:
        """Return the simulator's books: sums of all calls, and the entries of requests that begin so."""
        url, whose = f"{self.simulator}/_sim/ledger", {"request": requests_of}
        found: dict[str, Any] = requests.get(url, params=whose, timeout=_CONTROL_S).json()
        return found


def _at_once(calls: Iterable[Callable[[], None]]) -> None:
    """Make calls side by side; raise what one of them raised."""
    made = list(calls)
    with ThreadPoolExecutor(len(made)) as pool:
        for done in [pool.submit(call) for call in made]:
            done.result()
