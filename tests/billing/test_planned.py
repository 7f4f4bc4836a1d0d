"""Planned calls: held with the order, once, so that most calls need no hold of their own."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from generia_worker.billing.calls import MeteredCalls, TextQuestion
from generia_worker.billing.prices import PriceTable
from generia_worker.billing.requests import PaidCall
from generia_worker.client.order import Order
from generia_worker.errors import BudgetExceeded, TransientError, WorldCancelled
from generia_worker.providers.llm import ChatAnswer, ChatRequest, Message
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database
from tests.books import WORLD, Books

QUESTION = TextQuestion((Message("user", "?"),), "post", {}, {}, "", 100)
PLANNED = {"llm": 2, "images": 0}


class Llm:
    """A model that answers what it is told to; an exception is raised."""

    model = "m"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: list[Exception] = []

    def complete(self, request: ChatRequest) -> ChatAnswer:
        self.asked.append(request.request_id)
        if self.says:
            raise self.says.pop(0)
        return ChatAnswer("{}", "stop", "m", None, None, Usage(0.01, 1, 1))


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    order = Order(world_id=WORLD, user_prompt="A village of lighthouse keepers", users_count=2, posts_count=3)
    books.generations.accept(order, limits={"llm": 3, "images": 0}, batches=1, planned=PLANNED)
    return books


@pytest.fixture
def llm() -> Llm:
    return Llm()


@pytest.fixture
def calls(books: Books, llm: Llm) -> MeteredCalls:
    slots: Any = SimpleNamespace(hold=nullcontext, pause=lambda _: None)
    images: Any = SimpleNamespace()
    model: Any = llm
    both: dict[Provider, Any] = {"llm": slots, "images": slots}
    return MeteredCalls(
        model, images, books.requests, books.holds, PriceTable(1.0, 1.0, 0.1), books.bills, both, patience_s=1
    )


def call(name: str, *, first: bool = True, planned: bool = True) -> PaidCall:
    return PaidCall(name, WORLD, "describe", is_first_attempt=first, budgeted=False, planned=planned)


def held(books: Books) -> int:
    row = books.database.generations.find_one({"_id": WORLD})
    assert row is not None
    return int(row["reserved"]["llm"])


def test_planned_calls_hold_nothing_and_others_do_beside_them(books: Books, calls: MeteredCalls) -> None:
    calls.text(call("a"), QUESTION)
    calls.text(call("b"), QUESTION)
    assert held(books) == 2
    calls.text(call("again", planned=False), QUESTION)
    assert held(books) == 3
    with pytest.raises(BudgetExceeded, match="limit of 3 text calls"):
        calls.text(call("more", planned=False), QUESTION)
    assert not books.holds.reconcile(WORLD, 0)
    assert not books.holds.reconcile(WORLD, 0), "what is held is what the plan and the calls say"
    assert held(books) == 3


def test_what_was_refused_is_still_planned(books: Books, calls: MeteredCalls, llm: Llm) -> None:
    llm.says = [TransientError("429"), TransientError("429")]
    for _ in range(2):
        with pytest.raises(TransientError):
            calls.text(call("a", first=not llm.asked), QUESTION)
    calls.text(call("a", first=False), QUESTION)
    assert len(llm.asked) == 3
    assert held(books) == 2


def test_what_may_have_been_billed_is_held_anew(books: Books, calls: MeteredCalls, llm: Llm) -> None:
    llm.says = [TransientError("cut off", outcome_unknown=True)]
    with pytest.raises(TransientError):
        calls.text(call("a"), QUESTION)
    calls.text(call("a", first=False), QUESTION)
    assert held(books) == 3
    llm.says = [TransientError("cut off", outcome_unknown=True)]
    with pytest.raises(TransientError):
        calls.text(call("b"), QUESTION)
    with pytest.raises(BudgetExceeded):
        calls.text(call("b", first=False), QUESTION)


def test_no_planned_call_of_a_cancelled_world_is_made(books: Books, calls: MeteredCalls, llm: Llm) -> None:
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    with pytest.raises(WorldCancelled):
        calls.text(call("a"), QUESTION)
    assert llm.asked == []
    assert books.database.requests.count_documents({}) == 0


def test_a_cancel_is_noticed_half_a_second_later_at_the_latest(database: Database, books: Books) -> None:
    now = 0.0
    books = Books(database, clock=lambda: now)
    books.holds.admit(WORLD)
    database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    books.holds.admit(WORLD)
    now = 0.6
    with pytest.raises(WorldCancelled):
        books.holds.admit(WORLD)
    database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": False}})
    books.holds.admit(WORLD)
