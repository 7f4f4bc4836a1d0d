"""What a worker is told: a file that the variable `GENERIA_PEERS_JOB` names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.calls import Branch

VARIABLE = "GENERIA_PEERS_JOB"


@dataclass(frozen=True, slots=True)
class Job:
    """The simulator's address, how many calls to a provider may be made at a time, and the worlds that may be ordered."""

    simulator: str
    slots: Mapping[str, int]
    worlds: Mapping[str, Branch]
    #: Where the system's database or broker is, as its own client takes it.
    engine: str
    #: Where the worker listens, on the loopback interface.
    port: int

    def store(self, path: Path) -> dict[str, str]:
        """Write it down; return the environment of a worker that is to read it."""
        value: dict[str, Any] = asdict(self) | {
            "worlds": {name: branch.as_json() for name, branch in self.worlds.items()}
        }
        path.write_text(json.dumps(value), encoding="utf-8")
        return {VARIABLE: str(path)}


def read_job() -> Job:
    """Return this worker's job. Raises KeyError where the variable is not set."""
    value = json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8"))
    worlds = {name: Branch.from_json(branch) for name, branch in value["worlds"].items()}
    return Job(**value | {"worlds": worlds})
