"""The process of Flower."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process
from generia_worker.processes.celery_program import naming_app


@click.command()
@reports_errors
def flower() -> None:
    """Run Flower: tasks and failures in the browser.

    It is behind a password: GENERIA_FLOWER_USER and GENERIA_FLOWER_PASSWORD.
    """
    from generia_worker.processes.flower_app import run

    run(set_up_process(), naming_app())


if __name__ == "__main__":
    flower()
