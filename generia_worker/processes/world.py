"""The process of the world service alone: `generia service world`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def world() -> None:
    """Run the world service."""
    from generia_worker.reference import server
    from generia_worker.reference.world import world_service as worlds

    server.run({"world": worlds.register}, begin())


if __name__ == "__main__":
    world()
