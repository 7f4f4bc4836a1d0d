"""The process of the character service alone: `generia service character`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def character() -> None:
    """Run the character service."""
    from generia_worker.reference import server
    from generia_worker.reference.character import character_service as characters

    server.run({"character": characters.register}, begin())


if __name__ == "__main__":
    character()
