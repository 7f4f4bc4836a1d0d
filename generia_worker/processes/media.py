"""The process of the media service alone: `generia service media`, without importing the others."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def media() -> None:
    """Run the media service."""
    from generia_worker.reference import server
    from generia_worker.reference.media import media_service as media

    server.run({"media": media.register}, begin())


if __name__ == "__main__":
    media()
