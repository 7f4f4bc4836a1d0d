"""The Celery application. Tasks are found by name (`celeryconfig.imports`); nothing here imports them."""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import SimpleQueue
from typing import Any

from celery import Celery
from celery.signals import (
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_shutdown,
    worker_shutting_down,
)
from pymongo.errors import PyMongoError

from generia_worker.app import transport as broker
from generia_worker.app.container import get_container, reset_container
from generia_worker.observability import logs, metrics, tracing
from generia_worker.settings import get_settings

log = logging.getLogger(__name__)

#: When the task that a thread works on began.
_begun = threading.local()
#: Filled when this worker has to stop. Its `put` takes no lock.
_stop_asked = SimpleQueue[None]()

app = Celery("generia")
app.config_from_object("celeryconfig")
broker.install(app)


@setup_logging.connect
def _log_as_we_do(**_: object) -> None:
    """Keep Celery from setting up logs of its own."""
    settings = get_settings()
    logs.set_up(settings.log_level, settings.log_format)


@before_task_publish.connect
def _stamp(headers: dict[str, Any], **_: object) -> None:
    """Let a message tell how long it waits (`generia_queue_oldest_seconds`), and which trace it belongs to."""
    headers["sent_at"] = time.time()
    tracing.stamp(headers)


@task_prerun.connect
def _task_begins(**_: object) -> None:
    _begun.at = time.perf_counter()


@task_postrun.connect
def _task_ends(sender: Any, state: str | None = None, **_: object) -> None:
    metrics.task_ended(sender.name, (state or "unknown").lower(), time.perf_counter() - _begun.at)


@worker_process_init.connect
def _after_fork(**_: object) -> None:
    """Let a prefork child make connections of its own."""
    reset_container(close=False)
    metrics.after_fork()


@worker_shutdown.connect
def _at_shutdown(**_: object) -> None:
    reset_container(close=True)


@worker_init.connect
def _await_stop(**_: object) -> None:
    threading.Thread(target=_stop_when_asked, name="stop", daemon=True).start()


@worker_shutting_down.connect
def _ask_to_stop(**_: object) -> None:
    """Hand the stop to a thread: Celery calls this in a signal handler, which must wait for no lock and start no thread."""
    _stop_asked.put(None)


def _stop_when_asked() -> None:
    """Claim nothing any more and let running steps finish, for the grace time at most.

    On a threads pool Celery would wait for them for ever, and a warm shutdown cannot be hurried from outside.
    """
    _stop_asked.get()
    container = get_container()
    container.stopping.set()
    time.sleep(container.settings.grace_s)
    _give_up()


def _give_up() -> None:
    """End this process at once; its steps are free for others, and what it still does to them is fenced off."""
    container = get_container()
    container.leases.close()
    try:
        released = container.ledger.abandon(container.owner)
        log.warning("The grace time is over: %d steps are released.", released)
    except PyMongoError as error:
        log.warning("The grace time is over; leases run out by themselves (%s).", type(error).__name__)
    logging.shutdown()
    os._exit(1)
