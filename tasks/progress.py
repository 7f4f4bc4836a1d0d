"""The progress task: the only writer of the status document."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from cachetools import TTLCache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container, get_container
from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.observability import tracing
from generia_worker.worlds.steps import FINISH
from tasks import pipeline

log = logging.getLogger(__name__)

#: Seconds after which a refresh that was asked for and did not begin may be asked for again: its message may be lost.
_ASKED_S = 3
#: Up to `_AT_FULL_PACE` worlds in the last `_RECENT_S` seconds are refreshed at full pace, more of them up to `_SLOWEST`
#: times less often: a refresh costs about as much as a step does.
_RECENT_S, _AT_FULL_PACE, _SLOWEST = 3.0, 2, 4.0


def refresh_status(world_id: str, *, at_once: bool = False) -> None:
    """Ask for a world's status to be refreshed, unless that was done already; `at_once`: for its end, with no step to come
    that would share the refresh.

    Never fails: the sweep finds what was missed.
    """
    try:
        if at_once:
            pipeline.by_name(RECORD_PROGRESS, world_id, True).apply_async(retry=False)
        elif get_container().redis.set(_key(world_id), 1, nx=True, ex=_ASKED_S):
            # Without retries: while Redis hangs, no thread is held up longer than for one timeout.
            pipeline.by_name(RECORD_PROGRESS, world_id).apply_async(retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("The status of %s is left to the sweep: %s", world_id, type(error).__name__)


@app.task(acks_late=True)
def record_progress(world_id: str, at_once: bool = False) -> None:
    """Refresh a world: bring its status document up to what the ledger says, and finish it when all else has ended."""
    container = get_container()
    if not at_once and not _throttle(container, world_id):
        return
    progress = container.status_refresh.refresh(world_id)
    if progress.unblocked:  # by a process that died before it published them
        pipeline.publish_waiting(container.generations.recent(world_id), container.rows)
    if progress.ready_to_finish:
        with tracing.within(container.generations.recent(world_id).trace):
            pipeline.by_name(FINISH.task, world_id).apply_async()


def _throttle(container: Container, world_id: str) -> bool:
    """Wait until this world's last refresh is some time ago: many steps share one. False when another message waits for the
    same already: it will see all that there is to see now.

    Two refreshes of one world at a time would only collide. A queue that is longer than the pause has done the waiting
    already, so no thread is held up when there is much to do.
    """
    redis, stopping = container.redis, container.stopping
    last, waiting = f"generia:settled:{world_id}", f"generia:settling:{world_id}"
    pause_ms = max(1, int(1000 * container.settings.progress_every_s * _pace.slower(world_id)))
    waits = False
    while not redis.set(last, 1, nx=True, px=pause_ms):
        if not waits and not redis.set(waiting, 1, nx=True, px=2 * pause_ms + 1000):
            return False
        waits = True
        if stopping.wait(max(int(redis.pttl(last)), 1) / 1000):
            break
    # Deleted before the ledger is read: what is committed from now on asks again.
    redis.delete(_key(world_id), *([waiting] if waits else []))
    return True


class Pace:
    """How much less often each world is refreshed while this process has many of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._worlds: TTLCache[str, None] = TTLCache(maxsize=1000, ttl=_RECENT_S, timer=clock)
        self._lock = threading.Lock()

    def slower(self, world_id: str) -> float:
        """Note that a world is refreshed; return by which factor its next refresh may be later than usual."""
        with self._lock:
            self._worlds[world_id] = None
            return min(max(len(self._worlds) / _AT_FULL_PACE, 1.0), _SLOWEST)


_pace = Pace()


def _key(world_id: str) -> str:
    return f"generia:settle:{world_id}"
