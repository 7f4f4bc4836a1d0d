"""Holds on a real MongoDB: limits and budget against many at once, and the differences that processes leave that die."""

from __future__ import annotations

import pytest

from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.errors import BudgetExceeded, WorldCancelled
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database
from tests.books import WORLD, Books, in_parallel

EXACT = 1e-12
PATIENCE_S = 20


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.order(budget=0.01, limits={"llm": 3, "images": 2})
    return books


def reserved(books: Books) -> dict[str, float]:
    row = books.database.generations.find_one({"_id": WORLD})
    assert row is not None
    held: dict[str, float] = row["reserved"]
    return held


def holds(llm: int = 0, images: int = 0, usd: float = 0.0) -> object:
    return pytest.approx({"llm": llm, "images": images, "usd": usd}, abs=EXACT)


def attempts(books: Books, provider: Provider, usd: float, count: int) -> int:
    """Try to hold so many calls at once; return how many were granted."""
    granted: list[bool] = []

    def try_once(_: int) -> None:
        try:
            books.holds.hold(WORLD, provider, usd)
            granted.append(True)
        except BudgetExceeded:
            granted.append(False)

    in_parallel(try_once, count)
    assert len(granted) == count
    return granted.count(True)


# --- limits and budget -----------------------------------------------------------------------------------------------
def test_limits_and_budget_hold_against_many_at_once(books: Books) -> None:
    assert attempts(books, "llm", 0.004, 12) == 2, "a budget of $0.01 has room for two calls of $0.004"
    with pytest.raises(BudgetExceeded, match=r"budget of \$0.0100 is reached: \$0.0080 is .* up to \$0.0040"):
        books.holds.hold(WORLD, "llm", 0.004)
    books.holds.capture(WORLD, 0.004, 0.001, since=0)
    books.holds.hold(WORLD, "llm", 0.004)
    with pytest.raises(BudgetExceeded, match="limit of 3 text calls"):
        books.holds.hold(WORLD, "llm", 0)
    assert reserved(books) == holds(llm=3, usd=0.009)


def test_each_provider_has_a_limit_of_its_own(books: Books) -> None:
    assert attempts(books, "images", 0.0001, 8) == 2
    with pytest.raises(BudgetExceeded, match="limit of 2 image calls"):
        books.holds.hold(WORLD, "images", 0.0001)
    books.holds.hold(WORLD, "llm", 0.001)


def test_a_budget_may_be_spent_to_its_end(books: Books) -> None:
    for _ in range(3):
        books.holds.hold(WORLD, "llm", 0.01 / 3)
    with pytest.raises(BudgetExceeded, match="budget"):
        books.holds.hold(WORLD, "images", 0.0001)


def test_without_a_budget_only_calls_are_counted(database: Database) -> None:
    books = Books(database)
    books.order(limits={"llm": 3, "images": 2})
    assert attempts(books, "llm", 1000.0, 8) == 3


def test_a_refused_call_gives_everything_back(books: Books) -> None:
    books.holds.hold(WORLD, "images", 0.004)
    books.holds.release(WORLD, "images", 0.004, since=0)
    assert reserved(books) == holds()
    assert attempts(books, "images", 0.004, 4) == 2


def test_a_billed_call_keeps_its_bill_and_its_place(books: Books) -> None:
    books.holds.hold(WORLD, "llm", 0.004)
    books.holds.capture(WORLD, 0.004, 0.0005, since=0)
    assert reserved(books) == holds(llm=1, usd=0.0005)


def test_of_a_cancelled_world_nothing_is_held(books: Books) -> None:
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    with pytest.raises(WorldCancelled):
        books.holds.hold(WORLD, "llm", 0)
    assert reserved(books) == holds()


