"""The steps of the world itself."""

from __future__ import annotations

from celery.exceptions import Ignore
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.container import get_container
from generia_worker.errors import TransientError
from generia_worker.status.stages import progress_of
from generia_worker.worlds import world
from generia_worker.worlds.context import Outcome, Services, StepContext
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import CHRONICLE, DESCRIBE, FAN_OUT, FINISH, ILLUSTRATE, INITIALIZE, STEPS
from tasks import pipeline
from tasks.base import GenerationTask, step_task


@app.task
def start_world(world_id: str) -> None:
    """Lay the steps that are known from the order into the ledger, and publish what is left of the world."""
    container = get_container()
    order = container.generations.get(world_id)
    for one in order.rounds:  # (of a later one they are there: extending a world stores them)
        container.rows.add(world_id, STEPS.opening_of(one), one.batches, in_round=one.number)
    container.generations.mark_started(world_id)
    pipeline.world_canvas(order, container.rows.states(world_id)).apply_async()
    pipeline.publish_waiting(order, container.rows)


initialize_world = step_task(INITIALIZE, world.initialize_world)
describe_world = step_task(DESCRIBE, world.describe_world)
illustrate_world = step_task(ILLUSTRATE, world.illustrate_world)
tell_news = step_task(CHRONICLE, world.tell_news)


def publish_characters(ctx: StepContext, services: Services) -> Outcome:
    """Publish the characters and their posts, now that it is known who they are.

    Published first and committed afterwards: who dies in between publishes twice, which the ledger makes harmless; the
    other way round the characters would have to be missed first.

    Raises TransientError while Redis is away.
    """
    canvas = pipeline.fan_out_canvas(ctx.generation, ctx.round, services.rows.states(ctx.world_id))
    try:
        canvas.apply_async()
    except (RedisError, OperationalError) as error:
        message = f"Redis does not take the characters' messages ({type(error).__name__})."
        raise TransientError(message, outage=True) from None
    return Outcome(Nothing())


fan_out = step_task(FAN_OUT, publish_characters)


@app.task(base=GenerationTask, bind=True, name=FINISH.task)
def finish_world(self: GenerationTask, world_id: str) -> None:
    """Finish the world when everything else has ended; a message that comes too early changes nothing."""
    container = get_container()
    order = container.generations.get(world_id)
    census = container.rows.census(world_id)
    if not progress_of(STEPS, census, cast_is_stored=order.is_laid_out).ready_to_finish:
        raise Ignore
    self.perform(world_id, FINISH.step(), world.finish_world)
