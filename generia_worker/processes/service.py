"""The process of the reference gRPC services."""

from __future__ import annotations

import click

from generia_worker.processes import begin, says_why


@click.command()
@click.argument(
    "names", nargs=-1, required=True, type=click.Choice(["world", "character", "post", "media", "all"])
)
@says_why
def service(names: tuple[str, ...]) -> None:
    """Run reference gRPC services, some or all."""
    from generia_worker.reference.services import run

    run(names, begin())


if __name__ == "__main__":
    service()
