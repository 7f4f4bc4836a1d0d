"""Recovery on a real MongoDB: which steps are due, which have lost their message or their owner, and which only wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from generia_worker.engine.ledger import Claim, Scheduled
from generia_worker.engine.recovery import FoundStep
from generia_worker.engine.retry import Attempts
from generia_worker.engine.step import Step
from generia_worker.storage.database import Database
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import (
    CHARACTER,
    DESCRIBE,
    FAN_OUT,
    ILLUSTRATE,
    INITIALIZE,
    PICTURE,
    POST,
    STEPS,
)
from tests.books import WORLD, Books, in_parallel

STEP = DESCRIBE.step()
FIRST = INITIALIZE.step()
KINDS = [spec.kind for spec in STEPS]


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.open()
    return books


def later(books: Books, **duration: float) -> datetime:
    """A moment of the database's clock, from now."""
    return books.database.now() + timedelta(**duration)


def names(found: Sequence[FoundStep]) -> list[str]:
    return [one.step.name for one in found]


def end(books: Books, step: Step) -> None:
    books.change(step, state="done", finished_at="$$NOW")


def schedule(books: Books, step: Step, wait_s: float) -> None:
    books.ledger.release(books.claim(step), Attempts(1), {"reason": "later"}, wait_s=wait_s)


# --- scheduled steps -------------------------------------------------------------------------------------------------
def test_a_scheduled_step_is_due_when_its_time_has_come(books: Books) -> None:
    schedule(books, STEP, 3600)
    assert books.recovery.due(10) == []
    assert books.ledger.claim(WORLD, STEP, "other") == Scheduled()
    books.change(STEP, not_before={"$subtract": ["$$NOW", 1]})
    (found,) = books.recovery.due(10)
    assert (found.world_id, found.step, found.key) == (WORLD, STEP, STEP.key(WORLD))
    assert found.not_before == books.row(STEP)["not_before"]
    assert isinstance(books.ledger.claim(WORLD, STEP, "other"), Claim)
    assert books.recovery.due(10) == [], "it is worked on"


def test_the_wait_goes_by_the_clock_of_the_database(books: Books) -> None:
    before = books.database.now()
    schedule(books, STEP, 90)
    due = books.row(STEP)["not_before"]
    assert before + timedelta(seconds=90) <= due <= later(books, seconds=90)


def test_the_longest_waiting_come_first_and_no_more_than_asked_for(books: Books) -> None:
    books.cast([3])
    posts = [POST.step(1, number) for number in (1, 2, 3)]
    # Each counts from a moment of its own: what lies between is longer than any of these statements takes.
    for post, ago_min in zip(posts, (1, 3, 2), strict=True):
        schedule(books, post, 0)
        books.change(post, not_before={"$subtract": ["$$NOW", ago_min * 60_000]})
    assert names(books.recovery.due(2)) == ["post/01/02", "post/01/03"]


def test_what_was_dispatched_is_not_due_and_has_a_message_from_now_on(books: Books) -> None:
    schedule(books, STEP, 0)
    books.change(STEP, ready_at={"$subtract": ["$$NOW", 3_600_000]})
    (found,) = books.recovery.due(10)
    began = books.database.now()
    books.recovery.dispatched(found)
    assert books.recovery.due(10) == []
    row = books.row(STEP)
    assert row["not_before"] is None
    assert row["ready_at"] >= began
    assert names(books.recovery.lost(KINDS, later(books, seconds=1), 10)) == ["initialize", "describe"]


def test_what_was_scheduled_anew_meanwhile_is_not_taken_for_dispatched(books: Books) -> None:
    schedule(books, STEP, 0)
    (found,) = books.recovery.due(10)
    schedule(books, STEP, 3600)  # its message was quick: claimed, and told to wait again
    books.recovery.dispatched(found)
    assert books.row(STEP)["not_before"] is not None
    assert books.ledger.claim(WORLD, STEP, "other") == Scheduled()


def test_what_somebody_works_on_already_is_not_touched_by_dispatching(books: Books) -> None:
    schedule(books, STEP, 0)
    (found,) = books.recovery.due(10)
    books.claim(STEP)
    before = books.row(STEP)
    books.recovery.dispatched(found)
    assert books.row(STEP) == before


