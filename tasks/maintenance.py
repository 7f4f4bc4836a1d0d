"""What beat runs: dispatch steps whose time has come, refresh what was missed, bring back what was lost.

All of it may run twice, or on two machines. The names of the tasks are those of the messages: `pump` dispatches, `canary`
carries a watermark.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from zlib import crc32

from kombu.exceptions import OperationalError
from pymongo.errors import ConnectionFailure
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import get_container
from generia_worker.app.days import Days
from generia_worker.app.enqueue import START_WORLD
from generia_worker.engine.generations import Generation
from generia_worker.engine.queues import QUARANTINE, SERVICES, STEP_QUEUES, bands
from generia_worker.engine.recovery import FoundStep
from generia_worker.observability import metrics, tracing
from generia_worker.worlds.steps import STEPS
from tasks import pipeline
from tasks.progress import refresh_status

log = logging.getLogger(__name__)

#: Steps dispatched, and lost ones brought back, in one go.
_DISPATCH_MOST = 500
_RECOVER_MOST = 500
#: Open worlds that are looked at in one sweep, and in one recovery: all of them take turns, each once in `_ROUND` sweeps at
#: least. Else what one costs would grow with the worlds that wait, while the work that is done does not.
_AT_ONCE, _ROUND = 20, 40
#: Worlds whose holds are reconciled in one go.
_RECONCILE_MOST = 20
#: What is logged in one line, without a traceback: the next run does the work.
_AWAY = (ConnectionFailure, RedisError, OperationalError)


@app.task(name="tasks.maintenance.pump", throws=_AWAY)
def dispatch_due() -> None:
    """Publish the scheduled steps whose time has come, and those whose owner died."""
    container = get_container()
    due = _in_turn(container.recovery.due(_DISPATCH_MOST))
    worlds = {world_id: _read(world_id) for world_id in {found.world_id for found in due}}
    for found in due:
        try:
            pipeline.publish([found.step], *worlds[found.world_id])
        except (RedisError, OperationalError) as error:
            # Whatever of the canvas got through finds its step done or taken when it is published once more.
            log.warning("%s stays scheduled: Redis is away (%s).", found.key, type(error).__name__)
            return
        container.recovery.dispatched(found)
    if not container.ledger.takeover_grace_s and container.recovery.has_orphans():
        _bring_back(_missing(orphans_only=True))


def _in_turn(found: list[FoundStep]) -> list[FoundStep]:
    """Return the first step of every world, then the second of every world, and so on; each world's in their order."""
    place: Counter[str] = Counter()
    turns = []
    for one in found:
        turns.append(place[one.world_id])
        place[one.world_id] += 1
    return [one for _, one in sorted(zip(turns, found, strict=True), key=itemgetter(0))]


@app.task(throws=_AWAY)
def sweep() -> None:
    """Ask for the status of open worlds to be refreshed, and count bills that came late, also of worlds that have ended: a
    message that was lost delays a number, it never makes it wrong.

    What died processes held of limits and budgets is given back, and what worlds that have ended did not spend of a day.
    """
    container = get_container()
    turns = _in_turns(container.generations.open_worlds(), container.settings.sweep_every_s, _ROUND)
    for world_id in turns[0]:
        refresh_status(world_id)
    late = container.requests.late()
    for world_id in {world_id for world_id, _ in late}:
        container.status_refresh.refresh(world_id)
    container.requests.counted([request_id for _, request_id in late])
    for world_id in container.holds.worlds_to_reconcile(_RECONCILE_MOST):
        if container.holds.reconcile(world_id, container.settings.lease_s):
            log.warning("World %s had something held for calls that are not made.", world_id)
    for world_id in container.reply_holds.worlds_to_reconcile(_RECONCILE_MOST):
        if not container.reply_holds.reconcile(world_id, container.settings.lease_s):
            container.reply_accounts.close_idle(world_id)
    for world_id in container.allowances.unsettled(_RECONCILE_MOST):
        container.allowances.settle(world_id)


