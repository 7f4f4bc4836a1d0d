"""The canvases: the story of a world, all of it on this page.

    chain(initialize_world, describe_world, illustrate_world, cast_characters…, fan_out)

    fan_out:  chord(group(character_canvas(1) … character_canvas(n)), finish_world)

    character_canvas(i):
      chain(create_character,
            plan_posts,
            chord(group(draw_avatar, post_canvas(1) … post_canvas(p_i)), record_progress))

    post_canvas(k):  chain(write_post, illustrate_post)

    a later round, which extends a world:  chain(cast_characters…, fan_out), and then as above with who writes in it

Steps that wait for all steps of other kinds stand in no canvas: whoever ends the last of those publishes them
(`publish_waiting`). Where an order asks for reactions:

    all posts written → react(1) … react(n) → answer(1) … answer(n), all posts out → deliver(1) … deliver(n)

What comes after what is said by the step table (`generia_worker/worlds/steps.py`), what is left by the ledger. One
builder makes every canvas from both: a new order, a resume, a retry of what failed and a recovery all come through
here.

Chord headers stay flat: each element is a task, or a chain that ends in a task or in an inner chord. One that ends in
a group makes Celery join inside a task, which fails on a threads pool.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from celery import chain, chord, group
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from generia_worker.app.celery_app import app
from generia_worker.app.enqueue import RECORD_PROGRESS
from generia_worker.engine.generations import Generation
from generia_worker.engine.queues import queue_of
from generia_worker.engine.rounds import Round
from generia_worker.engine.step import Scope, Step, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.observability import tracing
from generia_worker.worlds.steps import FAN_OUT, FINISH, STEPS

log = logging.getLogger(__name__)

States = Mapping[Step, StepState]


def by_name(name: str, *args: Any) -> Signature:
    """Return an immutable signature: every task takes ids and indexes only, never its predecessor's result."""
    return app.signature(name, args=args, immutable=True)


def step_task(world_id: str, step: Step) -> Signature:
    """Return the task of one step, for the priority band that the step belongs in."""
    spec = STEPS[step.kind]
    later = {"in_round": step.round} if step.round > 1 else {}
    signature = app.signature(spec.task, args=(world_id, *step.indexes), kwargs=later, immutable=True)
    return signature.set(queue=queue_of(spec.queue, step))


def world_canvas(order: Generation, states: States) -> Signature:
    """Return what is left of a world, from wherever it stands: mostly of one of its rounds."""
    rounds = [canvas for one in order.rounds if (canvas := round_canvas(order, one, states)) is not None]
    return _one_of_many(rounds) or by_name(FINISH.task, order.world_id)


def round_canvas(order: Generation, one: Round, states: States) -> Signature | None:
    """Return what is left of a round; None when nothing is."""
    opening = [step for step in STEPS.opening_of(one) if step.kind != FINISH.kind]
    left = [step_task(order.world_id, step) for step in opening if _is_open(step, states)]
    if not _is_open(
        FAN_OUT.step(in_round=one.number), states
    ):  # nothing of the opening will publish the characters
        characters = _characters(order, one, states)
        if characters or left:
            left.append(_then_finish(order, characters))
    return _one(left)


def fan_out_canvas(order: Generation, one: Round, states: States) -> Signature:
    """Return what is left of a round's characters and their posts, and the end of the world."""
    return _then_finish(order, _characters(order, one, states))


def _characters(order: Generation, one: Round, states: States) -> list[Signature]:
    canvases = (character_canvas(order, one, number, states) for number in one.shares or ())
    return [canvas for canvas in canvases if canvas is not None]


def _then_finish(order: Generation, characters: list[Signature]) -> Signature:
    finish = by_name(FINISH.task, order.world_id)
    return chord(group(characters), finish) if characters else finish


def character_canvas(order: Generation, one: Round, number: int, states: States) -> Signature | None:
    """Return what is left of one character in a round; None when nothing is."""
    fan_out = FAN_OUT.step(in_round=one.number)
    return _then_progress(order, _Branches(order, one, number, states).after(fan_out))