def test_a_scheduled_step_is_not_lost(books: Books) -> None:
    schedule(books, STEP, 3600)
    future = later(books, hours=1)
    assert names(books.recovery.lost(KINDS, future, 10)) == ["initialize"]
    assert not books.recovery.orphaned(KINDS, future, 10)


# --- lost messages ---------------------------------------------------------------------------------------------------
def test_a_step_is_lost_that_is_ready_since_before_the_watermark(books: Books) -> None:
    ready = books.row(FIRST)["ready_at"]
    assert books.recovery.lost(KINDS, ready, 10) == [], "its message may have come after the watermark's"
    after = ready + timedelta(milliseconds=1)
    assert names(books.recovery.lost(KINDS, after, 10)) == ["initialize"], "the others are not ready"
    books.claim(FIRST)
    assert books.recovery.lost(KINDS, after, 10) == []


def test_lost_steps_are_told_by_kind_and_quarantine(books: Books) -> None:
    books.cast([1])
    for name in ("fan_out", "plan/1"):
        end(books, STEPS.parse(name))
    future = later(books, seconds=1)
    found = names(books.recovery.lost(["character", "post"], future, 10))
    assert set(found) == {"character/01", "post/01/01"}
    end(books, POST.step(1, 1))
    future = later(books, seconds=1)
    assert names(books.recovery.lost(["picture"], future, 10)) == ["picture/01/01"]
    books.ledger.quarantine(books.claim(PICTURE.step(1, 1)))
    future = later(books, seconds=1)
    assert books.recovery.lost(["picture"], future, 10) == []
    assert names(books.recovery.lost(["picture"], future, 10, quarantined=True)) == ["picture/01/01"]


def test_the_message_of_a_step_is_missed_from_the_end_of_its_predecessor_on(books: Books) -> None:
    books.cast([1, 1])
    future = later(books, hours=1)
    assert books.recovery.lost(["character"], future, 10) == [], "nothing was published yet"
    books.claim(FAN_OUT.step())
    assert books.recovery.lost(["character"], future, 10) == []
    end(books, FAN_OUT.step())
    ended = books.row(FAN_OUT.step())["finished_at"]
    assert books.recovery.lost(["character"], ended, 10) == []
    after = ended + timedelta(milliseconds=1)
    assert names(books.recovery.lost(["character"], after, 10)) == ["character/01", "character/02"]
    assert names(books.recovery.lost(["character"], after, 1)) == ["character/01"]
    publish(books, CHARACTER.step(1))
    assert names(books.recovery.lost(["character"], after, 10)) == ["character/02"]


def test_the_oldest_loss_comes_first(books: Books) -> None:
    books.cast([1, 1])
    end(books, FAN_OUT.step())
    assert len(books.recovery.lost(["character"], later(books, seconds=1), 10)) == 2
    for step, ago_min in ((CHARACTER.step(1), 1), (CHARACTER.step(2), 2)):
        books.change(step, ready_at={"$subtract": ["$$NOW", ago_min * 60_000]})
    assert names(books.recovery.lost(["character"], later(books, seconds=1), 10)) == [
        "character/02",
        "character/01",
    ]
    assert names(books.recovery.lost(["character"], later(books, seconds=1), 1)) == ["character/02"]


def test_what_a_stopping_owner_gave_back_is_lost_at_once(books: Books) -> None:
    books.claim(STEP, "stopping")
    books.ledger.abandon("stopping")
    old = later(books, days=-365)
    assert names(books.recovery.lost(KINDS, old, 10)) == ["describe"]


def publish(books: Books, *steps: Step) -> list[Step]:
    """Publish steps again, as they are now; returns those that are to be."""
    found = [FoundStep(WORLD, step, ready_at=books.row(step)["ready_at"]) for step in steps]
    return [one.step for one in books.recovery.to_publish(found)]


