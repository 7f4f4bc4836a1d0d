"""The canvases, as structures: whole worlds, half-done ones, and what goes on after a loss or a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from celery.canvas import Signature
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.engine.generations import Generation
from generia_worker.engine.queues import queue_of
from generia_worker.engine.step import Step, StepState
from generia_worker.worlds.shares import share_posts
from generia_worker.worlds.steps import FINISH, STEPS
from tasks import pipeline
from tests.books import generation
from tests.tasks.canvases import Chord, Shape, chords_in, name_of, shape, steps_in, tasks_of

of = STEPS.parse


def ended(names: str | Iterable[str], state: StepState = StepState.DONE) -> dict[Step, StepState]:
    names = names.split() if isinstance(names, str) else names
    return {of(name): state for name in names}


def opened(batches: int = 1) -> dict[Step, StepState]:
    """The ledger of a world whose opening is done."""
    return dict.fromkeys(STEPS.opening(batches), StepState.DONE) | {FINISH.step(): StepState.PENDING}


def fan_out(order: Generation, states: dict[Step, StepState]) -> Signature:
    """What is published once the cast of the first round is known."""
    return pipeline.fan_out_canvas(order, order.rounds[0], states)


def whole_character(number: int, posts: int) -> list[Any]:
    """What stands at the top of `tasks/pipeline.py` of a character with posts."""
    parts: list[Any] = [f"avatar/{number:02d}"]
    parts += [
        [f"post/{number:02d}/{post:02d}", f"picture/{number:02d}/{post:02d}"] for post in range(1, posts + 1)
    ]
    return [f"character/{number:02d}", f"plan/{number:02d}", Chord(parts, "progress")]


# --- whole worlds ----------------------------------------------------------------------------------------------------
def test_a_world_begins_as_a_chain() -> None:
    assert shape(pipeline.world_canvas(generation(None, batches=3), {})) == [
        *("initialize", "describe", "illustrate", "cast/0", "cast/1", "cast/2", "fan_out")
    ]


def test_a_world_of_1_1() -> None:
    assert shape(fan_out(generation([1]), opened())) == Chord(
        [["character/01", "plan/01", Chord(["avatar/01", ["post/01/01", "picture/01/01"]], "progress")]],
        "finish",
    )


@pytest.mark.parametrize(("users", "posts"), [(5, 15), (40, 250)])
def test_a_world_is_a_chord_of_its_characters(users: int, posts: int) -> None:
    shares = share_posts([1] * users, posts)
    canvas = fan_out(generation(shares), opened())
    characters = [whole_character(number, share) for number, share in enumerate(shares, start=1)]
    assert shape(canvas) == Chord(characters, "finish")
    assert Counter(steps_in(canvas)) == Counter(STEPS.after_cast(shares))


def test_a_character_without_posts_is_a_chain() -> None:
    shares = share_posts([1] * 40, 5)
    found = shape(fan_out(generation(shares), opened()))
    assert isinstance(found, Chord)
    assert found.header[:5] == [whole_character(number, 1) for number in range(1, 6)]
    assert found.header[5:] == [[f"character/{n:02d}", f"avatar/{n:02d}", "progress"] for n in range(6, 41)]


def test_every_task_waits_in_the_queue_of_its_step() -> None:
    shares = share_posts([1] * 40, 250)
    order = generation(shares, batches=4)
    sent = [
        task
        for canvas in (pipeline.world_canvas(order, {}), fan_out(order, opened(4)))
        for task in tasks_of(canvas)
    ]
    queues = {name_of(task): task["options"].get("queue") for task in sent}
    assert queues["describe"] == queues["post/01/01"] == "llm"
    assert (queues["post/02/04"], queues["picture/07/05"], queues["post/40/06"]) == (
        "llm.1",
        "images.3",
        "llm.3",
    )
    assert (queues["avatar/09"], queues["fan_out"]) == ("images.2", "services")
    assert queues.pop("progress") is None
    assert queues.pop("finish") is None
    assert queues == {name: queue_of(STEPS[of(name).kind].queue, of(name)) for name in queues}


# --- what is left ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("states", "left"),
    [
        (ended("initialize describe"), ["illustrate", "cast/0", "cast/1", "fan_out"]),
        (ended("initialize describe illustrate cast/0"), ["cast/1", "fan_out"]),
        (ended("initialize describe cast/0") | ended("illustrate", StepState.FAILED), ["cast/1", "fan_out"]),
        (ended("initialize") | ended("describe", StepState.RUNNING), None),
        (ended("initialize describe illustrate cast/0 cast/1"), "fan_out"),
    ],
)
def test_what_is_left_of_an_opening(states: dict[Step, StepState], left: Shape | None) -> None:
    whole = ["describe", "illustrate", "cast/0", "cast/1", "fan_out"]
    assert shape(pipeline.world_canvas(generation(None, batches=2), states)) == (left or whole)


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ("", [whole_character(1, 2)]),
        ("character/1", [["plan/01", whole_character(1, 2)[2]]]),
        ("character/1 plan/1", [whole_character(1, 2)[2]]),
        (
            "character/1 plan/1 avatar/1 post/1/1",
            [Chord(["picture/01/01", ["post/01/02", "picture/01/02"]], "progress")],
        ),
        ("character/1 plan/1 avatar/1 post/1/1 picture/1/1", [["post/01/02", "picture/01/02", "progress"]]),
        ("character/1 plan/1 post/1/1 picture/1/1 post/1/2 picture/1/2", [["avatar/01", "progress"]]),
        ("character/1 plan/1 avatar/1 post/1/1 picture/1/1 post/1/2", [["picture/01/02", "progress"]]),
        (
            "character/1 plan/1 post/1/1 picture/1/1",
            [Chord(["avatar/01", ["post/01/02", "picture/01/02"]], "progress")],
        ),
    ],
)
def test_what_is_left_of_a_character(done: str, left: list[Shape]) -> None:
    canvas = pipeline.world_canvas(generation([2]), opened() | ended(done))
    assert shape(canvas) == Chord(left, "finish")


def test_of_a_world_of_which_nothing_is_left_its_end_is_left() -> None:
    order = generation([1, 0])
    states = opened() | dict.fromkeys(STEPS.after_cast([1, 0]), StepState.DONE)
    assert shape(pipeline.world_canvas(order, states)) == "finish"
    assert shape(pipeline.character_canvas(order, order.rounds[0], 1, states)) is None
    stopped = dict.fromkeys(STEPS.opening(1), StepState.CANCELLED) | {FINISH.step(): StepState.PENDING}
    assert shape(pipeline.world_canvas(generation(None), stopped)) == "finish", (
        "it ended before it had a cast"
    )


STATES = st.sampled_from([state for state in StepState for _ in range(2 if state is StepState.DONE else 1)])


@st.composite
def half_done(draw: st.DrawFn) -> tuple[Generation, dict[Step, StepState]]:
    """A world after its cast, of which any steps are in any states: its pictures may be tried again, too."""
    shares = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    states = {step: draw(STATES) for step in [of("illustrate"), *STEPS.after_cast(shares)]}
    return generation(shares), opened() | states


@settings(deadline=None, max_examples=60)
@given(half_done())
def test_every_open_step_appears_once_and_nothing_that_has_ended(
    world: tuple[Generation, dict[Step, StepState]],
) -> None:
    order, states = world
    canvas = pipeline.world_canvas(order, states)
    left = [step for step, state in states.items() if not state.is_final and step != FINISH.step()]
    assert Counter(steps_in(canvas)) == Counter(left)
    found = shape(canvas)
    if isinstance(found, list):
        assert len(found) == 2
        assert found[0] == "illustrate"
        found = found[1]
    assert isinstance(found, Chord) or found == "finish"
    for inner in chords_in(found.header if isinstance(found, Chord) else []):
        assert len(inner.header) > 1, "a chord of one is a chain"


def test_a_retry_of_pictures_and_posts_publishes_both() -> None:
    states = opened() | dict.fromkeys(STEPS.after_cast([1]), StepState.DONE)
    states |= ended("illustrate post/1/1 picture/1/1", StepState.PENDING)
    left = Chord([["post/01/01", "picture/01/01", "progress"]], "finish")
    assert shape(pipeline.world_canvas(generation([1]), states)) == ["illustrate", left]
    failed = states | ended("illustrate", StepState.FAILED)
    assert shape(pipeline.canvas_after(of("illustrate"), generation([1]), failed)) == left


# --- from a step on --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "canvas"),
    [
        ("character/1", whole_character(1, 2)),
        ("plan/1", whole_character(1, 2)[1:]),
        ("avatar/1", ["avatar/01", "progress"]),
        ("character/2", ["character/02", "avatar/02", "progress"]),
        ("avatar/2", ["avatar/02", "progress"]),
        ("post/1/2", ["post/01/02", "picture/01/02"]),
        ("picture/1/2", "picture/01/02"),
    ],
)
def test_a_step_that_was_lost_comes_back_with_what_comes_after_it(step: str, canvas: Shape) -> None:
    order, states = generation([2, 0]), opened()
    assert shape(pipeline.canvas_from(of(step), order, states)) == canvas
    waiting = states | {of(step): StepState.RUNNING}
    assert shape(pipeline.canvas_from(of(step), order, waiting)) == canvas, "its owner died"


def test_a_step_of_the_opening_comes_back_with_all_that_is_left() -> None:
    order = generation(None, batches=2)
    states = ended("initialize describe illustrate")
    assert shape(pipeline.canvas_from(of("cast/0"), order, states)) == ["cast/0", "cast/1", "fan_out"]
    cast = opened(2) | ended("fan_out", StepState.RUNNING)
    assert shape(pipeline.canvas_from(of("fan_out"), generation([1]), cast)) == "fan_out"


def test_the_end_of_a_world_comes_back_alone() -> None:
    finish, pending = FINISH.step(), {FINISH.step(): StepState.PENDING}
    states = opened() | dict.fromkeys(STEPS.after_cast([1]), StepState.DONE)
    assert shape(pipeline.canvas_from(finish, generation([1]), states)) == "finish"
    stopped = dict.fromkeys(STEPS.opening(1), StepState.CANCELLED) | pending
    assert shape(pipeline.canvas_from(finish, generation(None), stopped)) == "finish"


@pytest.mark.parametrize(
    ("step", "done", "canvas"),
    [
        ("plan/1", "post/1/1 picture/1/1 avatar/1", ["plan/01", "post/01/02", "picture/01/02", "progress"]),
        ("post/1/1", "picture/1/1", "post/01/01"),
        ("character/2", "avatar/2", ["character/02", "progress"]),
    ],
)
def test_what_has_ended_comes_back_with_nothing(step: str, done: str, canvas: Shape) -> None:
    order, states = generation([2, 0]), opened() | ended(done)
    assert shape(pipeline.canvas_from(of(step), order, states)) == canvas
    for state in (StepState.DONE, StepState.FAILED, StepState.CANCELLED):
        assert pipeline.canvas_from(of(step), order, states | {of(step): state}) is None


def test_an_opening_step_that_has_ended_comes_back_with_nothing() -> None:
    assert pipeline.canvas_from(of("describe"), generation(None), ended("initialize describe")) is None


# --- after a failure -------------------------------------------------------------------------------------------------
def test_a_world_goes_on_without_its_pictures() -> None:
    states = ended("initialize describe") | ended("illustrate", StepState.FAILED)
    canvas = pipeline.canvas_after(of("illustrate"), generation(None, batches=2), states)
    assert shape(canvas) == ["cast/0", "cast/1", "fan_out"]


@pytest.mark.parametrize("posts", [1, 5])
def test_a_character_without_a_plan_still_gets_its_face(posts: int) -> None:
    order = generation([posts, 1])
    skipped = dict.fromkeys(STEPS.dependents(of("plan/1"), STEPS.after_cast([posts, 1])), StepState.SKIPPED)
    states = opened() | ended("character/1") | ended("plan/1", StepState.FAILED) | skipped
    assert shape(pipeline.canvas_after(of("plan/1"), order, states)) == ["avatar/01", "progress"]
    assert pipeline.canvas_after(of("plan/1"), order, states | ended("avatar/1")) is None


@pytest.mark.parametrize(
    "failed",
    ["describe", "cast/0", "fan_out", "character/1", "avatar/1", "post/1/1", "picture/1/1", "finish"],
)
def test_after_any_other_failure_nothing_is_left_to_publish(failed: str) -> None:
    states = opened() | ended(failed, StepState.FAILED)
    assert pipeline.canvas_after(of(failed), generation([1]), states) is None


# --- publishing ------------------------------------------------------------------------------------------------------
def test_what_is_published_is_counted(published: list[Signature]) -> None:
    order, states = generation([2, 0]), opened() | ended("post/1/1 picture/1/1")
    steps = [of(name) for name in ("post/1/1", "post/1/2", "avatar/2")]
    assert pipeline.publish(steps, order, states) == 2
    assert [shape(one) for one in published] == [["post/01/02", "picture/01/02"], ["avatar/02", "progress"]]