# --- what comes back -------------------------------------------------------------------------------------------------
def test_a_full_budget_may_have_room_again(books: Books) -> None:
    """While a call is in flight, between its bill and the end of its hold, and after its process died; else it has none."""
    books.holds.hold(WORLD, "llm", 0.01)
    assert books.holds.may_fit(WORLD, "llm", 0.001), "nobody begins that call, but for a process that died"
    books.holds.release(WORLD, "llm", 0.01, since=0)
    intent = begin(books, "r1", 0.01)
    assert books.holds.may_fit(WORLD, "llm", 0.001)
    assert books.requests.record_answer(intent, Usage(0.0098), {"content": "x"}) == "answered"
    assert books.holds.may_fit(WORLD, "llm", 0.001), "what is held is not the bill yet"
    books.holds.capture(WORLD, intent.held_usd, 0.0098, since=0)
    assert not books.holds.may_fit(WORLD, "llm", 0.001)
    with pytest.raises(BudgetExceeded):
        books.holds.hold(WORLD, "llm", 0.001)
    assert books.holds.may_fit(WORLD, "llm", 0.0002), "it may have been refused before that end"
    books.holds.hold(WORLD, "images", 0.0002)
    drawn = Intent("r2", PaidCall("r2", WORLD, "picture"), "images", "m", 0.0002)
    books.requests.begin(drawn)
    assert books.requests.record_answer(drawn, Usage(0.0002), {}) == "answered"
    with pytest.raises(BudgetExceeded):
        books.holds.hold_rest(WORLD, "llm", 0.0)
    assert not books.holds.may_fit(WORLD, "llm", 0.0), "what is refused at no price is not waited for either"


# --- differences -----------------------------------------------------------------------------------------------------
def begin(books: Books, request_id: str, usd: float = 0.002, provider: Provider = "llm") -> Intent:
    """A call that is about to be made: its row and its hold."""
    intent = Intent(request_id, PaidCall(request_id, WORLD, "describe"), provider, "m", usd)
    books.requests.begin(intent)
    books.holds.hold(WORLD, provider, intent.held_usd)
    return intent


def reconcile(books: Books, *, after_s: float) -> bool:
    """Look once, and again when so much time has passed since the difference was seen."""
    first = books.holds.reconcile(WORLD, PATIENCE_S)
    assert not first, "a difference that was just seen may be a call that is being begun"
    books.database.generations.update_one(
        {"_id": WORLD, "drift.since": {"$type": "date"}},
        [{"$set": {"drift.since": {"$subtract": ["$drift.since", int(after_s * 1000)]}}}],
    )
    return books.holds.reconcile(WORLD, PATIENCE_S)


def test_calls_whose_rows_and_holds_agree_are_no_difference(books: Books) -> None:
    billed, refused = begin(books, "billed"), begin(books, "refused")
    begin(books, "open", 0.003, "images")
    assert books.requests.record_answer(billed, Usage(0.0005), {"content": "x"})
    books.holds.capture(WORLD, billed.held_usd, 0.0005, since=0)
    assert books.requests.mark_refused("refused", "llm", "429")
    books.holds.release(WORLD, "llm", refused.held_usd, since=0)
    before = reserved(books)
    assert before == holds(llm=1, images=1, usd=0.0035)
    assert not reconcile(books, after_s=3600)
    assert reserved(books) == before


def test_a_hold_without_its_call_is_given_back(books: Books) -> None:
    begin(books, "open")
    books.holds.hold(WORLD, "images", 0.003)  # its process died before the row, or withdrew the row and died
    assert reconcile(books, after_s=PATIENCE_S + 1)
    assert reserved(books) == holds(llm=1, usd=0.002)
    assert not books.holds.reconcile(WORLD, PATIENCE_S)


def test_a_call_without_its_hold_is_held_after_all(books: Books) -> None:
    intent = Intent("r1", PaidCall("r1", WORLD, "describe"), "llm", "m", 0.002)
    books.requests.begin(intent)
    assert reconcile(books, after_s=PATIENCE_S + 1)
    assert reserved(books) == holds(llm=1, usd=0.002)


@pytest.mark.parametrize(("cost", "due"), [(0.0005, 0.0005), (None, 0.002)])
def test_a_bill_that_was_not_captured_is(books: Books, cost: float | None, due: float) -> None:
    intent = begin(books, "r1")
    assert books.requests.record_answer(intent, Usage(cost), {"content": "x"})
    assert reconcile(books, after_s=PATIENCE_S + 1) is (cost is not None)
    assert reserved(books) == holds(llm=1, usd=due)