def canvas_from(step: Step, order: Generation, states: States) -> Signature | None:
    """Return a step with what comes after it: what is published when the step's message was lost, or its time has come.

    Its siblings are left alone, they have messages of their own. None when the step has ended.
    """
    if not _is_open(step, states):
        return None
    if STEPS[step.kind].is_aside:  # nothing comes after it
        return step_task(order.world_id, step)
    one = order.round_of(step)
    if step.character is None or one.shares is None:
        return world_canvas(order, states)
    found = _Branches(order, one, step.character, states).of(step)
    return _then_progress(order, found) if step.scope is Scope.CHARACTER else _one(found)


def canvas_after(failed: Step, order: Generation, states: States) -> Signature | None:
    """Return what goes on although `failed` did not succeed and so does not advance its chain; None for nothing.

    Without its pictures a world goes on with its cast; without a plan a character still gets its face.
    """
    if not STEPS.goes_on_after(failed):
        return None
    one = order.round_of(failed)
    if failed.character is None or one.shares is None:
        return world_canvas(order, states)
    return _then_progress(order, _Branches(order, one, failed.character, states).after(failed))


class _Branches:
    """One character's steps in a round as the table orders them: what is left of each, with all that comes after it."""

    def __init__(self, order: Generation, one: Round, number: int, states: States) -> None:
        self._world_id, self._states = order.world_id, states
        posts, is_new = (one.shares or {})[number], one.is_new(number)
        steps = STEPS.of_character(number, posts, in_round=one.number, is_new=is_new)
        world = {FAN_OUT.step(in_round=one.number), *steps}
        self._next: dict[Step | None, list[Step]] = {}
        for step in steps:
            before = STEPS.predecessor(step, one.batches, world, one.number)
            self._next.setdefault(before, []).append(step)

    def of(self, step: Step) -> list[Signature]:
        """Return the links of a chain: this step's task, if it is open, and what comes after it."""
        head = [step_task(self._world_id, step)] if _is_open(step, self._states) else []
        return head + self.after(step)

    def after(self, step: Step) -> list[Signature]:
        """Return the links after a step: those of its one follower, or a chord of its followers."""
        followers = [links for one in self._next.get(step, []) if (links := self.of(one))]
        if len(followers) < 2:  # a chord of one is a chain
            return followers[0] if followers else []
        header = group([chain(*links) if len(links) > 1 else links[0] for links in followers])
        return [chord(header, by_name(RECORD_PROGRESS, self._world_id))]


def _one_of_many(canvases: list[Signature]) -> Signature | None:
    """Return canvases that have nothing to do with each other as one signature; None when there are none."""
    return group(canvases) if len(canvases) > 1 else canvases[0] if canvases else None


def _one(links: list[Signature]) -> Signature | None:
    """Return the links of a chain as one signature; None when there are none."""
    return chain(*links) if len(links) > 1 else links[0] if links else None


def _then_progress(order: Generation, links: list[Signature]) -> Signature | None:
    """Return the links as a chain that ends with the status being refreshed; None when there are none."""
    if links and not isinstance(links[-1], chord):
        links = [*links, by_name(RECORD_PROGRESS, order.world_id)]
    return _one(links)


def publish(steps: Iterable[Step], order: Generation, states: States) -> int:
    """Publish steps again, each with what comes after it; returns how many there were to publish."""
    canvases = [canvas for step in steps if (canvas := canvas_from(step, order, states)) is not None]
    with tracing.within(order.trace):
        for canvas in canvases:
            canvas.apply_async()
    return len(canvases)


def publish_waiting(order: Generation, rows: StepRows, ended: str | None = None) -> None:
    """Publish the steps that waited for all steps of other kinds, where these have ended: of kinds that wait for the kind
    `ended`, else of all.

    Never fails: what Redis does not take is found by recovery, as what it loses.
    """
    specs = STEPS if ended is None else STEPS.waiting_for(ended)
    waiting = [spec for spec in specs if spec.waits_for and spec.option in (None, *order.options)]
    if order.cancelled:
        return
    for spec in waiting:
        with tracing.within(order.trace):
            try:
                for step in rows.open_waiting(order.world_id, spec):
                    step_task(order.world_id, step).apply_async()
            except (RedisError, OperationalError) as error:
                log.warning("Steps of %s wait for recovery: %s", order.world_id, type(error).__name__)


def _is_open(step: Step, states: States) -> bool:
    """True unless the ledger says that the step has ended (one that is not in the ledger yet has not)."""
    state = states.get(step)
    return state is None or not state.is_final
