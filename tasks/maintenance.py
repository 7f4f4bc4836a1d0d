"""What beat runs: publish parked steps that are due, settle what was missed, bring back what was lost. All of it may run
twice, or on two machines."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import datetime, timedelta
from operator import itemgetter
from zlib import crc32

from celery import signature
from kombu.exceptions import OperationalError
from kombu.utils import json
from pymongo.errors import ConnectionFailure
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import get_runtime
from generia_worker.engine.queues import PAID, QUARANTINE, START, lanes
from generia_worker.engine.step import FINISH, Step, StepKind
from generia_worker.observability import metrics
from generia_worker.storage.database import Document
from tasks import pipeline
from tasks.progress import ask_for_progress

log = logging.getLogger(__name__)

#: Parked steps published, and lost ones brought back, in one go.
_PUMP_MOST = 500
_RECOVER_MOST = 500
#: Every open world is looked at once in so many sweeps, whether anything is unsettled or not.
_ROUND = 6
#: Worlds whose reservations are looked at in one go.
_MEND_MOST = 20
#: The queues that steps wait in; a canary goes through each lane of them.
STEP_QUEUES = (*PAID, START, QUARANTINE)
#: What is logged in one line, without a traceback: the next run does the work.
_AWAY = (ConnectionFailure, RedisError, OperationalError)


@app.task(throws=_AWAY)
def pump() -> None:
    """Publish the parked steps that are due, each with all that it carried of its canvas."""
    runtime = get_runtime()
    for row in _in_turn(runtime.parked.take_due(_PUMP_MOST)):
        runtime.ledger.mark_published([row["_id"]])
        try:
            signature(json.loads(row["signature"]), app=app).apply_async()
        except (RedisError, OperationalError) as error:
            # Whatever of the canvas got through finds its step done or taken when it is published once more.
            log.warning("%s stays parked: Redis is away (%s).", row["_id"], type(error).__name__)
            return
        runtime.parked.remove(row)


def _in_turn(rows: list[Document]) -> list[Document]:
    """Return the first row of every world, then the second of every world, and so on; each world's in their order."""
    place: Counter[str] = Counter()
    turns = []
    for row in rows:
        turns.append(place[row["world_id"]])
        place[row["world_id"]] += 1
    return [row for _, row in sorted(zip(turns, rows, strict=True), key=itemgetter(0))]


@app.task(throws=_AWAY)
def sweep() -> None:
    """Ask for every world with something unsettled to be settled, also for one that has ended and whose bill came late: a
    message that was lost delays a number, it never makes it wrong.

    Worlds that only wait are looked at as well, some in each sweep: a `finish` or a cancel may have been missed. What died
    processes had set aside of limits and budgets is given back.
    """
    runtime = get_runtime()
    turn = int(time.time() / runtime.settings.sweep_every_s) % _ROUND
    waiting = {one for one in runtime.generations.open_worlds() if crc32(one.encode()) % _ROUND == turn}
    for world_id in waiting | runtime.ledger.unsettled_worlds() | runtime.requests.unsettled_worlds():
        ask_for_progress(world_id)
    for world_id in runtime.reservations.worlds(_MEND_MOST):
        if runtime.reservations.mend(world_id, runtime.settings.lease_s):
            log.warning("World %s had something set aside for calls that nobody makes.", world_id)


@app.task(throws=_AWAY)
def send_canaries() -> None:
    """Send a canary through every queue that steps wait in."""
    now = get_runtime().database.now().isoformat()
    for queue in STEP_QUEUES:
        for one in lanes(queue):
            canary.apply_async(args=(one, now), queue=one)


@app.task(throws=_AWAY)
def canary(queue: str, sent_at: str) -> None:
    """Come out of the queue: everything that was published before has come out too."""
    get_runtime().canaries.arrived(queue, datetime.fromisoformat(sent_at))


@app.task(throws=_AWAY)
def recover() -> None:
    """Publish again what was lost: steps whose owner died, steps that should be in a queue and are in none, orders that
    nobody started."""
    runtime = get_runtime()
    ledger, margin = runtime.ledger, timedelta(seconds=runtime.settings.publish_timeout_s)
    found: list[tuple[str, Step]] = []
    for queue in STEP_QUEUES:
        taken_until = runtime.canaries.taken_until(lanes(queue))
        if taken_until is None:
            continue
        before = taken_until - margin
        in_quarantine = queue == QUARANTINE
        kinds = list(StepKind) if in_quarantine else pipeline.kinds_of(queue)
        for look in (ledger.orphaned, ledger.lost):
            found += look(kinds, before, _RECOVER_MOST, quarantined=in_quarantine)
        if queue == START:
            _start_orders(runtime.generations.unstarted(before, _RECOVER_MOST))
    parked = runtime.parked.keys()
    by_world: dict[str, list[Step]] = {}
    for world_id, step in found:
        if step != FINISH and step.key(world_id) not in parked:
            by_world.setdefault(world_id, []).append(step)
    for world_id, steps in by_world.items():
        _bring_back(world_id, steps)


def _start_orders(world_ids: list[str]) -> None:
    for world_id in world_ids:
        log.warning("World %s was never started: starting it.", world_id)
        pipeline.by_name(pipeline.START_WORLD, world_id).apply_async()
        metrics.recovered("order")


def _bring_back(world_id: str, steps: list[Step]) -> None:
    """Publish lost steps of one world, each with what follows it."""
    runtime = get_runtime()
    order = runtime.generations.get(world_id)
    states = runtime.ledger.states(world_id)
    runtime.ledger.mark_published([step.key(world_id) for step in steps])
    for step in steps:
        canvas = pipeline.canvas_from(step, order, states)
        if canvas is not None:
            log.warning("Step %s was lost: publishing it again.", step.key(world_id))
            canvas.apply_async()
            metrics.recovered("step")
