"""The process of the reference gRPC services."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@click.argument(
    "names",
    nargs=-1,
    required=True,
    type=click.Choice(["world", "character", "post", "media", "interaction", "all"]),
)
@reports_errors
def service(names: tuple[str, ...]) -> None:
    """Run reference gRPC services, some or all."""
    from generia_worker.reference.registry import run

    run(names, set_up_process("services"))


if __name__ == "__main__":
    service()