@pytest.mark.parametrize("comes", ["a bill", "a refusal"])
def test_what_was_reconciled_is_not_given_back_once_more(books: Books, comes: str) -> None:
    """Its process was not dead but frozen, or waited for MongoDB: it goes on where it stood."""
    intent = begin(books, "r1")
    if comes == "a bill":
        assert books.requests.record_answer(intent, Usage(0.0005), {"content": "x"})
    else:
        assert books.requests.mark_refused("r1", "llm", "429")
    assert reconcile(books, after_s=PATIENCE_S + 1)
    due = reserved(books)
    if comes == "a bill":
        books.holds.capture(WORLD, intent.held_usd, 0.0005, since=0)
    else:
        books.holds.release(WORLD, "llm", intent.held_usd, since=0)
    assert reserved(books) == due
    assert books.holds.reconciliations(WORLD) == 1
    # What was held since then is given back as ever.
    assert books.holds.hold(WORLD, "llm", 0.002) == 1
    books.holds.release(WORLD, "llm", 0.002, since=1)
    assert reserved(books) == due


def test_an_ambiguous_call_keeps_its_hold_and_a_refused_one_does_not(books: Books) -> None:
    begin(books, "ambiguous", 0.002)
    books.requests.mark_ambiguous("ambiguous", "llm", "timeout")
    begin(books, "refused", 0.003)
    assert books.requests.mark_refused("refused", "llm", "429")  # and died before it released
    assert reconcile(books, after_s=PATIENCE_S + 1)
    assert reserved(books) == holds(llm=1, usd=0.002)


def test_of_a_world_without_a_budget_only_calls_are_reconciled(database: Database) -> None:
    books = Books(database)
    books.order()
    intent = Intent("r1", PaidCall("r1", WORLD, "describe", budgeted=False), "llm", "m", 5.0)
    books.requests.begin(intent)
    assert intent.held_usd == 0
    assert reconcile(books, after_s=PATIENCE_S + 1)
    assert reserved(books) == holds(llm=1)


def test_a_young_difference_is_left_alone(books: Books) -> None:
    books.holds.hold(WORLD, "llm", 0.003)
    assert not reconcile(books, after_s=PATIENCE_S / 2)
    assert reserved(books) == holds(llm=1, usd=0.003)


def test_a_difference_that_changes_is_young_again(books: Books) -> None:
    books.holds.hold(WORLD, "llm", 0.003)
    assert not reconcile(books, after_s=PATIENCE_S / 2)
    books.holds.hold(WORLD, "llm", 0.003)
    assert not reconcile(books, after_s=PATIENCE_S / 2), "the second is younger than the patience"
    assert reconcile_again(books)
    assert reserved(books) == holds()


def reconcile_again(books: Books) -> bool:
    books.database.generations.update_one(
        {"_id": WORLD}, [{"$set": {"drift.since": {"$subtract": ["$drift.since", 3_600_000]}}}]
    )
    return books.holds.reconcile(WORLD, PATIENCE_S)


def test_a_world_that_has_ended_is_looked_at_until_nothing_differs(books: Books) -> None:
    books.holds.hold(WORLD, "images", 0.003)  # its process died, or never heard that it was held
    books.generations.close(books.generations.get(WORLD))
    assert books.holds.worlds_to_reconcile(10) == [WORLD]
    assert reconcile(books, after_s=PATIENCE_S + 1)
    assert reserved(books) == holds()
    assert books.holds.worlds_to_reconcile(10) == []


def test_a_world_that_has_ended_in_order_is_looked_at_once(books: Books) -> None:
    begin(books, "open")
    books.generations.close(books.generations.get(WORLD))
    assert not books.holds.reconcile(WORLD, PATIENCE_S)
    assert books.holds.worlds_to_reconcile(10) == []


def test_worlds_that_go_on_or_have_a_difference_are_looked_at_in_turn(database: Database) -> None:
    books = Books(database)
    for name in ("a", "b", "c", "d"):
        books.order(name)
    rows = database.generations
    rows.update_many({"_id": {"$in": ["c", "d"]}}, {"$set": {"open": False}})
    rows.update_one({"_id": "d"}, {"$set": {"drift": {"llm": 1}}})
    assert set(books.holds.worlds_to_reconcile(10)) == {"a", "b", "d"}
    (first,) = books.holds.worlds_to_reconcile(1)
    books.holds.reconcile(first, PATIENCE_S)
    assert books.holds.worlds_to_reconcile(10)[-1] == first, "the longest unseen comes first"
