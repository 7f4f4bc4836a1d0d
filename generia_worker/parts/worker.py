"""The process of a worker."""

from __future__ import annotations

import gc
import uuid

import click

from generia_worker.parts import begin, says_why
from generia_worker.parts.celery_app import checked_app


@click.command()
@click.option("--queues", default="llm,images,services,progress,maintenance", show_default=True)
@click.option("--name", default="", help="Name of the worker; default: a random one.")
@click.option(
    "--quarantine", is_flag=True, help="Take suspects only, one at a time, each in a process of its own."
)
@says_why
def worker(queues: str, name: str, quarantine: bool) -> None:
    """Run a Celery worker for some queues, all lanes of each.

    On a threads pool of GENERIA_WORKER_THREADS threads.
    """
    from generia_worker import metrics
    from generia_worker.domain.queues import lanes

    settings = begin()
    metrics.keep_in(settings.metrics_folder)
    celery = checked_app()
    # What is loaded stays; cycles are rare, and looking for them in it costs more than they do.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # Quiet: without its banner, every line of the log is an event.
    arguments = ["--quiet", "worker", "--pool", "threads", "--concurrency", str(settings.worker_threads)]
    if quarantine:
        arguments, queues = ["--quiet", "worker", "--pool", "prefork", "--concurrency", "1"], "quarantine"
    taken = [one for queue in queues.split(",") for one in lanes(queue.strip())]
    arguments += ["--queues", ",".join(taken), "--hostname", f"{name or uuid.uuid4().hex[:8]}@%h"]
    arguments += ["--loglevel", settings.log_level, "--without-mingle", "--without-gossip", "--task-events"]
    celery.worker_main(arguments)


if __name__ == "__main__":
    worker()
