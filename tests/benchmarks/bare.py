"""The canvas of a world with tasks that do nothing: what Celery itself costs.

`python -m tests.benchmarks.bare worker QUEUES` is a worker of such tasks; `… make WORLDS USERS POSTS` publishes canvases and
waits for their ends. Both take Redis and everything else from the environment, as the real ones do.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from celery.canvas import Signature
from redis import Redis

from generia_worker.app.celery_app import app
from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.engine.generations import Generation
from generia_worker.engine.rounds import Round
from generia_worker.engine.step import StepState
from generia_worker.processes.worker import arguments, collect_seldom
from generia_worker.settings import get_settings
from generia_worker.worlds.steps import FAN_OUT, FINISH, STEPS
from tasks import pipeline

_DONE = "bare:done"
_WAIT_S = 600
_redis = Redis.from_url(get_settings().redis_url.get_secret_value())


def _order(world_id: str) -> Generation:
    """Return an order of the size that its world's id names: `number/users/posts`."""
    _, users, posts = map(int, world_id.split("/"))
    shares = [posts // users + (number < posts % users) for number in range(users)]
    batches = -(-users // get_settings().cast_batch_size)
    whole = Round(1, users, posts, batches, 1, dict(enumerate(shares, start=1)), False, datetime.now(UTC))
    return Generation(
        world_id=world_id,
        prompt="",
        users_count=users,
        posts_count=posts,
        rounds=(whole,),
        run=1,
        limits={},
        budget_usd=None,
        planned=None,
        cancelled=False,
        fatal=None,
        created_at=datetime.now(UTC),
        request_hash="",
    )


def _nothing(*_: Any) -> None:
    """Do nothing."""


def _fan_out(world_id: str) -> None:
    """Publish the characters and their posts, as the real one does."""
    order = _order(world_id)
    pipeline.fan_out_canvas(order, order.rounds[0], {}).apply_async()


def _finish(world_id: str) -> None:
    """Tell whoever waits for this world."""
    _redis.rpush(_DONE, world_id)


_BODIES = {FAN_OUT.task: _fan_out, FINISH.task: _finish}
# The real tasks must not register themselves over these.
app.conf.imports = ()
for _spec in STEPS:
    app.task(name=_spec.task, acks_late=True)(_BODIES.get(_spec.task, _nothing))
app.task(name=RECORD_PROGRESS, acks_late=True)(_nothing)


def opening(world_id: str) -> Signature:
    """Return the first canvas of a world: up to the fan-out, which publishes the rest."""
    order = _order(world_id)
    return pipeline.world_canvas(order, {FAN_OUT.step(): StepState.PENDING})


def make(worlds: int, users: int, posts: int) -> None:
    """Publish worlds and wait for all of them."""
    _redis.delete(_DONE)
    for number in range(worlds):
        opening(f"{number}/{users}/{posts}").apply_async()
    for _ in range(worlds):
        if _redis.blpop([_DONE], timeout=_WAIT_S) is None:
            sys.exit("A world of tasks that do nothing did not end.")


def work(queues: str) -> None:
    """Run a worker of such tasks."""
    collect_seldom()
    name = f"bare-{queues.replace(',', '-')}"
    app.worker_main(arguments("threads", get_settings().worker_threads, queues, name, "WARNING"))


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(sys.argv[2])
    else:
        make(*map(int, sys.argv[2:5]))
