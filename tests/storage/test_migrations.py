"""What the version before left in MongoDB is brought into today's form."""

from __future__ import annotations

from datetime import UTC, datetime

from generia_worker.engine.recovery import Recovery
from generia_worker.engine.step_rows import StepRows
from generia_worker.storage.database import Database
from generia_worker.storage.migrations import migrate
from generia_worker.worlds.steps import DESCRIBE, ILLUSTRATE, INITIALIZE, STEPS

WORLD = "w1"
DUE = datetime(2026, 1, 1, tzinfo=UTC)


def test_steps_that_were_parked_are_scheduled(database: Database) -> None:
    rows = StepRows(database, STEPS)
    rows.add(WORLD, STEPS.opening(1), 1)
    database.steps.update_many({}, {"$unset": {"not_before": ""}})
    database.steps.update_one({"_id": ILLUSTRATE.step().key(WORLD)}, {"$set": {"state": "running"}})
    parked = database.database["parked_steps"]
    for spec in (DESCRIBE, ILLUSTRATE):
        row = {"_id": spec.step().key(WORLD), "world_id": WORLD, "signature": "{}", "wake_at": DUE}
        parked.insert_one(row)
    migrate(database)
    migrate(database)
    found = Recovery(database, rows).due(10)
    assert [(one.step, one.not_before) for one in found] == [(DESCRIBE.step(), DUE)]
    assert parked.count_documents({}) == 0
    state = database.steps.find_one({"_id": ILLUSTRATE.step().key(WORLD)}) or {}
    assert state.get("not_before") is None, "somebody works on it"
    assert not database.steps.find_one({"_id": INITIALIZE.step().key(WORLD)}, {"_id": 0, "not_before": 1})
