"""Sending the first message of a world. Tasks are known by their names: the package never imports them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

START_WORLD = "tasks.world.start_world"
RECORD_PROGRESS = "tasks.progress.record_progress"
SEND_WATERMARKS, RECOVER = "tasks.maintenance.send_canaries", "tasks.maintenance.recover"


class Enqueuer:
    """Sends first messages. What they are about is stored already: without Redis it is found later, never lost."""

    def __init__(self, celery: Celery, redis: Callable[[], Redis]) -> None:
        self._celery = celery
        self._redis = redis

    def send(self, world_id: str, task: str = START_WORLD) -> None:
        """Send a message, or leave it to recovery when Redis is away."""
        try:
            # Kombu tries a refused connection again for many seconds, and a person waits for the answer to this call.
            self._redis().ping()
            self._celery.send_task(task, args=[world_id], retry=False, ignore_result=True)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("World %s was accepted but not yet enqueued: %s", world_id, type(error).__name__)
