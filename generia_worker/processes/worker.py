"""The process of a worker."""

from __future__ import annotations

import gc
import uuid
from pathlib import Path

import click

from generia_worker.processes import reports_errors, set_up_process
from generia_worker.processes.celery_program import working_app
from generia_worker.processes.health_checks import worker_file


@click.command()
@click.option("--queues", default="llm,images,services,progress,maintenance", show_default=True)
@click.option("--name", default="", help="Name of the worker; default: a random one.")
@click.option(
    "--quarantine", is_flag=True, help="Take suspects only, one at a time, each in a process of its own."
)
@reports_errors
def worker(queues: str, name: str, quarantine: bool) -> None:
    """Run a Celery worker for some queues, all bands of each.

    On a threads pool of GENERIA_WORKER_THREADS threads.
    """
    from generia_worker.app.container import get_container
    from generia_worker.app.predecessors import take_over
    from generia_worker.engine.queues import QUARANTINE
    from generia_worker.observability import metrics

    settings = set_up_process("worker")
    metrics.keep_in(settings.metrics_folder)
    celery = working_app()
    take_over(get_container(), celery)
    collect_seldom()
    pool, concurrency = "threads", settings.worker_threads
    if quarantine:
        pool, concurrency, queues = "prefork", 1, QUARANTINE
    if name:
        note_heartbeats(worker_file(settings, name))
    name = name or uuid.uuid4().hex[:8]
    celery.worker_main(arguments(pool, concurrency, queues, name, settings.log_level))


def note_heartbeats(path: Path) -> None:
    """Let a file's age tell whether this worker does its work: its heart beats only while it is connected to Redis."""
    from celery.signals import heartbeat_sent

    path.parent.mkdir(parents=True, exist_ok=True)
    heartbeat_sent.connect(lambda **_: path.touch(), weak=False)


def collect_seldom() -> None:
    """Let garbage be collected seldom: what is loaded stays, and looking for cycles costs more than they do."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def arguments(pool: str, concurrency: int, queues: str, name: str, level: str) -> list[str]:
    """Return the arguments of Celery's worker for these queues (comma separated; all bands of each)."""
    # Every command of `generia` imports this module, and none but this needs the engine.
    from generia_worker.engine.queues import bands

    taken = [one for queue in queues.split(",") for one in bands(queue.strip())]
    # Quiet: without its banner, every line of the log is an event.
    found = ["--quiet", "worker", "--pool", pool, "--concurrency", str(concurrency)]
    found += ["--queues", ",".join(taken), "--hostname", f"{name}@%h", "--loglevel", level]
    return [*found, "--without-mingle", "--without-gossip", "--task-events"]


if __name__ == "__main__":
    worker()
