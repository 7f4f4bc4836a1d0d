"""What is asked again and again is answered out of indexes: its cost does not grow with the number of finished worlds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from generia_worker.engine.parked import ParkedSteps
from generia_worker.engine.steps import new_row

from generia_worker.billing.holds import Reservations
from generia_worker.billing.prices import Usage
from generia_worker.billing.requests import Intent, Requests
from generia_worker.client.order import Order
from generia_worker.engine.generations import Generations
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.step import (
    DESCRIBE,
    INITIALIZE,
    StepKind,
    opening_steps,
    steps_after_cast,
)
from generia_worker.status.projection import Status
from generia_worker.storage.database import Database

FINISHED = 60
SHARES = [3, 3, 2]
WORLD = "live"
#: Rows of one world, with room; all finished worlds together have some fifty times as many.
MOST_EXAMINED = 60


class Books:
    """Every repository, over a database that is full of finished worlds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.generations = Generations(database)
        self.ledger = Ledger(database, lease_s=20)
        self.requests = Requests(database)
        self.parked = ParkedSteps(database)
        self.reservations = Reservations(database)
        self.status = Status(database, self.generations, self.ledger)
        for number in range(FINISHED):
            self._finished(f"finished-{number}")
        self._order(WORLD)
        self.ledger.add(WORLD, opening_steps(1), 1)

    def _order(self, world: str) -> None:
        order = Order(
            world_id=world,
            user_prompt="a village of talkative lighthouse keepers",
            users_count=3,
            posts_count=8,
        )
        self.generations.accept(order, limits={"llm": 99, "images": 99}, batches=1)

    def _finished(self, world: str) -> None:
        self._order(world)
        steps = [*opening_steps(1), *steps_after_cast(SHARES)]
        ended = {"state": "done", "unsettled": False, "contribution": {"tasks_completed": 1}}
        ended |= {"settled": {"tasks_completed": 1}, "ready_at": datetime.now(UTC)}
        db = self.database
        db.steps.insert_many(new_row(world, step, None) | ended | {"_id": step.key(world)} for step in steps)
        calls = [{"_id": f"{world}/{n}", "call": f"{world}/{n}", "world_id": world} for n in range(20)]
        answered = {
            "state": "answered",
            "unsettled": False,
            "provider": "llm",
            "contribution": {},
            "settled": {},
        }
        db.requests.insert_many(call | answered for call in calls)
        db.generations.update_one({"_id": world}, {"$set": {"open": False, "started": True}})


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def watched(books: Books) -> Iterator[dict[str, Any]]:
    """Let everything be done that is done for every step, and by every sweep; yield what MongoDB says of each command."""
    db = books.database.client[books.database.steps.database.name]
    db.command("profile", 2)
    work(books)
    db.command("profile", 0)
    yield from db["system.profile"].find(
        {"ns": {"$not": {"$regex": "system"}}, "planSummary": {"$exists": True}}
    )


def work(books: Books) -> None:
    ledger, requests = books.ledger, books.requests
    for step in (INITIALIZE, DESCRIBE):
        claim = ledger.claim(WORLD, step, "me")
        assert isinstance(claim, Claim)
        call = f"{claim.key}#1"
        assert requests.answer_of(call) is None
        requests.give_up_on_open(call)
        intent = Intent(call, WORLD, step.name, call, "llm", "m", 0.01)
        requests.begin(intent)
        books.generations.reserve(WORLD, "llm", 0.01)
        assert requests.record_answer(intent, Usage(0.001, 1, 1), {"content": "x"})
        ledger.checkpoint(claim, detail="x")
        assert ledger.renew("me", [claim.key]) == {claim.key}
        ledger.commit(claim, {"made": True})
        assert requests.unsettled_worlds() == ledger.unsettled_worlds() == {WORLD}
        assert books.status.settle(WORLD).changed
        assert requests.unsettled_worlds() == ledger.unsettled_worlds() == set()
    assert ledger.made(WORLD, DESCRIBE)
    soon = datetime.now(UTC) + timedelta(hours=1)
    for look in (ledger.lost, ledger.orphaned):
        look(list(StepKind), soon, 500)
    books.parked.park("x/describe", WORLD, "{}", wait_s=0, reason="a test")
    assert len(books.parked.take_due(10)) == 1
    assert books.generations.open_worlds() == [WORLD]
    assert books.generations.unstarted(soon, 10) == [WORLD]
    assert books.reservations.worlds(10) == [WORLD]
    books.reservations.mend(WORLD, 20)
    assert ledger.abandon("me") == 0


def test_nothing_that_is_done_for_each_step_reads_a_finished_world(books: Books) -> None:
    seen = list(watched(books))
    assert len(seen) > 30, "MongoDB's profiler noted too little"
    for command in seen:
        shown = {
            k: command.get(k) for k in ("op", "ns", "planSummary", "docsExamined", "keysExamined", "command")
        }
        assert "COLLSCAN" not in command["planSummary"], shown
        assert command.get("docsExamined", 0) <= MOST_EXAMINED, shown
        assert command.get("keysExamined", 0) <= MOST_EXAMINED, shown
