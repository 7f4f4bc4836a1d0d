"""The process of the world service alone: `generia service world`; it imports no other service."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def world() -> None:
    """Run the world service."""
    from generia_worker.reference.shared.server import run
    from generia_worker.reference.world.world_service import WorldService

    run([WorldService], set_up_process("world"))


if __name__ == "__main__":
    world()
