"""The process of the gateway."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@says_why
def gateway() -> None:
    """Run the gateway: what the page calls, and the page itself."""
    from generia_worker.gateway.server import run

    run(begin())


if __name__ == "__main__":
    gateway()
