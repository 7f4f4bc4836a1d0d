"""The ledger on a real MongoDB: one owner, fences, leases, checkpoints."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from generia_worker.engine.ledger import Busy, Claim, Ledger, Over
from generia_worker.engine.step import (
    DESCRIBE,
    Step,
    StepKind,
    StepState,
    opening_steps,
)
from generia_worker.errors import LeaseLost
from generia_worker.storage.database import Database

WORLD = "w1"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = Ledger(database, lease_s=20)
    ledger.add(WORLD, opening_steps(1), 1)
    return ledger


def claim(ledger: Ledger, owner: str = "a", step: Step = DESCRIBE) -> Claim:
    taken = ledger.claim(WORLD, step, owner)
    assert isinstance(taken, Claim)
    return taken


def expire(database: Database, step: Step = DESCRIBE) -> None:
    """Let a lease run out without waiting for it."""
    database.steps.update_one(
        {"_id": step.key(WORLD)}, [{"$set": {"lease_until": {"$subtract": ["$$NOW", 1]}}}]
    )


def in_parallel(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_many_claims_one_wins(ledger: Ledger) -> None:
    outcomes: list[object] = []
    in_parallel(lambda i: outcomes.append(ledger.claim(WORLD, DESCRIBE, f"owner-{i}")), 16)
    assert Counter(type(outcome) for outcome in outcomes) == {Claim: 1, Busy: 15}
    busy = next(outcome for outcome in outcomes if isinstance(outcome, Busy))
    assert 0 < busy.remaining_s <= 20


def test_adding_again_changes_nothing(ledger: Ledger) -> None:
    held = claim(ledger)
    ledger.add(WORLD, opening_steps(1), 1)
    ledger.commit(held, {"name": "x"})
    ledger.add(WORLD, opening_steps(1), 1)
    assert ledger.states(WORLD)[DESCRIBE] is StepState.DONE
    assert ledger.result(WORLD, DESCRIBE) == {"name": "x"}


def test_a_step_that_is_over_or_unknown_cannot_be_claimed(ledger: Ledger) -> None:
    ledger.commit(claim(ledger), {})
    assert ledger.claim(WORLD, DESCRIBE, "b") == Over(StepState.DONE)
    assert ledger.claim(WORLD, Step(StepKind.CHARACTER, 9), "b") == Over(None)


def test_an_expired_lease_is_taken_over_and_the_old_owner_commits_nothing(
    ledger: Ledger, database: Database
) -> None:
    old = claim(ledger)
    ledger.checkpoint(old, detail={"a.b": "$x", "текст": "кот"})
    expire(database)
    new = claim(ledger, "b")
    assert (new.fence, new.takeovers) == (2, 1)
    assert new.checkpoints == {"detail": {"a.b": "$x", "текст": "кот"}}
    for change in (
        lambda: ledger.commit(old, {}),
        lambda: ledger.checkpoint(old, x=1),
        lambda: ledger.release(old, attempts=1, before=0, failure=None, outage_since=None),
        lambda: ledger.end_without_result(
            old, StepState.FAILED, {"reason": "x"}, [Step(StepKind.ILLUSTRATE)]
        ),
    ):
        with pytest.raises(LeaseLost):
            change()
    assert ledger.states(WORLD)[Step(StepKind.ILLUSTRATE)] is StepState.PENDING
    ledger.commit(new, {"by": "b"})
    assert ledger.result(WORLD, DESCRIBE) == {"by": "b"}


def test_an_owner_may_renew_an_expired_lease_that_nobody_took(ledger: Ledger, database: Database) -> None:
    held = claim(ledger)
    expire(database)
    assert ledger.renew("a", [held.key]) == {held.key}
    assert isinstance(ledger.claim(WORLD, DESCRIBE, "b"), Busy)
    assert ledger.renew("b", [held.key]) == set()


def test_the_lease_goes_by_the_clock_of_the_database(ledger: Ledger, database: Database) -> None:
    claim(ledger)
    row = database.steps.aggregate(
        [
            {"$match": {"_id": DESCRIBE.key(WORLD)}},
            {"$project": {"left": {"$subtract": ["$lease_until", "$$NOW"]}}},
        ]
    ).next()
    assert 15_000 < row["left"] <= 20_000


def test_a_commit_and_what_goes_with_it_are_one(ledger: Ledger, database: Database) -> None:
    held = claim(ledger)

    def fail_half_way(session: object) -> None:
        database.parameters.insert_one({"_id": WORLD, "name": "x"}, session=session)  # type: ignore[arg-type]
        message = "cut off"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="cut off"):
        ledger.commit(held, {"name": "x"}, also=fail_half_way)
    assert database.parameters.find_one({"_id": WORLD}) is None
    assert ledger.states(WORLD)[DESCRIBE] is StepState.RUNNING


def test_a_failure_skips_what_is_doomed_and_leaves_its_reason(ledger: Ledger) -> None:
    doomed = [Step(StepKind.ILLUSTRATE), Step(StepKind.CAST, 0)]
    ledger.end_without_result(claim(ledger), StepState.FAILED, {"reason": "no credit", "kind": "X"}, doomed)
    states = ledger.states(WORLD)
    assert states[DESCRIBE] is StepState.FAILED
    assert {states[step] for step in doomed} == {StepState.SKIPPED}
    assert states[Step(StepKind.FINISH)] is StepState.PENDING
    first, *rest = ledger.failures(WORLD)
    assert (first["step"], first["reason"]) == ("describe", "no credit")
    assert all("describe" in other["reason"] for other in rest)


def test_a_released_step_is_free_at_once_and_keeps_its_attempts(ledger: Ledger) -> None:
    ledger.release(claim(ledger), attempts=3, before=2, failure={"reason": "later"}, outage_since=None)
    again = claim(ledger, "b")
    assert (again.attempts, again.attempts_before, again.takeovers) == (3, 2, 0)


def test_results_in_their_order(ledger: Ledger) -> None:
    steps = [Step(StepKind.CAST, batch) for batch in (10, 2, 0)]
    ledger.add(WORLD, steps, 1)
    for step in steps:
        ledger.commit(claim(ledger, step=step), {"n": step.first, "big": "x" * 1000})
    found = ledger.results(WORLD, StepKind.CAST, fields=("n",))
    assert [result["n"] for result in found.values()] == [0, 2, 10]
    assert all(set(result) == {"n"} for result in found.values())
