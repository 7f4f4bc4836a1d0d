"""The ledger on a real MongoDB: one owner, fences, leases, checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from pymongo.client_session import ClientSession

from generia_worker.engine.ledger import Claim, Finished, Leased, Scheduled
from generia_worker.engine.retry import Attempts
from generia_worker.engine.step import Failure, StepState
from generia_worker.errors import LeaseLost
from generia_worker.storage.database import Database
from generia_worker.worlds.results import FoundWorld, Nothing
from generia_worker.worlds.steps import AVATAR, CAST, CHARACTER, DESCRIBE, FINISH, ILLUSTRATE, PLAN
from tests.books import WORLD, Books, in_parallel

STEP = DESCRIBE.step()


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.open()
    return books


def test_of_many_claims_one_wins(books: Books) -> None:
    outcomes: list[object] = []
    in_parallel(lambda i: outcomes.append(books.ledger.claim(WORLD, STEP, f"owner-{i}")), 16)
    assert Counter(type(outcome) for outcome in outcomes) == {Claim: 1, Leased: 15}
    leased = next(outcome for outcome in outcomes if isinstance(outcome, Leased))
    assert 0 < leased.remaining_s <= 20


def test_adding_again_changes_nothing(books: Books) -> None:
    held = books.claim(STEP)
    books.open()
    books.ledger.commit(held, FoundWorld(name="x"))
    books.open()
    assert books.rows.states(WORLD)[STEP] is StepState.DONE
    assert books.results.of(WORLD, STEP, FoundWorld) == FoundWorld(name="x")


def test_a_step_that_is_over_or_unknown_cannot_be_claimed(books: Books) -> None:
    books.finish(STEP)
    assert books.ledger.claim(WORLD, STEP, "b") == Finished(StepState.DONE)
    assert books.ledger.claim(WORLD, CHARACTER.step(9), "b") == Finished(None)


def test_an_expired_lease_is_taken_over_and_the_old_owner_commits_nothing(books: Books) -> None:
    ledger = books.ledger
    old = books.claim(STEP, "a")
    assert old.is_first_attempt
    ledger.checkpoint(old, detail={"a.b": "$x", "текст": "кот"})
    books.expire(STEP)
    new = books.claim(STEP, "b")
    assert (new.fence, new.takeovers, new.is_first_attempt) == (2, 1, False)
    assert new.checkpoints == {"detail": {"a.b": "$x", "текст": "кот"}}
    changes: list[Callable[[], None]] = [
        lambda: ledger.commit(old, Nothing()),
        lambda: ledger.checkpoint(old, x=1),
        lambda: ledger.release(old, Attempts(1), None),
        lambda: ledger.release(old, Attempts(1), None, wait_s=1),
        lambda: ledger.quarantine(old),
        lambda: ledger.restore(old, [STEP, ILLUSTRATE.step()], {"reason": "x"}),
        lambda: ledger.end_without_result(old, StepState.FAILED, {"reason": "x"}, [ILLUSTRATE.step()]),
    ]
    for change in changes:
        with pytest.raises(LeaseLost):
            change()
    assert books.rows.states(WORLD)[ILLUSTRATE.step()] is StepState.PENDING
    assert books.row(STEP)["not_before"] is None
    ledger.commit(new, FoundWorld(name="b"))
    assert books.results.of(WORLD, STEP, FoundWorld) == FoundWorld(name="b")


def test_an_owner_may_renew_an_expired_lease_that_nobody_took(books: Books) -> None:
    held = books.claim(STEP, "a")
    books.expire(STEP)
    assert books.ledger.renew("a", [held.key]) == {held.key}
    assert isinstance(books.ledger.claim(WORLD, STEP, "b"), Leased)
    assert books.ledger.renew("b", [held.key]) == set()


def test_the_lease_goes_by_the_clock_of_the_database(books: Books) -> None:
    books.claim(STEP)
    row = books.database.steps.aggregate(
        [
            {"$match": {"_id": STEP.key(WORLD)}},
            {"$project": {"left": {"$subtract": ["$lease_until", "$$NOW"]}}},
        ]
    ).next()
    assert 15_000 < row["left"] <= 20_000


def test_a_commit_and_what_goes_with_it_are_one(books: Books) -> None:
    database, held = books.database, books.claim(STEP)

    def fail_half_way(session: ClientSession) -> None:
        database.parameters.insert_one({"_id": WORLD, "name": "x"}, session=session)
        message = "cut off"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="cut off"):
        books.ledger.commit(held, FoundWorld(name="x"), fail_half_way)
    assert database.parameters.find_one({"_id": WORLD}) is None
    assert books.rows.states(WORLD)[STEP] is StepState.RUNNING


def test_a_failure_skips_its_dependents_and_leaves_its_reason(books: Books) -> None:
    dependents = [ILLUSTRATE.step(), CAST.step(0)]
    failure = Failure(reason="no credit", kind="X")
    books.ledger.end_without_result(books.claim(STEP), StepState.FAILED, failure, dependents)
    states = books.rows.states(WORLD)
    assert states[STEP] is StepState.FAILED
    assert {states[step] for step in dependents} == {StepState.SKIPPED}
    assert states[FINISH.step()] is StepState.PENDING
    first, *rest = books.rows.failures(WORLD)
    assert (first["step"], first["reason"]) == ("describe", "no credit")
    assert first["attempts"] == 1
    assert len(rest) == 2
    assert all("describe" in other["reason"] for other in rest)


def test_a_failure_skips_nothing_that_has_begun(books: Books) -> None:
    held = books.claim(STEP)
    books.claim(ILLUSTRATE.step(), "other")
    books.ledger.end_without_result(held, StepState.FAILED, {"reason": "x"}, [ILLUSTRATE.step()])
    assert books.rows.states(WORLD)[ILLUSTRATE.step()] is StepState.RUNNING


def test_a_released_step_is_free_at_once_and_keeps_its_attempts(books: Books) -> None:
    books.ledger.release(books.claim(STEP, "a"), Attempts(3, 2), {"reason": "later"})
    again = books.claim(STEP, "b")
    assert (again.attempts, again.takeovers) == (Attempts(3, 2), 0)


def test_a_scheduled_step_is_claimed_when_its_time_has_come(books: Books) -> None:
    books.ledger.release(books.claim(STEP), Attempts(1), {"reason": "$later"}, wait_s=3600)
    assert books.ledger.claim(WORLD, STEP, "b") == Scheduled()
    assert books.row(STEP)["failure"] == {"reason": "$later"}
    books.change(STEP, not_before="$$NOW")
    again = books.claim(STEP, "b")
    assert again.attempts == Attempts(1)
    assert books.row(STEP)["not_before"] is None, "it does not wait any more: it is worked on"


def test_nothing_is_taken_over_right_after_mongodb_was_away(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.claim(STEP, "a")
    books.expire(STEP)
    monkeypatch.setattr(books.database.availability, "steady_for_s", lambda: 5.0)
    assert books.ledger.takeover_grace_s == 15
    assert books.ledger.claim(WORLD, STEP, "b") == Leased(15)
    assert isinstance(books.ledger.claim(WORLD, ILLUSTRATE.step(), "b"), Claim), "nobody holds this one"
    monkeypatch.setattr(books.database.availability, "steady_for_s", lambda: 20.0)
    assert isinstance(books.ledger.claim(WORLD, STEP, "b"), Claim)


def test_takeovers_are_counted_anew_in_quarantine(books: Books) -> None:
    for number in range(3):
        held = books.claim(STEP, f"owner-{number}")
        books.expire(STEP)
    assert held.takeovers == 2
    books.ledger.quarantine(held)
    again = books.claim(STEP)
    assert (again.takeovers, again.quarantined) == (0, True)
    books.expire(STEP)
    once_more = books.claim(STEP)
    books.ledger.quarantine(once_more)
    assert books.claim(STEP).takeovers == 1, "it was taken over there, and came by the ordinary queue again"


def test_who_stops_gives_its_steps_back_and_is_fenced_off(books: Books) -> None:
    mine, others = books.claim(STEP, "a"), books.claim(ILLUSTRATE.step(), "b")
    assert books.ledger.abandon("a") == 1
    with pytest.raises(LeaseLost):
        books.ledger.commit(mine, Nothing())
    books.ledger.commit(others, Nothing())
    again = books.claim(STEP, "c")
    assert (again.takeovers, again.is_first_attempt) == (0, False)


def test_what_is_pending_of_a_cancelled_world_is_cancelled_but_for_its_end(books: Books) -> None:
    held = books.claim(STEP)
    books.database.transaction(lambda session: books.ledger.cancel_pending(WORLD, session))
    states = books.rows.states(WORLD)
    assert states.pop(STEP) is StepState.RUNNING
    assert states.pop(FINISH.step()) is StepState.PENDING
    assert set(states.values()) == {StepState.CANCELLED}
    books.ledger.commit(held, Nothing())


def test_what_could_not_be_made_anew_stands_as_it_was(books: Books) -> None:
    books.cast([0])
    books.finish(CHARACTER.step(1), FoundWorld(name="as it was"))
    books.finish(AVATAR.step(1))
    for spec in (CHARACTER, AVATAR):
        books.change(spec.step(1), state="pending")
    held = books.claim(CHARACTER.step(1))
    failure = Failure(reason="refused")
    books.ledger.restore(held, [CHARACTER.step(1), AVATAR.step(1), PLAN.step(1)], failure)
    states = books.rows.states(WORLD)
    assert states[CHARACTER.step(1)] is states[AVATAR.step(1)] is StepState.DONE
    assert books.results.of(WORLD, CHARACTER.step(1), FoundWorld) == FoundWorld(name="as it was")
    assert books.row(CHARACTER.step(1))["failure"] == books.row(AVATAR.step(1))["failure"] == failure
