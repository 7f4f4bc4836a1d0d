"""The retry policy: every row of its failure table, its bounds, and how long it waits."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generia_worker.engine import queues, retry
from generia_worker.engine.retry import Again, Attempts, Decision, End, RetryPolicy
from generia_worker.engine.step import StepState
from generia_worker.errors import (
    AnswerTooLongError,
    BudgetExceeded,
    BusyError,
    ConflictError,
    DamagedPictureError,
    InvalidAnswerError,
    NotFoundError,
    PermanentError,
    TransientError,
    WorldCancelled,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FRESH = Attempts()
#: The upper end of every wait: no luck is drawn.
POLICY = RetryPolicy(max_retries=6, backoff_s=0.5, backoff_max_s=30, outage_max_s=3600, draw=lambda: 1.0)
LUCKY = replace(POLICY, draw=lambda: 0.0)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


def decide(error: Exception, attempts: Attempts = FRESH, **more: Any) -> Decision:
    return POLICY.decide(error, attempts, NOW, **more)


def again(error: Exception, attempts: Attempts = FRESH, policy: RetryPolicy = POLICY, **more: Any) -> Again:
    decision = policy.decide(error, attempts, NOW, **more)
    assert isinstance(decision, Again), decision
    return decision


@pytest.mark.parametrize("module", [retry, queues])
def test_the_examples_are_right(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


# --- the rows of the table ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (WorldCancelled("x"), End(StepState.CANCELLED)),
        (BudgetExceeded("x"), End(StepState.SKIPPED)),
        (PermanentError("x"), End(StepState.FAILED)),
        (PermanentError("x", fatal_to_world=True), End(StepState.FAILED, fails_world=True)),
        (ConflictError("x"), End(StepState.FAILED)),
        (ValueError("a defect"), End(StepState.FAILED)),
        (KeyError("a defect"), End(StepState.FAILED)),
    ],
)
def test_what_ends_a_step_at_once(error: Exception, decision: End) -> None:
    for attempts in (Attempts(), Attempts(99, 98), Attempts(3, 0, ago(minutes=1))):
        assert decide(error, attempts) == decision


@pytest.mark.parametrize(
    ("error", "made", "since", "why"),
    [
        (TransientError("x"), 3, None, "error"),
        (TransientError("x", outcome_unknown=True), 3, None, "error"),
        (TransientError("x", retry_after_s=5), 3, None, "error"),
        (DamagedPictureError("x"), 3, None, "error"),
        (InvalidAnswerError("x"), 3, None, "error"),
        (AnswerTooLongError("x"), 3, None, "error"),
        (TransientError("x", outage=True), 2, NOW, "outage"),
        (TransientError("x", outage=True, retry_after_s=5), 2, NOW, "outage"),
        (NotFoundError("x"), 2, NOW, "outage"),
        (BusyError("x", retry_after_s=5), 2, None, "busy"),
        (BusyError("x"), 2, None, "busy"),
    ],
)
def test_what_is_tried_again_and_whether_it_counts(
    error: Exception, made: int, since: datetime | None, why: str
) -> None:
    found = again(error, Attempts(2, 1))
    assert (found.attempts, found.why) == (Attempts(made, 1, since), why)


# --- how long ----------------------------------------------------------------------------------------------------------
def test_the_backoff_doubles_with_each_attempt_up_to_its_bound() -> None:
    waits = [again(TransientError("x"), Attempts(made)).delay_s for made in range(6)]
    assert waits == [0.5, 1, 2, 4, 8, 16]
    patient = replace(POLICY, max_retries=50)
    assert again(TransientError("x"), Attempts(6), patient).delay_s == 30
    assert again(TransientError("x"), Attempts(49), patient).delay_s == 30


def test_the_backoff_counts_from_the_last_progress() -> None:
    assert again(TransientError("x"), Attempts(7, 5)).delay_s == 2


def test_half_of_a_backoff_is_drawn() -> None:
    for made in range(6):
        attempts = Attempts(made)
        longest, shortest = again(TransientError("x"), attempts), again(TransientError("x"), attempts, LUCKY)
        assert shortest.delay_s == longest.delay_s / 2


def test_a_named_time_is_kept_and_a_part_of_it_added() -> None:
    for made in (0, 5):
        assert again(TransientError("x", retry_after_s=60), Attempts(made)).delay_s == 75
        assert again(TransientError("x", retry_after_s=60), Attempts(made), LUCKY).delay_s == 60
    assert again(BusyError("x", retry_after_s=1)).delay_s == 1.25
    assert again(TransientError("x", retry_after_s=0)).delay_s == 0
    steady = replace(POLICY, jitter_fraction=0)
    assert again(TransientError("x", retry_after_s=60), policy=steady).delay_s == 60


def test_who_is_busy_without_a_time_waits_a_backoff() -> None:
    assert again(BusyError("x")).delay_s == 0.5


def test_waits_grow_with_an_outage() -> None:
    outage = TransientError("x", outage=True)
    waits = [
        again(outage, Attempts(outage_since=ago(seconds=lasted))).delay_s for lasted in (0, 0.2, 4, 29, 600)
    ]
    assert waits == [0.5, 0.5, 4, 29, 30]
    assert again(outage, Attempts(outage_since=ago(seconds=4)), LUCKY).delay_s == 2


def test_a_time_that_is_named_in_an_outage_is_a_lower_bound() -> None:
    soon, late = (TransientError("x", outage=True, retry_after_s=wait) for wait in (1, 60))
    long = Attempts(outage_since=ago(minutes=2))
    assert again(soon, long, LUCKY).delay_s == 15, (
        "the outage has lasted for long: it is not asked every second"
    )
    assert again(soon, long).delay_s == 30 * 1.25
    assert again(late, long, LUCKY).delay_s == 60


# --- bounds ------------------------------------------------------------------------------------------------------------
def test_so_many_retries_and_no_more() -> None:
    attempts, tries = Attempts(), 0
    while isinstance(decision := decide(TransientError("x"), attempts), Again):
        attempts, tries = decision.attempts, tries + 1
    assert tries == POLICY.max_retries
    assert decision == End(StepState.FAILED)
    none = replace(POLICY, max_retries=0)
    assert none.decide(InvalidAnswerError("x"), Attempts(), NOW) == End(StepState.FAILED)


def test_after_progress_counting_starts_over() -> None:
    spent = Attempts(6)
    assert decide(TransientError("x"), spent) == End(StepState.FAILED)
    assert again(TransientError("x"), spent, progress=True).attempts == Attempts(7, 6)
    found = again(TransientError("x"), spent, progress=True)
    for made in range(8, 13):
        found = again(TransientError("x"), found.attempts)
        assert found.attempts == Attempts(made, 6)
    assert decide(TransientError("x"), found.attempts) == End(StepState.FAILED)


def test_an_outage_is_waited_out_for_so_long_and_no_longer() -> None:
    outage = TransientError("x", outage=True)
    since = ago(hours=1)
    for made in (0, 6):
        found = again(outage, Attempts(made, 0, since))
        assert found.attempts == Attempts(made, 0, since), "it counts from its begin, and counts no attempt"
    assert decide(outage, Attempts(outage_since=ago(hours=1, seconds=1))) == End(StepState.FAILED)
    assert again(outage, Attempts(outage_since=ago(hours=5)), progress=True).attempts.outage_since == NOW


def test_slots_that_are_busy_neither_begin_nor_end_an_outage() -> None:
    since = ago(minutes=5)
    assert again(BusyError("x"), Attempts(2, 0, since)).attempts == Attempts(2, 0, since)
    assert again(BusyError("x"), Attempts(2)).attempts == Attempts(2)
    assert decide(BusyError("x"), Attempts(outage_since=ago(hours=2))) == End(StepState.FAILED)


def test_an_error_of_its_own_ends_the_outage() -> None:
    found = again(TransientError("x"), Attempts(2, 0, ago(minutes=50)))
    assert found.attempts == Attempts(3, 0, None)
    assert again(TransientError("x", outage=True), found.attempts).attempts.outage_since == NOW


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    TransientError("x"),
                    TransientError("x", outage=True),
                    BusyError("x", retry_after_s=1),
                    InvalidAnswerError("x"),
                ]
            ),
            st.booleans(),
            st.floats(0, 1),
        ),
        max_size=30,
    )
)
def test_whatever_goes_wrong_the_sums_hold(story: list[tuple[Exception, bool, float]]) -> None:
    """No wait is negative or endless, no attempt is forgotten, and no more than allowed in a row come to nothing."""
    attempts, now, in_a_row = Attempts(), NOW, 0
    for error, progress, drawn in story:
        policy = replace(POLICY, draw=repeat(drawn).__next__)
        decision = policy.decide(error, attempts, now, progress=progress)
        counted = not isinstance(error, BusyError) and not getattr(error, "outage", False)
        in_a_row = (0 if progress else in_a_row) + counted
        if isinstance(decision, End):
            assert in_a_row > POLICY.max_retries or attempts.outage_since is not None
            return
        assert in_a_row <= POLICY.max_retries
        assert 0 < decision.delay_s <= 30
        assert decision.attempts.made == attempts.made + counted
        assert decision.attempts.made - decision.attempts.before == in_a_row
        attempts, now = decision.attempts, now + timedelta(seconds=decision.delay_s)
