"""The steps of the characters."""

from __future__ import annotations

from functools import partial

from generia_worker.app import app
from generia_worker.domain.step import Step, StepKind
from generia_worker.generation import cast, plan, portray
from generia_worker.runtime import get_runtime
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
