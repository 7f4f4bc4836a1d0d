"""`python -m tests.benchmarks events`: runs a measurement on a stack of its own, prints a table and JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from generia_worker import programs
from generia_worker.local.stack import Stack
from generia_worker.settings import Settings
from tests.benchmarks import events
from tests.integration.conftest import Platform


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    push = commands.add_parser("events", help=events.__doc__)
    push.add_argument("--clients", type=int, default=500)
    push.add_argument("--worlds", type=int, default=10)
    push.add_argument("--characters", type=int, default=5)
    push.add_argument("--posts", type=int, default=15)
    asked = parser.parse_args()
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    with tempfile.TemporaryDirectory(prefix="generia-bench-") as folder:
        stack = Stack(programs.with_addresses(settings), Path(folder), programs.programs(settings))
        with stack:
            found = events.measure(
                Platform(stack),
                clients=asked.clients,
                worlds=asked.worlds,
                users=asked.characters,
                posts=asked.posts,
            )
    _print(found)


def _print(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, dict):
            print(f"{name:<10}" + "  ".join(f"{key} {figure}" for key, figure in value.items()))
        else:
            print(f"{name:<10}{value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
