"""What a day allows, on a real MongoDB: held with the order, given back at the end, held again where a world goes on."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.client_session import ClientSession

from generia_worker.billing.allowances import Allowances, Caps
from generia_worker.billing.holds import Holds
from generia_worker.client.order import Order
from generia_worker.engine.generations import Generations
from generia_worker.errors import AllowanceExceeded, ConflictError
from generia_worker.storage.database import Database

NOON = datetime(2026, 5, 26, 12, tzinfo=UTC)


class Shop:
    """Orders worlds, by a clock that is set by hand."""

    def __init__(self, database: Database, **caps: Any) -> None:
        self.now = NOON
        self.database = database
        self.allowances = Allowances(database, Caps(**caps), lambda: self.now)
        self.generations = Generations(database)

    def order(self, world_id: str, usd: float, person: str | None = "ada") -> None:
        order = Order(
            world_id=world_id,
            user_prompt="A world that is made by hand",
            users_count=1,
            posts_count=1,
            user_id=person,
        )

        def work(session: ClientSession) -> None:
            held = self.allowances.hold_new(person, usd, session)
            self.generations.insert(
                order,
                limits={"llm": 9, "images": 9},
                batches=1,
                budget_usd=usd,
                allowance=held,
                session=session,
            )

        self.database.transaction(work)

    def end(self, world_id: str, spent: float) -> None:
        self.database.generations.update_one(
            {"_id": world_id}, {"$set": {"open": False, "reserved.usd": spent}}
        )

    def sweep(self) -> None:
        for world_id in self.allowances.unsettled(100):
            self.allowances.settle(world_id)

    def left(self, person: str = "ada") -> float | None:
        found = self.allowances.left(person).usd_left
        return None if found is None else round(found, 6)

    def budget(self, world_id: str) -> float:
        row = self.database.generations.find_one({"_id": world_id})
        assert row is not None
        return round(float(row["budget_usd"]), 6)


@pytest.mark.parametrize("caps", [{"usd": 1.0}, {"all_usd": 1.0}])
def test_dollars_hold_whatever_is_ordered_at_the_same_time(
    database: Database, caps: dict[str, float]
) -> None:
    shop = Shop(database, **caps)
    done: list[str] = []
    refused: list[str] = []
    begin = threading.Barrier(12)

    def order(number: int) -> None:
        begin.wait()
        try:
            shop.order(f"w{number}", 0.3)
            done.append(f"w{number}")
        except AllowanceExceeded as error:
            refused.append(error.message)

    threads = [threading.Thread(target=order, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(refused)) == (3, 9)
    assert database.generations.count_documents({}) == 3
    assert shop.left() == 0.1
    assert round(shop.allowances.spent_today(), 6) == 0.9
    assert "Today left: $0.10; this world may cost $0.30" in refused[0]
    # What the refused one held of the first sum was given back with the transaction.
    shop.order("small", 0.1)
    assert shop.left() == 0


def test_worlds_are_counted_by_person_and_day(database: Database) -> None:
    shop = Shop(database, worlds=2)
    shop.order("a", 0)
    shop.order("b", 0)
    with pytest.raises(AllowanceExceeded, match=r"no world of 2\. More from 2026-05-27 00:00 UTC on"):
        shop.order("c", 0)
    shop.order("d", 0, person="eve")
    shop.order("e", 0, person=None)
    left = shop.allowances.left("ada")
    assert (left.worlds_left, left.worlds_most, left.usd_left) == (0, 2, None)
    assert left.resets_at == datetime(2026, 5, 27, tzinfo=UTC)
    shop.now = NOON + timedelta(hours=12)
    shop.order("c", 0)


def test_what_is_held_for_no_call_is_not_taken_for_spent(database: Database) -> None:
    shop = Shop(database, usd=1.0)
    holds = Holds(database)
    shop.order("a", 0.6)
    holds.hold_rest("a", "llm", 0.01)  # a first call, at all that there is; its process died
    shop.generations.close(shop.generations.get("a"))
    shop.sweep()
    assert shop.left() == 0.4, "nobody has looked whether it was spent"
    assert not holds.reconcile("a", 0)
    shop.sweep()
    assert shop.left() == 0.4
    assert holds.reconcile("a", -1)
    shop.sweep()
    assert shop.left() == 1.0


def test_what_was_not_spent_is_given_back_once(database: Database) -> None:
    shop = Shop(database, usd=1.0, all_usd=2.0)
    shop.order("w", 0.8)
    shop.sweep()
    assert shop.left() == 0.2  # it goes on
    shop.end("w", 0.25)
    for _ in range(3):
        shop.sweep()
    assert shop.left() == 0.75
    assert round(shop.allowances.spent_today(), 6) == 0.25


def test_a_world_that_goes_on_holds_anew(database: Database) -> None:
    shop = Shop(database, usd=1.0)
    shop.order("w", 0.8)
    shop.end("w", 0.3)
    # The day after: what it spent stays with its day, what it may still spend is held of the new one.
    shop.now += timedelta(days=1)
    shop.allowances.hold_again("w", 0.01, 9)
    assert (shop.left(), shop.budget("w")) == (0.5, 0.8)
    database.generations.update_one({"_id": "w"}, {"$set": {"open": True}, "$inc": {"run": 1}})
    shop.end("w", 0.5)
    shop.sweep()
    assert shop.left() == 0.8
    shop.now -= timedelta(days=1)
    assert shop.left() == 0.7


def test_a_budget_shrinks_to_what_the_day_has_left(database: Database) -> None:
    shop = Shop(database, usd=1.0)
    shop.order("w", 0.8)
    shop.end("w", 0.1)
    shop.sweep()
    shop.order("other", 0.7)
    shop.allowances.hold_again("w", 0.01, 9)
    assert (shop.left(), shop.budget("w")) == (0, 0.3)
    # Nothing came of it: it is given back after a while, and another day allows the whole again.
    shop.sweep()
    assert shop.left() == 0
    shop.now += timedelta(seconds=61)
    shop.sweep()
    assert shop.left() == 0.2
    shop.now += timedelta(days=1)
    shop.allowances.hold_again("w", 0.01, 9)
    assert shop.budget("w") == 0.8


def test_two_who_let_a_world_go_on_hold_once(database: Database) -> None:
    shop = Shop(database, usd=1.0)
    shop.order("w", 0.6)
    shop.end("w", 0.2)
    shop.sweep()
    begin = threading.Barrier(6)

    def go_on() -> None:
        begin.wait()
        with contextlib.suppress(ConflictError):
            shop.allowances.hold_again("w", 0.01, 9)

    threads = [threading.Thread(target=go_on) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.left() == 0.4


def test_with_too_little_left_a_world_does_not_go_on(database: Database) -> None:
    shop = Shop(database, usd=1.0)
    shop.order("w", 0.5)
    shop.end("w", 0.1)
    shop.sweep()
    shop.order("other", 0.89)
    with pytest.raises(AllowanceExceeded, match=r"Today left: \$0\.01"):
        shop.allowances.hold_again("w", 0.05, 9)
    assert shop.budget("w") == 0.5


def test_a_world_of_before_gets_a_budget_when_it_goes_on(database: Database) -> None:
    Shop(database).order("old", 0)
    database.generations.update_one(
        {"_id": "old"},
        {"$set": {"budget_usd": None, "open": False}, "$unset": {"allowance": "", "person": ""}},
    )
    shop = Shop(database, all_usd=1.0)
    shop.allowances.hold_again("old", 0.01, 0.4)
    assert (shop.budget("old"), shop.left()) == (0.4, 0.6)


def test_a_person_may_have_limits_of_their_own(database: Database) -> None:
    shop = Shop(database, worlds=1, usd=1.0, all_usd=10.0)
    shop.allowances.set_caps("ada", worlds=3)
    assert shop.allowances.caps_of("ada") == Caps(3, 1.0, 10.0)
    shop.allowances.set_caps("ada", usd=0)
    with pytest.raises(AllowanceExceeded):
        shop.order("w", 0.01)
    shop.allowances.forget_caps("ada")
    shop.order("w", 0.01)
    assert shop.allowances.caps_of(None) == Caps(all_usd=10.0)
