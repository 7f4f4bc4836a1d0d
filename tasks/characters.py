"""The steps of the characters."""

from __future__ import annotations

from functools import partial

from generia_worker.app.celery_app import app
from generia_worker.app.container import get_runtime
from generia_worker.engine.step import Step, StepKind
from generia_worker.worlds import cast, plan
from generia_worker.worlds import characters as portray
from tasks.base import GenerationTask


@app.task(base=GenerationTask, bind=True)
def cast_characters(self: GenerationTask, world_id: str, batch: int) -> None:
    """Find one batch of the cast."""
    use_case = partial(cast.cast_characters, generations=get_runtime().generations)
    self.perform(world_id, Step(StepKind.CAST, batch), use_case)


@app.task(base=GenerationTask, bind=True)
def create_character(self: GenerationTask, world_id: str, number: int) -> None:
    """Write one character out and create it."""
    self.perform(world_id, Step(StepKind.CHARACTER, number), portray.create_character)


@app.task(base=GenerationTask, bind=True)
def plan_posts(self: GenerationTask, world_id: str, number: int) -> None:
    """Plan the posts of one character."""
    self.perform(world_id, Step(StepKind.PLAN, number), plan.plan_posts)


@app.task(base=GenerationTask, bind=True)
def draw_avatar(self: GenerationTask, world_id: str, number: int) -> None:
    """Draw the face of one character."""
    self.perform(world_id, Step(StepKind.AVATAR, number), portray.draw_avatar)
