"""The process of the simulator."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def simulator() -> None:
    """Run the simulator of both paid APIs."""
    from generia_worker.simulator.server import run

    run(begin())


if __name__ == "__main__":
    simulator()
