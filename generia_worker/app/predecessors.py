"""What a worker does when it starts: processes of this host that died hold nothing any longer.

Their transactions, leases and slots would run out by themselves; until then nobody could go on with their steps. The
scheduler's next look for orphans publishes them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from generia_worker.app.container import Container
from generia_worker.engine import owners

log = logging.getLogger(__name__)


def free_what_the_dead_hold(container: Container) -> None:
    """End transactions and leases, and free slots at the providers, of owners that are known to be dead. Never fails."""
    is_dead = functools.cache(owners.is_dead)
    # Transactions first: writes to the steps would wait for them.
    transactions = _tried(lambda: container.database.end_transactions(is_dead))
    steps = _tried(lambda: container.recovery.expire_dead(is_dead))
    slots = _tried(lambda: sum(one.free(is_dead) for one in container.slots.values()))
    if transactions or steps or slots:
        message = "Workers of this host have died: %d steps, %d slots and %d transactions are free again."
        log.warning(message, steps, slots, transactions)


def _tried(free: Callable[[], int]) -> int:
    try:
        return free()
    except (PyMongoError, RedisError) as error:
        log.warning("Something that dead workers of this host hold has to run out: %s", type(error).__name__)
        return 0
