"""The process of the simulator."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def simulator() -> None:
    """Run the simulator of both paid APIs."""
    from generia_worker.simulator.server import run

    run(set_up_process())


if __name__ == "__main__":
    simulator()
