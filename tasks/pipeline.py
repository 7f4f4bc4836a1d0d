"""The canvases: the story of a world, all of it on this page.

    chain(initialize_world, describe_world, illustrate_world, cast_characters…, fan_out)

    fan_out:  chord(group(character_canvas(1) … character_canvas(n)), finish_world)

    character_canvas(i):
      chain(create_character,
            plan_posts,
            chord(group(draw_avatar, post_canvas(1) … post_canvas(p_i)), record_progress))

    post_canvas(k):  chain(write_post, illustrate_post)

One builder makes every canvas from the ledger and leaves out what is in an end state: a new order, a resume, a retry of
what failed and a recovery all come through here. Chord headers stay flat: each element is a task, or a chain that ends in
a task or in an inner chord (one that ends in a group makes Celery join inside a task, which fails on a threads pool).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from celery import chain, chord, group
from celery.canvas import Signature

from generia_worker.app.celery_app import app
from generia_worker.engine.generations import Generation
from generia_worker.engine.queues import PAID, lane, lane_of
from generia_worker.engine.step import (
    DESCRIBE,
    FAN_OUT,
    ILLUSTRATE,
    INITIALIZE,
    Step,
    StepKind,
    StepState,
    character_steps,
)

States = Mapping[Step, StepState]

TASKS: Mapping[StepKind, str] = {
    StepKind.INITIALIZE: "tasks.world.initialize_world",
    StepKind.DESCRIBE: "tasks.world.describe_world",
    StepKind.ILLUSTRATE: "tasks.world.illustrate_world",
    StepKind.CAST: "tasks.characters.cast_characters",
    StepKind.FAN_OUT: "tasks.world.fan_out",
    StepKind.CHARACTER: "tasks.characters.create_character",
    StepKind.PLAN: "tasks.characters.plan_posts",
    StepKind.AVATAR: "tasks.characters.draw_avatar",
    StepKind.POST: "tasks.posts.write_post",
    StepKind.PICTURE: "tasks.posts.illustrate_post",
    StepKind.FINISH: "tasks.world.finish_world",
}
START_WORLD = "tasks.world.start_world"
RECORD_PROGRESS = "tasks.progress.record_progress"


def by_name(name: str, *args: Any) -> Signature:
    """Return an immutable signature: every task takes ids and indexes only, never its predecessor's result."""
    return app.signature(name, args=args, immutable=True)


def step_task(world_id: str, step: Step) -> Signature:
    """Return the task of one step, for the lane that the step belongs in."""
    indexes = [index for index in (step.first, step.second) if index is not None]
    task = by_name(TASKS[step.kind], world_id, *indexes)
    queue = queue_of(step.kind)
    return task.set(queue=lane(queue, lane_of(step))) if queue in PAID else task


@cache
def queue_of(kind: StepKind) -> str:
    """Return the queue that celeryconfig routes the steps of a kind to."""
    return str(app.amqp.router.route({}, TASKS[kind])["queue"].name)


def kinds_of(queue: str) -> list[StepKind]:
    """Return the kinds of step that celeryconfig routes to a queue."""
    return [kind for kind in TASKS if queue_of(kind) == queue]


def world_canvas(order: Generation, states: States) -> Signature:
    """Return what is left of a world, from wherever it stands."""
    casts = [Step(StepKind.CAST, batch) for batch in range(order.batches)]
    opening = [step for step in (INITIALIZE, DESCRIBE, ILLUSTRATE, *casts, FAN_OUT) if _is_open(step, states)]
    if not opening and order.shares is not None:
        return fan_out_canvas(order, states)
    return chain(*(step_task(order.world_id, step) for step in opening))


def fan_out_canvas(order: Generation, states: States) -> Signature:
    """Return what is left of the characters and their posts, and the end of the world."""
    characters = [
        canvas
        for number, posts in enumerate(order.shares or [], start=1)
        if (canvas := character_canvas(order.world_id, number, posts, states)) is not None
    ]
    finish = by_name(TASKS[StepKind.FINISH], order.world_id)
    return chord(group(characters), finish) if characters else finish


def character_canvas(world_id: str, number: int, posts: int, states: States) -> Signature | None:
    """Return what is left of one character; None when nothing is."""
    steps = {step for step in character_steps(number, posts) if _is_open(step, states)}
    first = [Step(StepKind.CHARACTER, number), Step(StepKind.PLAN, number)]
    head = [step_task(world_id, step) for step in first if step in steps]
    avatar = Step(StepKind.AVATAR, number)
    parts = [step_task(world_id, avatar)] if avatar in steps else []
    for post in range(1, posts + 1):
        rest = [s for s in post_steps(number, post) if s in steps]
        if rest:
            parts.append(post_canvas(world_id, rest))
    if not head and not parts:
        return None
    progress = by_name(RECORD_PROGRESS, world_id)
    if len(parts) < 2:  # a chord of one is a chain
        return chain(*head, *parts, progress)
    return chain(*head, chord(group(parts), progress))


def post_steps(number: int, post: int) -> list[Step]:
    """Return the steps of one post in their order."""
    return [Step(StepKind.POST, number, post), Step(StepKind.PICTURE, number, post)]


def post_canvas(world_id: str, steps: list[Step]) -> Signature:
    """Return what is left of one post: write it, then draw and publish it."""
    tasks = [step_task(world_id, step) for step in steps]
    return tasks[0] if len(tasks) == 1 else chain(*tasks)


def canvas_after(failed: Step, order: Generation, states: States) -> Signature | None:
    """Return what goes on although `failed` did not succeed and so does not advance its chain; None for nothing.

    Without its pictures a world goes on with its cast; without a plan a character still gets its face.
    """
    if failed.kind is StepKind.ILLUSTRATE:
        return world_canvas(order, states)
    if failed.kind is StepKind.PLAN and failed.first is not None and order.shares is not None:
        return character_canvas(order.world_id, failed.first, order.shares[failed.first - 1], states)
    return None


def canvas_from(step: Step, order: Generation, states: States) -> Signature | None:
    """Return a step with what follows it, from the ledger: what recovery publishes when the step's message was lost.

    Its siblings are left alone, they have messages of their own. `finish_world` comes from settling.
    """
    number = step.first
    if number is None or order.shares is None or step.kind is StepKind.CAST:
        return world_canvas(order, states)
    if step.kind in (StepKind.CHARACTER, StepKind.PLAN):
        return character_canvas(order.world_id, number, order.shares[number - 1], states)
    if step.kind in (StepKind.POST, StepKind.PICTURE) and step.second is not None:
        rest = [one for one in post_steps(number, step.second) if _is_open(one, states)]
        return post_canvas(order.world_id, rest) if rest else None
    return step_task(order.world_id, step)


def _is_open(step: Step, states: States) -> bool:
    """True unless the ledger says that the step has ended (one that is not in the ledger yet has not)."""
    state = states.get(step)
    return state is None or not state.is_final
