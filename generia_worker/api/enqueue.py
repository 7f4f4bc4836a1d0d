"""Sending the first message of a world. Tasks are known by their names: the package never imports them."""

from __future__ import annotations

import logging

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

START_TASK = "tasks.world.start_world"
PROGRESS_TASK = "tasks.progress.record_progress"


def enqueue(celery: Celery, world_id: str, task: str = START_TASK) -> None:
    """Send a message. What it is about is stored already: without Redis it is found later, never lost."""
    try:
        celery.send_task(task, args=[world_id], retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("World %s was accepted but not yet enqueued: %s", world_id, type(error).__name__)