# --- lost owners -----------------------------------------------------------------------------------------------------
def test_a_step_is_orphaned_when_its_lease_ran_out_a_while_ago(books: Books) -> None:
    books.claim(STEP)
    future = later(books, hours=1)
    assert not books.recovery.has_orphans()
    books.expire(STEP)
    assert not books.recovery.has_orphans(), "its owner may still renew it"
    assert books.recovery.orphaned(KINDS, future, 10) == []
    books.expire(STEP, ago_ms=1500)
    assert books.recovery.has_orphans()
    assert names(books.recovery.orphaned(KINDS, future, 10)) == ["describe"]
    assert books.recovery.orphaned(["post"], future, 10) == []
    assert books.recovery.orphaned(KINDS, future, 10, quarantined=True) == []
    books.claim(STEP, "another")
    assert not books.recovery.has_orphans()


def test_an_orphan_whose_message_may_be_on_its_way_is_left_out(books: Books) -> None:
    books.claim(STEP)
    books.expire(STEP, ago_ms=1500)
    publish(books, STEP)
    published = books.row(STEP)["ready_at"]
    assert books.recovery.orphaned(KINDS, published, 10) == []
    assert names(books.recovery.orphaned(KINDS, published + timedelta(seconds=1), 10)) == ["describe"]


def test_only_what_nobody_works_on_is_marked_as_published(books: Books) -> None:
    books.claim(STEP)
    orphan, pending = ILLUSTRATE.step(), FIRST
    books.claim(orphan)
    books.expire(orphan, ago_ms=1500)
    books.change(pending, ready_at={"$subtract": ["$$NOW", 60_000]})
    assert publish(books, STEP, orphan, pending) == [orphan, pending]
    assert books.row(STEP)["ready_at"] is None, "its owner lives"
    now = books.database.now()
    for step in (orphan, pending):
        assert now - books.row(step)["ready_at"] < timedelta(seconds=30)


def test_what_two_find_at_a_time_is_published_by_one_of_them(books: Books) -> None:
    orphan, pending = ILLUSTRATE.step(), FIRST
    books.claim(orphan)
    books.expire(orphan, ago_ms=1500)
    found = [
        one
        for look in (books.recovery.orphaned, books.recovery.lost)
        for one in look(KINDS, later(books, seconds=1), 10)
    ]
    assert names(found) == [str(orphan), str(pending)]
    won: list[FoundStep] = []
    in_parallel(lambda _: won.extend(books.recovery.to_publish(found)), 4)
    assert sorted(one.key for one in won) == sorted(one.key for one in found)
    assert books.recovery.to_publish(found) == []
    future = later(books, hours=1)
    again = books.recovery.lost(KINDS, future, 10)
    assert books.recovery.to_publish(again) == again, "its message was lost once more"


def test_what_dead_owners_held_is_orphaned_at_once_and_was_taken_over(books: Books) -> None:
    dead, alive, ended = STEP, ILLUSTRATE.step(), FIRST
    books.claim(dead, "dead")
    books.change(dead, ready_at="$$NOW")
    books.claim(alive, "alive")
    books.ledger.commit(books.claim(ended, "dead"), Nothing())
    before = books.row(alive), books.row(ended)
    assert books.recovery.expire_dead("dead".__eq__) == 1
    assert (books.row(alive), books.row(ended)) == before
    assert books.recovery.has_orphans()
    old = later(books, days=-365)
    assert names(books.recovery.orphaned(KINDS, old, 10)) == ["describe"], "no watermark is waited for"
    assert books.claim(dead, "next").takeovers == 1, "a step that kills its workers must be found"


def test_a_step_of_the_dead_that_was_published_again_is_not_published_a_second_time(books: Books) -> None:
    books.claim(STEP, "dead")
    assert books.recovery.expire_dead("dead".__eq__) == 1
    publish(books, STEP)
    published = books.row(STEP)
    assert books.recovery.expire_dead("dead".__eq__) == 0, "another worker that starts meanwhile"
    assert books.row(STEP) == published


# --- watermarks ------------------------------------------------------------------------------------------------------
def test_the_watermark_of_several_queues_is_the_oldest_and_never_goes_back(books: Books) -> None:
    marks, now = books.watermarks, later(books)
    marks.advance("llm", now)
    assert marks.of(["llm", "llm.1"]) is None, "nothing came out of the second yet"
    marks.advance("llm.1", now - timedelta(seconds=5))
    assert marks.of(["llm", "llm.1"]) == now - timedelta(seconds=5)
    marks.advance("llm", now - timedelta(minutes=1))
    assert marks.of(["llm"]) == now, "an older message that came out late tells nothing new"
