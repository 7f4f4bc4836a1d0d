"""The process of the enqueue endpoint."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def api() -> None:
    """Run the enqueue endpoint."""
    from generia_worker.api.server import run

    run(set_up_process("api"))


if __name__ == "__main__":
    api()