def _in_turns(worlds: Sequence[str], every_s: float, most: int | None = None) -> list[list[str]]:
    """Return the worlds in parts, `most` at most: first the part whose turn it is now, if there is one each `every_s`."""
    number = max(math.ceil(len(worlds) / _AT_ONCE), 1)
    number = min(number, most or number)
    parts: list[list[str]] = [[] for _ in range(number)]
    for one in worlds:
        parts[crc32(one.encode()) % number].append(one)
    turn = int(time.time() / every_s) % number
    return parts[turn:] + parts[:turn]


@app.task(throws=_AWAY)
def live_on() -> None:
    """Begin the days that are due of worlds that live on."""
    container = get_container()
    for world_id in Days(container).begin_due(container.database.now()):
        with tracing.within(container.generations.recent(world_id).trace):
            pipeline.by_name(START_WORLD, world_id).apply_async()


@app.task(name="tasks.maintenance.send_canaries", throws=_AWAY)
def send_watermarks() -> None:
    """Send a watermark message through every queue that steps wait in."""
    now = get_container().database.now().isoformat()
    for queue in STEP_QUEUES:
        for one in bands(queue):
            advance_watermark.apply_async(args=(one, now), queue=one)


@app.task(name="tasks.maintenance.canary", throws=_AWAY)
def advance_watermark(queue: str, sent_at: str) -> None:
    """Come out of the queue: everything that was published before has come out too."""
    get_container().watermarks.advance(queue, datetime.fromisoformat(sent_at))


@app.task(throws=_AWAY)
def recover() -> None:
    """Publish again what was lost: steps whose owner died, steps that should be in a queue and are in none, orders that
    were never started."""
    container = get_container()
    before = _taken_until(SERVICES)
    if before is not None:
        for world_id in container.generations.unstarted(before, _RECOVER_MOST):
            log.warning("World %s was never started: starting it.", world_id)
            with tracing.within(container.generations.recent(world_id).trace):
                pipeline.by_name(START_WORLD, world_id).apply_async()
            metrics.recovered("order")
    _bring_back(_missing(orphans_only=False))


def _taken_until(queue: str) -> datetime | None:
    """Return the moment until which every message was taken out of all bands of a queue; None when that is not known.

    A publication may be under way for a while; not one of a worker that is dead.
    """
    container = get_container()
    watermark = container.watermarks.of(bands(queue))
    if watermark is None:
        return None
    before = watermark - timedelta(seconds=container.settings.publish_timeout_s)
    death = container.watermarks.last_death()
    return before if death is None or death > watermark else max(before, death)


def _missing(*, orphans_only: bool) -> list[FoundStep]:
    """Return steps whose owner died, and those whose message was lost."""
    container = get_container()
    recovery = container.recovery
    found: list[FoundStep] = []
    turns = []
    if not orphans_only:
        turns = _in_turns(container.generations.open_worlds(), container.settings.recover_every_s)
    for queue in STEP_QUEUES:
        before = _taken_until(queue)
        if before is None:
            continue
        in_quarantine = queue == QUARANTINE
        kinds = [spec.kind for spec in STEPS] if in_quarantine else STEPS.kinds_in(queue)
        found += recovery.orphaned(kinds, before, _RECOVER_MOST, quarantined=in_quarantine)
        for worlds in turns:
            lost = recovery.lost(kinds, before, _RECOVER_MOST, worlds=worlds, quarantined=in_quarantine)
            found += lost
            # Where one of these was lost others may have been: the worlds whose turn it is not are looked at, too.
            if len(lost) == _RECOVER_MOST or all(one.ready_at for one in lost):
                break
    return found


def _bring_back(found: Iterable[FoundStep]) -> None:
    """Publish lost steps, each with what comes after it. The closing step comes from refreshing the status."""
    by_world: dict[str, list[FoundStep]] = {}
    for one in found:
        if one.step.kind != STEPS.closing.kind:
            by_world.setdefault(one.world_id, []).append(one)
    for world_id, of_world in by_world.items():
        steps = [one.step for one in get_container().recovery.to_publish(of_world)]
        for step in steps:
            log.warning("Step %s was lost: publishing it again.", step.key(world_id))
        for _ in range(pipeline.publish(steps, *_read(world_id))):
            metrics.recovered("step")


def _read(world_id: str) -> tuple[Generation, pipeline.States]:
    container = get_container()
    return container.generations.get(world_id), container.rows.states(world_id)
