"""The steps of the world itself."""

from __future__ import annotations

from celery.exceptions import Ignore

from generia_worker.app.celery_app import app
from generia_worker.app.container import get_runtime
from generia_worker.engine.step import (
    DESCRIBE,
    FAN_OUT,
    FINISH,
    ILLUSTRATE,
    INITIALIZE,
    opening_steps,
)
from generia_worker.status.stages import progress_of
from generia_worker.worlds import world as describe
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.services import Outcome, Tools
from tasks import pipeline
from tasks.base import GenerationTask


@app.task
def start_world(world_id: str) -> None:
    """Lay the steps that are known from the order into the ledger, and publish what is left of the world."""
    runtime = get_runtime()
    order = runtime.generations.get(world_id)
    runtime.ledger.add(world_id, opening_steps(order.batches), order.batches)
    runtime.generations.mark_started(world_id)
    pipeline.world_canvas(order, runtime.ledger.states(world_id)).apply_async()


@app.task(base=GenerationTask, bind=True)
def initialize_world(self: GenerationTask, world_id: str) -> None:
    """Make sure that the world is there."""
    self.perform(world_id, INITIALIZE, describe.initialize_world)


@app.task(base=GenerationTask, bind=True)
def describe_world(self: GenerationTask, world_id: str) -> None:
    """Have the world described."""
    self.perform(world_id, DESCRIBE, describe.describe_world)


@app.task(base=GenerationTask, bind=True)
def illustrate_world(self: GenerationTask, world_id: str) -> None:
    """Draw the cover and the icon."""
    self.perform(world_id, ILLUSTRATE, describe.illustrate_world)


@app.task(base=GenerationTask, bind=True)
def fan_out(self: GenerationTask, world_id: str) -> None:
    """Publish the characters and their posts, now that it is known who they are.

    Published first and committed afterwards: who dies in between publishes twice, which the ledger makes harmless; the
    other way round the characters would have to be missed first.
    """

    def publish(run: StepRun, _: Tools) -> Outcome:
        pipeline.fan_out_canvas(run.generation, run.ledger.states(world_id)).apply_async()
        return Outcome({})

    self.perform(world_id, FAN_OUT, publish)


@app.task(base=GenerationTask, bind=True)
def finish_world(self: GenerationTask, world_id: str) -> None:
    """Finish the world when everything else has ended; a message that comes too early changes nothing."""
    runtime = get_runtime()
    order = runtime.generations.get(world_id)
    census = runtime.ledger.census(world_id)
    if not progress_of(census, cast_is_stored=order.shares is not None).ready_to_finish:
        raise Ignore
    self.perform(world_id, FINISH, describe.finish_world)
