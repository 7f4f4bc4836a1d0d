"""The progress task: the only writer of the status document."""

from __future__ import annotations

import logging
from math import ceil
from typing import Any

from kombu.exceptions import OperationalError
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container, get_container
from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.observability import tracing
from generia_worker.status.stages import Progress
from generia_worker.worlds.steps import FINISH
from tasks import pipeline

log = logging.getLogger(__name__)

#: In Redis: the worlds whose status is to be refreshed; that a message was sent which will see to it; that one waits for the
#: pause to be over; and that the pause is not over yet.
DIRTY, ASKED, WAITING, PAUSE = (f"generia:progress:{name}" for name in ("dirty", "asked", "waiting", "pause"))
#: Seconds after which a refresh that was asked for and did not begin may be asked for again: its message may be lost.
_ASKED_S = 3
#: Worlds that are taken together. Where there are no more of them they are refreshed in so many groups: a group costs five
#: queries, and whoever watches a world waits for those of its group.
_TOGETHER, _GROUPS = 100, 10
#: KEYS: `DIRTY`, `ASKED`. ARGV: the world, `_ASKED_S`. Returns 1 for who has to send a message.
_ASK = """
redis.call('SADD', KEYS[1], ARGV[1])
return redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) and 1 or 0
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
    """Refresh a world, and with it all others whose refresh was asked for meanwhile: bring their status documents up to what
    the ledger says, and finish those of which all else has ended."""
    container = get_container()
    if at_once:
        _go_on(world_id, container.status_refresh.refresh(world_id))
        return
    container.redis.sadd(DIRTY, world_id)
    if not _throttle(container):
        return
    # Before the ledger is read: who commits from now on asks again.
    container.redis.delete(ASKED)
    while worlds := _take(container.redis):
        size = len(worlds) if len(worlds) == _TOGETHER else ceil(len(worlds) / _GROUPS)
        for start in range(0, len(worlds), size):
            try:
                refreshed = container.status_refresh.refresh_many(worlds[start : start + size])
            except PyMongoError:
                container.redis.sadd(DIRTY, *worlds[start:])
                raise
            for one, progress in refreshed.items():
                _go_on(one, progress)
        if len(worlds) < _TOGETHER:
            break


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
    return bool(redis.eval(_ASK, 2, DIRTY, ASKED, world_id, _ASKED_S))


def _take(redis: Redis) -> list[str]:
    """Return worlds that are to be refreshed, and note that they are."""
    taken: Any = redis.spop(DIRTY, _TOGETHER)
    return [one.decode() for one in taken]


def _throttle(container: Container) -> bool:
    """Wait until the last refresh is some time ago: many steps and worlds share one. False when another message waits for
    the same already: it will see all that there is to see now.

    A queue that is longer than the pause has done the waiting already, so no thread is held up when there is much to do.
    """
    redis, stopping = container.redis, container.stopping
    pause_ms = max(1, int(1000 * container.settings.progress_every_s))
    waits = False
    while not redis.set(PAUSE, 1, nx=True, px=pause_ms):
        if not waits and not redis.set(WAITING, 1, nx=True, px=2 * pause_ms + 1000):
            return False
        waits = True
        if stopping.wait(max(int(redis.pttl(PAUSE)), 1) / 1000):
            break
    if waits:
        redis.delete(WAITING)
    return True
