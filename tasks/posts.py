"""The steps of the posts."""

from __future__ import annotations

from generia_worker.app.celery_app import app
from generia_worker.engine.step import Step, StepKind
from generia_worker.worlds import posts as write
from tasks.base import GenerationTask


@app.task(base=GenerationTask, bind=True)
def write_post(self: GenerationTask, world_id: str, number: int, post: int) -> None:
    """Write one post of one character."""
    self.perform(world_id, Step(StepKind.POST, number, post), write.write_post)


@app.task(base=GenerationTask, bind=True)
def illustrate_post(self: GenerationTask, world_id: str, number: int, post: int) -> None:
    """Draw one post's picture and publish it."""
    self.perform(world_id, Step(StepKind.PICTURE, number, post), write.publish_post)
