"""Sending the first message of a world, and that of a single step. Tasks are known by their names: the package never
imports them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from generia_worker.engine.queues import queue_of
from generia_worker.engine.step import Step
from generia_worker.worlds.steps import STEPS

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

    def send_step(self, world_id: str, step: Step) -> None:
        """Send the message of one step, or leave it to recovery when Redis is away."""
        spec = STEPS[step.kind]
        try:
            self._redis().ping()
            self._celery.send_task(
                spec.task,
                args=[world_id, *step.indexes],
                queue=queue_of(spec.queue, step),
                retry=False,
                ignore_result=True,
            )
        except (OperationalError, RedisError, OSError) as error:
            log.warning("Step %s is not yet enqueued: %s", step.key(world_id), type(error).__name__)
