"""The lease keeper on a real MongoDB: one renewal for all, none for steps that are too old, none for what was lost."""

from __future__ import annotations

import threading

import pytest

from generia_worker.engine.leases import LeaseKeeper
from generia_worker.engine.ledger import Claim, Leased
from generia_worker.storage.database import Database
from generia_worker.worlds.steps import DESCRIBE, INITIALIZE
from tests.books import WORLD, Books

FIRST, SECOND = INITIALIZE.step(), DESCRIBE.step()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.open()
    return books


def expire(books: Books) -> None:
    books.database.steps.update_many(
        {"state": "running"}, [{"$set": {"lease_until": {"$subtract": ["$$NOW", 1]}}}]
    )


def test_a_hung_step_loses_its_lease_and_the_others_keep_theirs(books: Books) -> None:
    clock = Clock()
    keeper = LeaseKeeper(books.ledger, "me", every_s=3600, deadline_s=100, clock=clock)
    with keeper.holding(books.claim(SECOND)):
        clock.now = 99
        with keeper.holding(books.claim(FIRST)):
            clock.now = 101
            expire(books)
            keeper.renew_now()
            assert isinstance(books.ledger.claim(WORLD, FIRST, "other"), Leased)
            assert isinstance(books.ledger.claim(WORLD, SECOND, "other"), Claim)
    keeper.close()


def test_it_renews_by_itself_and_also_what_else_it_is_told(books: Books) -> None:
    renewed = threading.Event()
    keeper = LeaseKeeper(books.ledger, "me", every_s=0.02, deadline_s=100, also=[renewed.set])
    with keeper.holding(books.claim(SECOND)):
        expire(books)
        assert renewed.wait(5)
        renewed.clear()
        assert renewed.wait(5)
        assert isinstance(books.ledger.claim(WORLD, SECOND, "other"), Leased)
    keeper.close()


def test_what_was_released_is_renewed_no_more(books: Books) -> None:
    keeper = LeaseKeeper(books.ledger, "me", every_s=3600, deadline_s=100)
    with keeper.holding(books.claim(SECOND)):
        pass
    expire(books)
    keeper.renew_now()
    assert isinstance(books.ledger.claim(WORLD, SECOND, "other"), Claim)
    keeper.close()
