"""The process of the gateway."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def gateway() -> None:
    """Run the gateway: what the page calls, and the page itself."""
    from generia_worker.gateway.server import run

    run(set_up_process("gateway"))


if __name__ == "__main__":
    gateway()
