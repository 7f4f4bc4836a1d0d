"""The process of the enqueue endpoint."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def api() -> None:
    """Run the enqueue endpoint."""
    from generia_worker.api.server import run

    run(begin())


if __name__ == "__main__":
    api()
