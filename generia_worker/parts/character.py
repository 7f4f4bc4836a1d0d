"""The process of the character service alone: `generia service character`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.parts import begin, says_why


@click.command()
@says_why
def character() -> None:
    """Run the character service."""
    from generia_worker.platform import characters, server

    server.run({"character": characters.register}, begin())


if __name__ == "__main__":
    character()
