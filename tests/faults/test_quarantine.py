"""Steps that end the process which works on them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from generia_worker.client.status import GenerationStatus
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.step_rows import StepRows
from generia_worker.storage.database import Database
from generia_worker.worlds.steps import INITIALIZE, STEPS
from tests.faults.harness import Faults

#: Two deaths among others, three in quarantine.
DEATHS = 5


def assert_ended_with(faults: Faults, world: str, status: GenerationStatus, failed: str) -> None:
    """Assert that one step has failed for what it did, and that no other is charged."""
    rows = list(faults.db["generation_steps"].find({"world_id": world}))
    assert [row["step"] for row in rows if row["state"] == "failed"] == [failed]
    guilty = next(row for row in rows if row["step"] == failed)
    assert "ended its worker process" in guilty["failure"]["reason"]
    assert {row["attempts"] for row in rows if row is not guilty} == {0}
    assert status.tasks_failed == 1
    assert status.tasks_completed + status.tasks_failed + status.tasks_skipped == status.tasks_total


def test_a_step_that_kills_its_process_each_time_is_given_up_and_the_world_ends(faults: Faults) -> None:
    faults.arm("paid.draw", "before", "/picture/01/02#", again=True)
    world = faults.new(2, 5)
    faults.died(DEATHS, 120)
    status = faults.ended(world)
    faults.disarm()
    assert len(faults.deaths()) == DEATHS
    assert status.status == "completed"
    assert (status.users_created, status.posts_created) == (2, 4)
    assert_ended_with(faults, world, status, "picture/01/02")
    # Each of the two deaths may have taken along what its process had in flight, and the step's own call is open.
    faults.assert_honest(world, status, ambiguous=1 + 2 * 5)
    faults.assert_no_orphans(world)


def test_a_step_that_survives_in_quarantine_goes_on_from_there(faults: Faults) -> None:
    """A step that was suspected wrongly, and whose next ones are published from the prefork child."""
    faults.arm("paid.text", "before", "/plan/01#", again=True)
    world = faults.new(1, 2)
    faults.died(2)
    faults.disarm()
    faults.assert_whole(world, 1, 2, ambiguous=2)
    assert faults.step(world, "plan/01")["quarantined"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_child_that_dies_beside_counting_its_part_of_a_chord_loses_no_finish(
    faults: Faults, when: str
) -> None:
    faults.behave(latency={"llm": {"fixed_s": 0.2}, "images": {"fixed_s": 0.2}})
    world = faults.new(1, 2)
    faults.until(lambda: faults.state(world, "post/01/01") == "pending", "the posts are in the ledger")
    suspect = {"_id": {"$in": [f"{world}/picture/01/{post:02d}" for post in (1, 2)]}}
    faults.db["generation_steps"].update_many(suspect, {"$set": {"quarantined": True}})
    faults.arm("chord.part", when, "illustrate_post", also=world)
    faults.died()
    faults.assert_whole(world, 1, 2)
    assert faults.step(world, "finish")["fence"] == 1


def test_takeovers_in_quarantine_count_however_the_step_came_there(database: Database) -> None:
    """A step whose quarantine worker died as a whole comes back over its ordinary queue, and is sent on."""
    ledger, step = Ledger(database, STEPS, lease_s=60), INITIALIZE.step()
    StepRows(database, STEPS).add("w1", STEPS.opening(1), 1)

    def claimed() -> Claim:
        taken = ledger.claim("w1", step, "other")
        assert isinstance(taken, Claim)
        return taken

    def owner_dies() -> None:
        database.steps.update_one(
            {"_id": step.key("w1")}, {"$set": {"lease_until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )

    ledger.quarantine(claimed())
    assert claimed().takeovers == 0
    for deaths in (1, 2, 3):
        owner_dies()
        ledger.quarantine(claimed())
        assert claimed().takeovers == deaths
