"""Stages: what a person sees is computed from the ledger alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from generia_worker.client.status import WorldStatus
from generia_worker.engine.step import Step, StepState
from generia_worker.status.stages import Progress, progress_of
from generia_worker.worlds.steps import CAST, DESCRIBE, FINISH, INITIALIZE, STEPS

CANCELLED, DONE, FAILED, SKIPPED, RUNNING, PENDING = (
    StepState.CANCELLED,
    StepState.DONE,
    StepState.FAILED,
    StepState.SKIPPED,
    StepState.RUNNING,
    StepState.PENDING,
)


def judge(states: Mapping[Step, StepState], *, cast: bool, fatal: bool = False) -> Progress:
    census = Counter((step.kind, state) for step, state in states.items())
    return progress_of(STEPS, census, cast_is_stored=cast, is_fatal=fatal)


def world(**changed: StepState) -> dict[Step, StepState]:
    """A world of 2 characters and 2 posts with everything done but `finish`; `changed` by name, _ for /."""
    steps = [*STEPS.opening(1), *STEPS.after_cast([1, 1])]
    states = dict.fromkeys(steps, DONE) | {FINISH.step(): PENDING}
    return states | {STEPS.parse(name.replace("_", "/")): state for name, state in changed.items()}


def test_nothing_started_is_pending() -> None:
    states = dict.fromkeys(STEPS.opening(1), PENDING)
    progress = judge(states, cast=False)
    assert progress.status is WorldStatus.PENDING
    assert progress.current_stage == "initializing"
    assert not progress.ready_to_finish
    assert progress_of(STEPS, {}, cast_is_stored=False).status is WorldStatus.PENDING


def test_the_cast_is_not_the_end_of_the_characters() -> None:
    states = dict.fromkeys(STEPS.opening(2), DONE)
    states |= {CAST.step(1): RUNNING, FINISH.step(): PENDING}
    progress = judge(states, cast=False)
    assert progress.current_stage == "characters"
    assert progress.stages["world_image"] is WorldStatus.COMPLETED
    assert progress.stages["characters"] is WorldStatus.IN_PROGRESS
    assert not progress.ready_to_finish
    states[CAST.step(1)] = DONE
    assert judge(states, cast=False).stages["characters"] is WorldStatus.IN_PROGRESS


def test_everything_done_waits_for_finish_only() -> None:
    progress = judge(world(), cast=True)
    assert progress.ready_to_finish
    assert (progress.status, progress.current_stage) == (WorldStatus.IN_PROGRESS, "finishing")
    finished = judge(world(finish=DONE), cast=True)
    assert not finished.ready_to_finish
    assert finished.status is WorldStatus.COMPLETED
    assert set(finished.stages.values()) == {WorldStatus.COMPLETED}


def test_one_running_step_holds_the_end() -> None:
    progress = judge(world(picture_1_1=RUNNING), cast=True)
    assert not progress.ready_to_finish
    assert progress.current_stage == "posts"


def test_a_failed_post_does_not_fail_the_world() -> None:
    states = world(post_1_1=FAILED, picture_1_1=SKIPPED, finish=DONE)
    progress = judge(states, cast=True)
    assert progress.status is WorldStatus.COMPLETED
    assert progress.stages["posts"] is WorldStatus.COMPLETED


def test_a_stage_that_was_stopped_is_not_complete() -> None:
    """Nobody should see it ticked with half of its posts missing, nor as going on when the cast was never finished."""
    stopped = judge(world(picture_1_1=CANCELLED, finish=DONE), cast=True)
    assert stopped.status is WorldStatus.CANCELLED
    assert stopped.stages["posts"] is WorldStatus.CANCELLED
    assert stopped.stages["characters"] is WorldStatus.COMPLETED
    states = dict.fromkeys(STEPS.opening(2), DONE) | {CAST.step(1): CANCELLED}
    assert judge(states, cast=False).stages["characters"] is WorldStatus.CANCELLED


def test_a_world_without_pictures_of_its_own_goes_on() -> None:
    progress = judge(world(illustrate=FAILED, finish=DONE), cast=True)
    assert progress.stages["world_image"] is WorldStatus.FAILED
    assert progress.status is WorldStatus.COMPLETED


def test_no_description_no_world() -> None:
    states = dict.fromkeys(STEPS.opening(1), SKIPPED)
    states |= {INITIALIZE.step(): DONE, DESCRIBE.step(): FAILED}
    progress = judge(states, cast=False)
    assert progress.status is WorldStatus.FAILED
    assert progress.current_stage == "world_description"


def test_nobody_at_all_is_a_failure() -> None:
    states = world(finish=DONE)
    for step in states:
        if step.kind in ("plan", "avatar", "post", "picture"):
            states[step] = SKIPPED
        if step.kind == "character":
            states[step] = FAILED
    assert judge(states, cast=True).status is WorldStatus.FAILED


def test_after_a_fatal_event_the_world_is_failed() -> None:
    states = world(post_1_1=FAILED, picture_1_1=SKIPPED, finish=SKIPPED)
    assert judge(states, cast=True, fatal=True).status is WorldStatus.FAILED
    assert judge(states, cast=True).status is WorldStatus.COMPLETED


# --- characters who react ----------------------------------------------------------------------------------------------
def talking(**changed: StepState) -> dict[Step, StepState]:
    """The same world, whose characters have talked to each other; `changed` by kind."""
    states = world() | dict.fromkeys(STEPS.after_cast([1, 1], ["reactions"]), DONE)
    return states | {step: changed[step.kind] for step in states if step.kind in changed}


def test_what_waited_is_told_when_the_last_one_has_ended() -> None:
    waiting = {"react": PENDING, "answer": PENDING, "deliver": PENDING}
    assert judge(talking(post=RUNNING, **waiting), cast=True).unblocked == ()
    assert judge(talking(picture=RUNNING, **waiting), cast=True).unblocked == ("react",)
    assert judge(talking(picture=RUNNING, deliver=PENDING), cast=True).unblocked == ()
    assert judge(talking(picture=FAILED, react=FAILED, deliver=PENDING), cast=True).unblocked == ("deliver",)
    assert judge(talking(), cast=True).unblocked == ()


@pytest.mark.parametrize("state", [FAILED, SKIPPED])
def test_reactions_that_failed_fail_no_world(state: StepState) -> None:
    found = judge(talking(react=state, answer=state, deliver=state, finish=DONE), cast=True)
    assert found.status is WorldStatus.COMPLETED
    assert set(found.stages.values()) == {WorldStatus.COMPLETED}


def test_a_world_goes_on_while_its_characters_talk() -> None:
    found = judge(talking(react=RUNNING, answer=PENDING, deliver=PENDING), cast=True)
    assert (found.status, found.current_stage) == (WorldStatus.IN_PROGRESS, "posts")
    assert not found.ready_to_finish
