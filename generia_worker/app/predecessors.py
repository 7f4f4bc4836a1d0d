"""What a worker does when it starts: processes of this host that died hold nothing any longer.

Their transactions, leases and slots would run out by themselves; until then nobody could go on with their steps. The
scheduler's next look for orphans publishes these. What they had not published is looked for at once: a watermark is sent
through every queue, and what is then in none of them and was due before the death is lost.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import timedelta

from celery import Celery
from kombu.exceptions import OperationalError
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from generia_worker.app.container import Container
from generia_worker.app.enqueue import RECOVER, SEND_WATERMARKS
from generia_worker.engine import owners

log = logging.getLogger(__name__)

#: In so many seconds watermarks come out of queues in which nothing waits, and this worker takes messages.
_TAKEN_S = 2


def take_over(container: Container, celery: Celery) -> None:
    """Free what dead owners hold, and have looked for what they left undone. Never fails."""
    try:
        if _free(container):
            container.watermarks.note_death()
        # Also who frees nothing: all that died together start together, and only one of them finds the dead.
        death = container.watermarks.last_death()
        if death and container.database.now() - death < timedelta(seconds=container.settings.lease_s):
            celery.send_task(SEND_WATERMARKS, retry=False)
            celery.send_task(RECOVER, retry=False, countdown=_TAKEN_S)
    except (PyMongoError, RedisError, OperationalError) as error:
        log.warning("What dead workers left undone is found later: %s", type(error).__name__)


def _free(container: Container) -> bool:
    """End transactions and leases, and free slots at the providers, of owners that are dead; tell whether any was."""
    is_dead = functools.cache(owners.is_dead)
    # Transactions first: writes to the steps would wait for them.
    transactions = _tried(lambda: container.database.end_transactions(is_dead))
    steps = _tried(lambda: container.recovery.expire_dead(is_dead))
    slots = _tried(lambda: sum(one.free(is_dead) for one in container.slots.values()))
    if transactions or steps or slots:
        message = "Workers of this host have died: %d steps, %d slots and %d transactions are free again."
        log.warning(message, steps, slots, transactions)
    return bool(transactions or steps or slots)


def _tried(free: Callable[[], int]) -> int:
    try:
        return free()
    except (PyMongoError, RedisError) as error:
        log.warning("Something that dead workers of this host hold has to run out: %s", type(error).__name__)
        return 0
