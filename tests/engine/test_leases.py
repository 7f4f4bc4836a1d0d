"""The lease keeper on a real MongoDB: one renewal for all, none for steps that are too old, none for what was lost."""

from __future__ import annotations

import threading

import pytest

from generia_worker.engine.leases import LeaseKeeper
from generia_worker.engine.ledger import Busy, Claim, Ledger
from generia_worker.engine.step import DESCRIBE, INITIALIZE, Step, opening_steps
from generia_worker.storage.database import Database

WORLD = "w1"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = Ledger(database, lease_s=20)
    ledger.add(WORLD, opening_steps(1), 1)
    return ledger


def claim(ledger: Ledger, step: Step) -> Claim:
    taken = ledger.claim(WORLD, step, "me")
    assert isinstance(taken, Claim)
    return taken


def expire(database: Database) -> None:
    database.steps.update_many({"state": "running"}, [{"$set": {"lease_until": {"$subtract": ["$$NOW", 1]}}}])


def test_a_hung_step_loses_its_lease_and_the_others_keep_theirs(ledger: Ledger, database: Database) -> None:
    clock = Clock()
    keeper = LeaseKeeper(ledger, "me", every_s=3600, deadline_s=100, clock=clock)
    with keeper.holding(claim(ledger, DESCRIBE)):
        clock.now = 99
        with keeper.holding(claim(ledger, INITIALIZE)):
            clock.now = 101
            expire(database)
            keeper.renew_now()
            assert isinstance(ledger.claim(WORLD, INITIALIZE, "other"), Busy)
            assert isinstance(ledger.claim(WORLD, DESCRIBE, "other"), Claim)
    keeper.close()


def test_it_renews_by_itself_and_also_what_else_it_is_told(ledger: Ledger, database: Database) -> None:
    renewed = threading.Event()
    keeper = LeaseKeeper(ledger, "me", every_s=0.02, deadline_s=100, also=[renewed.set])
    with keeper.holding(claim(ledger, DESCRIBE)):
        expire(database)
        assert renewed.wait(5)
        renewed.clear()
        assert renewed.wait(5)
        assert isinstance(ledger.claim(WORLD, DESCRIBE, "other"), Busy)
    keeper.close()


def test_what_was_released_is_renewed_no_more(ledger: Ledger, database: Database) -> None:
    keeper = LeaseKeeper(ledger, "me", every_s=3600, deadline_s=100)
    with keeper.holding(claim(ledger, DESCRIBE)):
        pass
    expire(database)
    keeper.renew_now()
    assert isinstance(ledger.claim(WORLD, DESCRIBE, "other"), Claim)
    keeper.close()
