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
from generia_worker.app.container import Runtime, get_runtime
from generia_worker.engine.step import StepKind
from generia_worker.settings import get_settings
from tasks import pipeline

log = logging.getLogger(__name__)

#: A settling that was asked for and not begun after so long may be asked for again.
_ASKED_S = max(1, round(6 * get_settings().sweep_every_s))
#: So many worlds that were settled in the last seconds are settled at full pace, more of them up to so much less often.
_RECENT_S, _AT_FULL_PACE, _SLOWEST = 3.0, 4, 4.0


def ask_for_progress(world_id: str) -> None:
    """Ask for a world to be settled, unless somebody did already. Never fails: the sweep settles what was missed."""
    try:
        if get_runtime().redis.set(_key(world_id), 1, nx=True, ex=_ASKED_S):
            # Without retries: while Redis hangs, nobody's thread is held up longer than for one timeout.
            pipeline.by_name(pipeline.RECORD_PROGRESS, world_id).apply_async(retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("Progress of %s is left to the sweep: %s", world_id, type(error).__name__)


@app.task(acks_late=True)
def record_progress(world_id: str) -> None:
    """Settle a world: bring its status document up to what the ledger says, and finish it when all else has ended."""
    runtime = get_runtime()
    if not _await_turn(runtime, world_id):
        return
    settled = runtime.status.settle(world_id)
    if settled.progress.ready_to_finish:
        pipeline.by_name(pipeline.TASKS[StepKind.FINISH], world_id).apply_async()


def _await_turn(runtime: Runtime, world_id: str) -> bool:
    """Wait until this world's last settling is some time ago: many steps share one settling. False when another message
    waits for the same already: it will see all that there is to see now.

    Two settlings of one world at a time would only collide. A queue that is longer than the pause has done the waiting
    already, so no thread is held up when there is much to do.
    """
    redis, stopping = runtime.redis, runtime.stopping
    turn, waiting = f"generia:settled:{world_id}", f"generia:settling:{world_id}"
    pause_ms = max(1, int(1000 * runtime.settings.progress_every_s * _pace.slower(world_id)))
    waits = False
    while not redis.set(turn, 1, nx=True, px=pause_ms):
        if not waits and not redis.set(waiting, 1, nx=True, px=2 * pause_ms + 1000):
            return False
        waits = True
        if stopping.wait(max(int(redis.pttl(turn)), 1) / 1000):
            break
    # Deleted before the ledger is read: what is committed from now on asks again.
    redis.delete(_key(world_id), *([waiting] if waits else []))
    return True


class _Pace:
    """How much less often each world is settled while this process has many of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._worlds: TTLCache[str, None] = TTLCache(maxsize=1000, ttl=_RECENT_S, timer=clock)
        self._lock = threading.Lock()

    def slower(self, world_id: str) -> float:
        """Note that a world is settled; return by which factor its next settling may be later than usual."""
        with self._lock:
            self._worlds[world_id] = None
            return min(max(len(self._worlds) / _AT_FULL_PACE, 1.0), _SLOWEST)


_pace = _Pace()


def _key(world_id: str) -> str:
    return f"generia:settle:{world_id}"
