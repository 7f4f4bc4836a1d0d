"""Asks one process of the platform whether it does its work: what container engines call every so often."""

from __future__ import annotations

import sys

import click

from generia_worker.processes import reports_errors
from generia_worker.processes.health_checks import CHECKS, is_healthy
from generia_worker.settings import get_settings


@click.command()
@click.argument("part", type=click.Choice(sorted(CHECKS)))
@click.option("--name", default="", help="Of a worker: the name that it was given.")
@reports_errors
def health(part: str, name: str) -> None:
    """Ask PART whether it does its work.

    By the settings of this environment; exit status 1 when it does not.
    """
    healthy = is_healthy(part, get_settings(), name)
    click.echo("healthy" if healthy else "not healthy")
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    health()
