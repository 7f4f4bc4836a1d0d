"""The progress task: the only writer of the status document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import ceil
from time import monotonic

from kombu.exceptions import OperationalError
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container, get_container
from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.observability import tracing
from generia_worker.status.stages import Progress
from generia_worker.storage.database import is_transient
from generia_worker.worlds.steps import FINISH
from tasks import pipeline

log = logging.getLogger(__name__)

#: In Redis: the worlds whose status is to be refreshed; who sees to it, `_SENT` (a message that was sent) or `_RUNS` (a task
#: that refreshes); and that the pause after the last refresh is not over yet.
DIRTY, ASKED, PAUSE = (f"generia:progress:{name}" for name in ("dirty", "asked", "pause"))
_SENT, _RUNS = 1, 2
#: Seconds after which a refresh may be asked for again that was asked for and did not begin, and how much longer than its
#: pause a task may refresh nothing: the message may be lost, or the worker dead.
_ASKED_S = 3
#: Worlds that are taken together. Where there are no more of them they are refreshed in so many groups: a group costs five
#: queries, and whoever watches a world waits for those of its group.
_TOGETHER, _GROUPS = 100, 10
#: How often a task takes worlds, then another one goes on: a task without end would be delivered again, and never be done.
_ROUNDS = 20
#: KEYS: `DIRTY`, `ASKED`. ARGV: the world, `_SENT`, `_ASKED_S`. Returns 1 for who has to send a message.
_ASK = """
redis.call('SADD', KEYS[1], ARGV[1])
return redis.call('SET', KEYS[2], ARGV[2], 'NX', 'EX', ARGV[3]) and 1 or 0
"""
#: KEYS: `DIRTY`, `ASKED`, `PAUSE`. ARGV: the world, `_RUNS`, seconds that this lasts. Returns how many milliseconds of the
#: pause are left, for who has to refresh; else nothing.
_BEGIN = """
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[2] then return false end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return math.max(redis.call('PTTL', KEYS[3]), 0)
"""
#: KEYS: `DIRTY`, `ASKED`, `PAUSE`. ARGV: how many, `_RUNS`, seconds that this lasts, the pause in ms. Returns worlds to
#: refresh now. Where there are none, nobody sees to it any more.
_TAKE = """
local worlds = redis.call('SPOP', KEYS[1], ARGV[1])
if #worlds == 0 then redis.call('DEL', KEYS[2]) return worlds end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
return worlds
"""
#: KEYS: `DIRTY`, `ASKED`. ARGV: `_SENT`, `_ASKED_S`. Returns a world that is still to be refreshed: send a message for it.
_LEAVE = """
local left = redis.call('SRANDMEMBER', KEYS[1])
if left then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) else redis.call('DEL', KEYS[2]) end
return left
"""


def refresh_status(world_id: str, *, at_once: bool = False) -> None:
    """Ask for a world's status to be refreshed; `at_once`: for its end, with no step to come that would share the refresh.

    Never fails: the sweep finds what was missed.
    """
    try:
        if at_once or _ask(get_container().redis, world_id):
            # Without retries: while Redis hangs, no thread is held up longer than for one timeout.
            arguments = (world_id, True) if at_once else (world_id,)
            pipeline.by_name(RECORD_PROGRESS, *arguments).apply_async(retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("The status of %s is left to the sweep: %s", world_id, type(error).__name__)


@app.task(acks_late=True)
def record_progress(world_id: str, at_once: bool = False) -> None:
    """Refresh a world, and all others whose refresh is asked for meanwhile: bring their status documents up to what the
    ledger says, and finish those of which all else has ended.

    One task does so for all worlds, and goes on for as long as something is asked for when its pause is over.
    """
    container = get_container()
    if at_once:
        _go_on(world_id, container.status_refresh.refresh(world_id))
        return
    redis, settings = container.redis, container.settings
    pause_ms = max(1, int(1000 * settings.progress_every_s))
    runs_s = _ASKED_S + ceil(settings.progress_every_s)
    left_ms = redis.eval(_BEGIN, 3, DIRTY, ASKED, PAUSE, world_id, _RUNS, runs_s)
    if left_ms is None:
        return  # the task that refreshes will see this world, too
    left_s = left_ms / 1000
    try:
        # An only thread is needed for more than this.
        for _ in range(_ROUNDS if settings.worker_threads > 1 else 1):
            stops = container.stopping.wait(left_s)
            began = monotonic()
            taken = redis.eval(_TAKE, 3, DIRTY, ASKED, PAUSE, _TOGETHER, _RUNS, runs_s, pause_ms)
            if not taken:
                return
            _refresh(container, [one.decode() for one in taken])
            if stops:
                break
            left_s = max(0, began + pause_ms / 1000 - monotonic()) if len(taken) < _TOGETHER else 0
        left = redis.eval(_LEAVE, 2, DIRTY, ASKED, _SENT, _ASKED_S)
        if left is not None:
            pipeline.by_name(RECORD_PROGRESS, left.decode()).apply_async(retry=False)
    except Exception:
        redis.delete(ASKED)
        raise


def _refresh(container: Container, worlds: Sequence[str]) -> None:
    """Refresh worlds, and go on with them; those that a failing server leaves over are asked for again.

    What else is wrong with one is logged and left to the sweep: it concerns no other world, and would be wrong again.
    """
    size = len(worlds) if len(worlds) == _TOGETHER else ceil(len(worlds) / _GROUPS)
    for start in range(0, len(worlds), size):
        try:
            for one, progress in container.status_refresh.refresh_many(worlds[start : start + size]).items():
                try:
                    _go_on(one, progress)
                except Exception as error:
                    if _server_fails(error):
                        raise
                    log.exception("World %s is left to the sweep.", one)
        except (PyMongoError, RedisError, OperationalError):
            container.redis.sadd(DIRTY, *worlds[start:])
            raise


def _server_fails(error: Exception) -> bool:
    """Tell whether it is MongoDB, Redis or the broker that fails, so that it would do so for any world."""
    if isinstance(error, PyMongoError):
        return is_transient(error)
    return isinstance(error, (RedisError, OperationalError))


def _go_on(world_id: str, progress: Progress) -> None:
    """Publish what can begin, as far as a world's progress shows that nobody did so."""
    container = get_container()
    if progress.unblocked:  # by a process that died before it published them
        pipeline.publish_waiting(container.generations.recent(world_id), container.rows)
    if progress.ready_to_finish:
        with tracing.within(container.generations.recent(world_id).trace):
            pipeline.by_name(FINISH.task, world_id).apply_async()


def _ask(redis: Redis, world_id: str) -> bool:
    """Note that a world is to be refreshed; True for who has to send the message that sees to it."""
    return bool(redis.eval(_ASK, 2, DIRTY, ASKED, world_id, _SENT, _ASKED_S))
