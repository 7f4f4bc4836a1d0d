"""The process of Flower."""

from __future__ import annotations

import click

from generia_worker.processes import reports_errors, set_up_process


@click.command()
@reports_errors
def flower() -> None:
    """Run Flower: tasks and failures in the browser.

    It is behind a password: GENERIA_FLOWER_USER and GENERIA_FLOWER_PASSWORD.
    """
    from generia_worker.app.celery_app import app
    from generia_worker.processes.flower_app import run

    run(set_up_process(), app)


if __name__ == "__main__":
    flower()
