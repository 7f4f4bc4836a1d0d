"""How long worlds take and how long they have still to go, from the table and counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generia_worker.billing.estimate import Finished
from generia_worker.engine.step import Census, StepState
from generia_worker.status.forecast import Forecast, Shape
from generia_worker.worlds.steps import STEPS

WIDE = Shape(cast_batch=10, plan_batch=25, text_slots=1000, image_slots=1000)
NARROW = Shape(cast_batch=10, plan_batch=25, text_slots=2, image_slots=1)
DONE, PENDING, RUNNING = StepState.DONE, StepState.PENDING, StepState.RUNNING
SMALL = (5, 15)


def forecast(shape: Shape = WIDE) -> Forecast:
    return Forecast(STEPS, shape)


def finished(size: tuple[int, int], seconds: float) -> Finished:
    return Finished(1, 1, 0.1, 0.1, seconds, *size)


def census(size: tuple[int, int], done: set[str], running: str = "") -> Census:
    """What is counted when all steps of these kinds are done, one kind runs, and all others wait."""
    numbers = STEPS.numbers(*size, 1)
    states = {kind: DONE if kind in done else PENDING for kind in numbers}
    if running:
        states[running] = RUNNING
    return {(kind, state): numbers[kind] for kind, state in states.items()}


OPENING = {"initialize", "describe", "illustrate", "cast", "fan_out"}


def test_more_work_takes_longer_and_more_slots_take_less() -> None:
    sizes = [(1, 1), (5, 15), (20, 100), (40, 250)]
    times = [forecast(NARROW).whole_s(*size) for size in sizes]
    assert times == sorted(times)
    assert times[-1] > 10 * times[0]
    assert forecast(WIDE).whole_s(*sizes[-1]) < times[-1] / 10


def test_a_world_that_has_all_slots_takes_its_longest_chain() -> None:
    """The number of posts plays no part then."""
    assert forecast().whole_s(10, 20) == pytest.approx(forecast().whole_s(10, 100), rel=0.05)


def test_what_is_left_goes_down_with_every_kind_that_ends() -> None:
    done = set(OPENING)
    left = [forecast().left_s(*SMALL, census(SMALL, done), None)]
    for kind in ("character", "plan", "avatar", "post"):
        done.add(kind)
        left.append(forecast().left_s(*SMALL, census(SMALL, done), None))
    assert left == sorted(left, reverse=True)
    assert left[0] > left[-1] > 0
    waiting, running = census(SMALL, done), census(SMALL, done, "picture")
    assert forecast().left_s(*SMALL, running, None) < forecast().left_s(*SMALL, waiting, None)


def test_reactions_take_their_time_and_end_the_longest_chain() -> None:
    plain = forecast().whole_s(*SMALL)
    whole = forecast().whole_s(*SMALL, options=("reactions",))
    assert plain < whole < 1.5 * plain
    counts = census(SMALL, OPENING | {"character", "plan", "avatar", "post", "picture"})
    talking = {**counts, ("react", PENDING): 5, ("answer", PENDING): 5, ("deliver", PENDING): 5}
    assert forecast().left_s(*SMALL, talking, None, options=("reactions",)) > 10


def test_more_of_a_world_takes_less_than_a_world_and_knows_who_writes() -> None:
    whole, more = forecast().whole_s(*SMALL), forecast().whole_s(*SMALL, known=5)
    assert 0 < more < whole
    # 60 posts of ten characters take each one call for its plan; of one, three.
    many, one = forecast().whole_s(0, 60, known=10), forecast().whole_s(0, 60, known=1)
    assert many < one


def test_finished_worlds_tell_the_pace() -> None:
    usual = forecast().whole_s(*SMALL)
    pace = forecast().pace(finished(SMALL, usual / 4) for _ in range(3))
    assert forecast().whole_s(20, 100, pace) == pytest.approx(forecast().whole_s(20, 100) / 4)
    assert forecast().left_s(*SMALL, {}, 0.0, pace) == pytest.approx(usual / 4)


def test_a_world_of_another_pace_tells_its_own() -> None:
    """Near its end what others took counts for little; without others it counts alone."""
    usual = forecast().whole_s(*SMALL)
    counts = census(SMALL, OPENING | {"character", "plan", "avatar", "post"})
    model = forecast().left_s(*SMALL, counts, None)
    ten_times = 10 * (usual - model)
    assert forecast().left_s(*SMALL, counts, ten_times) == pytest.approx(10 * model)
    beside_others = forecast().left_s(*SMALL, counts, ten_times, forecast().pace([finished(SMALL, usual)]))
    assert 6 * model < beside_others < 10 * model


@pytest.mark.parametrize("seconds", [0.0, -3600.0])
def test_a_world_during_which_the_clock_was_set_back_tells_nothing(seconds: float) -> None:
    """Nor does it keep the status of others from being told."""
    assert not forecast().pace([finished(SMALL, seconds)]).learned
    usual = forecast().whole_s(*SMALL)
    beside = forecast().pace([finished(SMALL, seconds), finished(SMALL, usual)])
    assert forecast().whole_s(*SMALL, beside) == pytest.approx(usual)


@given(
    users=st.integers(1, 40),
    posts=st.integers(1, 250),
    elapsed=st.none() | st.floats(-1e6, 1e6),
    seconds=st.floats(0.1, 1e6),
    counts=st.dictionaries(
        st.tuples(st.sampled_from([spec.kind for spec in STEPS]), st.sampled_from(StepState)),
        st.integers(1, 500),
    ),
)
def test_it_is_always_a_number(
    users: int, posts: int, elapsed: float | None, seconds: float, counts: Census
) -> None:
    size = (users, posts)
    for known in ((), [finished(size, seconds)]):
        assert 0 <= forecast().left_s(*size, counts, elapsed, forecast().pace(known)) < 1e12
