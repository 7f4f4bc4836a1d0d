"""What is asked again and again is answered out of indexes: its cost does not grow with the number of finished worlds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.engine.retry import Attempts
from generia_worker.engine.step import Step
from generia_worker.providers.usage import Usage
from generia_worker.storage.database import Database
from generia_worker.worlds.results import Names, Nothing
from generia_worker.worlds.steps import DESCRIBE, ILLUSTRATE, INITIALIZE, STEPS
from tests.books import WORLD as LIVED
from tests.books import Books
from tests.worlds.test_extension import Ended

FINISHED = 60
SHARES = [3, 3, 2]
WORLD = "live"
#: Rows of one world, with room; all finished worlds together have some fifty times as many.
MOST_EXAMINED = 60


@pytest.fixture
def books(database: Database) -> Books:
    """Every repository, over a database that is full of finished worlds."""
    books = Books(database)
    books.order(WORLD, users_count=3, posts_count=8)
    books.open(WORLD)
    books.cast(SHARES, WORLD)
    rows = list(database.steps.find({"world_id": WORLD}))
    database.steps.delete_many({"kind": {"$nin": [step.kind for step in STEPS.opening(1)]}})
    for number in range(FINISHED):
        _finished(books, f"finished-{number}", rows)
    return books


def _finished(books: Books, world: str, rows: list[dict[str, Any]]) -> None:
    """Add a world that has ended, with rows like these."""
    books.order(world, users_count=3, posts_count=8)
    now = datetime.now(UTC)
    ended: dict[str, Any] = {"world_id": world, "state": "done", "after": None}
    ended |= {"ready_at": now, "finished_at": now}
    books.database.steps.insert_many(row | ended | {"_id": f"{world}/{row['step']}"} for row in rows)
    calls = [{"_id": f"{world}/{n}", "call": f"{world}/{n}", "world_id": world} for n in range(20)]
    answered = {"state": "answered", "provider": "llm", "cost_usd": 0.001}
    books.database.requests.insert_many(call | answered for call in calls)
    books.database.generations.update_one({"_id": world}, {"$set": {"open": False, "started": True}})


def watched(books: Books) -> Iterator[dict[str, Any]]:
    """Let everything be done that is done for every step, and by every sweep; yield what MongoDB says of each command."""
    db = books.database.client[books.database.steps.database.name]
    db.command("profile", 2)
    for step in (INITIALIZE.step(), DESCRIBE.step()):
        work_on(books, step)
    read_results(books)
    sweep(books)
    db.command("profile", 0)
    yield from db["system.profile"].find(
        {"ns": {"$not": {"$regex": "system"}}, "planSummary": {"$exists": True}}
    )


def work_on(books: Books, step: Step) -> None:
    ledger, requests = books.ledger, books.requests
    claim = books.claim(step, world_id=WORLD)
    call = PaidCall(f"{claim.key}#1", WORLD, step.name)
    assert requests.answer_of(call.key) is None
    requests.give_up_on_open(call)
    intent = Intent(call.key, call, "llm", "m", 0.01)
    requests.begin(intent)
    assert books.holds.may_fit(WORLD, "llm", 0.01)
    books.holds.hold(WORLD, "llm", intent.held_usd)
    assert requests.record_answer(intent, Usage(0.001, 1, 1), {"content": "x"})
    books.holds.capture(WORLD, intent.held_usd, 0.001, since=0)
    ledger.checkpoint(claim, detail="x")
    assert ledger.renew("me", [claim.key]) == {claim.key}
    ledger.commit(claim, Nothing())
    requests.abandon(WORLD, step.name)
    assert requests.late() == []
    requests.counted([call.key])
    books.refresh.refresh(WORLD)
    assert books.status.posts_since({WORLD: 0})[WORLD] == []


def read_results(books: Books) -> None:
    assert books.results.of(WORLD, DESCRIBE.step(), Nothing)
    assert books.results.all_of(WORLD, "describe", Nothing)
    assert not books.results.all_of(WORLD, "post", Names, character=1)


def sweep(books: Books) -> None:
    recovery = books.recovery
    soon, kinds = datetime.now(UTC) + timedelta(hours=1), [spec.kind for spec in STEPS]
    assert not recovery.has_orphans()
    step = ILLUSTRATE.step()
    books.claim(step, world_id=WORLD)
    books.expire(step, WORLD, ago_ms=5000)
    assert recovery.has_orphans()
    orphans = recovery.orphaned(kinds, soon, 500)
    assert [found.step for found in orphans] == [step]
    assert recovery.to_publish(orphans) == orphans
    books.ledger.release(books.claim(step, world_id=WORLD), Attempts(1), None, wait_s=0)
    (due,) = recovery.due(10)
    recovery.dispatched(due)
    assert [found.step for found in recovery.lost(kinds, soon, 500)] == [step]
    assert books.generations.open_worlds() == [WORLD]
    assert books.generations.unstarted(soon, 10) == [WORLD]
    assert books.holds.worlds_to_reconcile(10) == [WORLD]
    books.holds.reconcile(WORLD, 20)
    assert books.ledger.abandon("me") == 0
    assert recovery.expire_dead("nobody".__eq__) == 0


def test_nothing_that_is_done_for_each_step_reads_a_finished_world(books: Books) -> None:
    seen = list(watched(books))
    assert len(seen) > 40, "MongoDB's profiler noted too little"
    for command in seen:
        shown = {
            k: command.get(k) for k in ("op", "ns", "planSummary", "docsExamined", "keysExamined", "command")
        }
        assert "COLLSCAN" not in command["planSummary"], shown
        assert command.get("docsExamined", 0) <= MOST_EXAMINED, shown
        assert command.get("keysExamined", 0) <= MOST_EXAMINED, shown


def test_counters_are_answered_by_indexes_alone(books: Books) -> None:
    step = DESCRIBE.step()
    call = PaidCall(f"{step.key(WORLD)}#1.0.text.0", WORLD, step.name)
    claim = books.claim(
        step, world_id=WORLD, call=books.requests.for_claim(Intent(call.key, call, "llm", "m", 0))
    )
    claim.along.clear()
    claim.along.update({"call.state": "answered", "call.cost_usd": 0.25})
    books.ledger.commit(claim, Nothing())
    work_on(books, INITIALIZE.step())
    db = books.database.database
    db.command("profile", 2)
    assert books.requests.totals([WORLD])[WORLD]["api_calls_made_LLM"] == 2
    assert books.rows.census(WORLD)
    db.command("profile", 0)
    seen = list(db["system.profile"].find({"command.aggregate": {"$exists": True}}))
    assert [row.get("docsExamined", 0) for row in seen] == [0] * len(seen), seen
    assert sum(row["keysExamined"] for row in seen) > 0


def test_a_world_that_lives_for_a_year_is_told_and_swept_by_as_many_operations_as_a_young_one(
    database: Database,
) -> None:
    books = Ended(database)
    cost_of_a_round(books, "first")  # (what is remembered is read once)
    young = cost_of_a_round(books, "young")
    let_live(books, rounds=365)
    old = cost_of_a_round(books, "old")
    assert [name for name, _ in old] == [name for name, _ in young], "no operation more"
    for name, read in old:
        assert read["docs"] <= MOST_EXAMINED, name
        # A projection counts all steps of its world, in the index; nothing else looks at them.
        assert name == "aggregate generation_steps" or read["keys"] <= MOST_EXAMINED, name


def let_live(books: Ended, rounds: int) -> None:
    """Let a world have so many rounds that are like its last one."""
    database = books.database
    before = books.of_world()["rounds"]
    last = len(before) + 1
    rows = list(database.steps.find({"world_id": LIVED, "round": last}))
    for number in range(last + 1, rounds + 1):
        names = [row["step"].replace(f"@{last}", f"@{number}") for row in rows]
        of_round = [
            row | {"_id": f"{LIVED}/{name}", "step": name, "round": number, "after": None}
            for row, name in zip(rows, names, strict=True)
        ]
        database.steps.insert_many(of_round)
    database.generations.update_one(
        {"_id": LIVED}, {"$set": {"rounds": before + before[-1:] * (rounds - last)}}
    )


def cost_of_a_round(books: Ended, request_id: str) -> list[tuple[str, dict[str, int]]]:
    """Let a world have one round more, tell and sweep it; return what each operation of that read."""
    books.extend(0, 5, request_id=request_id)
    soon, kinds = datetime.now(UTC) + timedelta(hours=1), [spec.kind for spec in STEPS]
    db = books.database.database
    db.command("profile", 2)
    books.refresh.refresh(LIVED)
    for spec in STEPS:
        if spec.waits_for:
            books.rows.open_waiting(LIVED, spec)
    assert not books.recovery.has_orphans()
    assert books.recovery.due(500) == books.recovery.orphaned(kinds, soon, 500) == []
    assert books.recovery.lost(kinds, soon, 500)
    assert books.generations.open_worlds() == books.holds.worlds_to_reconcile(20) == [LIVED]
    books.holds.reconcile(LIVED, 20)
    assert books.requests.late() == []
    db.command("profile", 0)
    found = []
    for row in db["system.profile"].find({"planSummary": {"$exists": True}}).sort("ts", 1):
        verb = next(iter(row["command"])) if row["op"] in ("command", "query") else row["op"]
        read = {"docs": row.get("docsExamined", 0), "keys": row.get("keysExamined", 0)}
        if verb != "getMore":
            found.append((f"{verb} {row['ns'].partition('.')[2]}", read))
    db.drop_collection("system.profile")
    books.finish_all()
    assert books.told().status == "completed"
    return found
