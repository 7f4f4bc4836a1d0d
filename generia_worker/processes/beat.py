"""The process of the scheduler."""

from __future__ import annotations

import time
from pathlib import Path

import click

from generia_worker.processes import reports_errors, set_up_process
from generia_worker.processes.celery_program import naming_app, prepare_database
from generia_worker.processes.health_checks import beat_file

#: How often the scheduler notes that it published something, in seconds.
_NOTE_EVERY_S = 1.0


@click.command()
@reports_errors
def beat() -> None:
    """Run the scheduler. Two of them do no harm."""
    from generia_worker.processes.scheduler import Scheduler

    settings = set_up_process()
    schedule = settings.data_dir.expanduser() / "beat-schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    prepare_database()
    _note_what_is_published(beat_file(settings))
    options = {
        "--scheduler": f"{Scheduler.__module__}:{Scheduler.__name__}",
        "--schedule": str(schedule),
        "--pidfile": "",
        "--loglevel": settings.log_level,
    }
    naming_app().start(["--quiet", "beat", *(word for option in options.items() for word in option)])


def _note_what_is_published(path: Path) -> None:
    """Let a file's age tell whether the scheduler gets anything through (`generia health beat`)."""
    from celery.signals import after_task_publish

    noted = 0.0

    def note(**_: object) -> None:
        nonlocal noted
        if time.monotonic() - noted > _NOTE_EVERY_S:
            noted = time.monotonic()
            path.touch()

    after_task_publish.connect(note, weak=False)


if __name__ == "__main__":
    beat()
