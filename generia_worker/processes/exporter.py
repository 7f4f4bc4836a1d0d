"""The process of the exporter."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def exporter() -> None:
    """Run the exporter, for Prometheus.

    It tells what the workers of this machine count, and what waits.
    """
    from generia_worker.app.exporter import run

    run(set_up_process())


if __name__ == "__main__":
    exporter()
