"""Settling on a real MongoDB: exact counters, whoever asks and however often."""

from __future__ import annotations

import threading

import pytest

from generia_worker.billing.prices import Usage
from generia_worker.billing.requests import Intent, Requests
from generia_worker.client.order import Order
from generia_worker.client.status import GenerationStatus, WorldStatus
from generia_worker.engine.generations import Generations, RecentOrders
from generia_worker.engine.ledger import Claim, Ledger
from generia_worker.engine.step import (
    INITIALIZE,
    Step,
    StepKind,
    StepState,
    opening_steps,
    steps_after_cast,
)
from generia_worker.errors import BudgetExceeded, ConflictError, NotFoundError
from generia_worker.status.projection import Status
from generia_worker.storage.database import Database

WORLD = "w1"
ORDER = Order(
    world_id=WORLD, user_prompt="кошки правят миром $x.y {{a}}", users_count=2, posts_count=3, budget=0.01
)


class Books:
    """All repositories over one database, with one world ordered."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.generations = Generations(database)
        self.ledger = Ledger(database, lease_s=20)
        self.requests = Requests(database)
        self.status = Status(database, self.generations, self.ledger)
        self.generations.accept(ORDER, limits={"llm": 3, "images": 2}, batches=1)

    def bill(self, request_id: str, cost: float | None, provider: str = "llm") -> None:
        intent = Intent(request_id, WORLD, "describe", request_id, provider, "m", 0.001)  # type: ignore[arg-type]
        self.requests.begin(intent)
        self.requests.record_answer(intent, Usage(cost), {"content": "x"})

    def now(self) -> GenerationStatus:
        self.status.settle(WORLD)
        return GenerationStatus.model_validate(self.status.get(WORLD))


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def finish_all(books: Books) -> None:
    for step, state in books.ledger.states(WORLD).items():
        if not state.is_final:
            claim = books.ledger.claim(WORLD, step, "me")
            assert isinstance(claim, Claim)
            books.ledger.commit(claim, {})


def test_an_order_that_nothing_has_started_is_pending(books: Books) -> None:
    status = GenerationStatus.model_validate(books.status.get(WORLD))
    assert status.status is WorldStatus.PENDING
    assert (status.tasks_total, status.task_predicted) == (0, 6 + 4 + 2 + 6)
    assert status.parameters.user_prompt == ORDER.user_prompt
    assert books.database.status.count_documents({}) == 0
    with pytest.raises(NotFoundError):
        books.status.get("w2")


def test_a_world_from_begin_to_end(books: Books) -> None:
    books.ledger.add(WORLD, opening_steps(1), 1)
    status = books.now()
    assert (status.tasks_total, status.task_predicted) == (6, 12)
    books.database.transaction(lambda session: books.generations.store_shares(WORLD, [2, 1], session))
    books.ledger.add(WORLD, steps_after_cast([2, 1]), 1)
    status = books.now()
    assert (status.tasks_total, status.task_predicted) == (18, 0)
    finish_all(books)
    status = books.now()
    assert status.status is WorldStatus.COMPLETED
    assert (status.users_created, status.posts_created, status.tasks_completed) == (2, 3, 18)
    assert {stage.status for stage in status.stages} == {WorldStatus.COMPLETED}
    assert books.generations.open_worlds() == []


def test_settling_twice_or_by_many_at_once_counts_once(books: Books) -> None:
    books.ledger.add(WORLD, opening_steps(1), 1)
    for i in range(40):
        books.bill(f"r{i}", 0.1)
    threads = [threading.Thread(target=books.status.settle, args=(WORLD,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    finish_all(books)
    for thread in threads:
        thread.join()
    first, again = books.now(), books.now()
    assert first.api_calls_made_LLM == 40
    assert first.llm_cost_total == pytest.approx(4.0, abs=1e-9)
    assert first.tasks_completed == 6
    assert again == first


def test_every_kind_of_call_is_counted_as_what_it_is(books: Books) -> None:
    books.bill("known", 0.25)
    books.bill("unknown", None)
    books.bill("drawn", 0.0006, "images")
    for name in ("refused", "lost"):
        books.requests.begin(Intent(name, WORLD, "describe", name, "llm", "m", 0.001))
    books.requests.mark_refused("refused", "429")
    books.requests.mark_ambiguous("lost", "llm", "timeout")
    status = books.now()
    assert (status.api_calls_made_LLM, status.api_calls_made_images) == (3, 1)
    assert (status.llm_cost_total, status.image_cost_total) == (0.25, 0.0006)
    assert (status.ambiguous_calls_LLM, status.unknown_cost_calls) == (1, 1)


def test_a_late_answer_turns_an_ambiguous_call_into_a_billed_one(books: Books) -> None:
    intent = Intent("late", WORLD, "describe", "late", "llm", "m", 0.001)
    books.requests.begin(intent)
    books.requests.give_up_on_open("late")
    assert books.now().ambiguous_calls_LLM == 1
    assert books.requests.record_answer(intent, Usage(0.5), {"content": "x"})
    assert not books.requests.record_answer(intent, Usage(0.5), {"content": "x"}), "billed once"
    status = books.now()
    assert (status.ambiguous_calls_LLM, status.api_calls_made_LLM, status.llm_cost_total) == (0, 1, 0.5)
    assert books.requests.answer_of("late") == {"content": "x"}


def test_the_reason_of_a_failure_reaches_the_status(books: Books) -> None:
    steps = opening_steps(1)
    books.ledger.add(WORLD, steps, 1)
    claim = books.ledger.claim(WORLD, steps[0], "me")
    assert isinstance(claim, Claim)
    books.ledger.end_without_result(
        claim, StepState.FAILED, {"reason": "no such world", "kind": "X"}, steps[1:]
    )
    status = books.now()
    assert status.status is WorldStatus.FAILED
    assert status.error is not None
    assert status.error.reason == "no such world"


def test_an_order_is_accepted_once(books: Books) -> None:
    again, new = books.generations.accept(ORDER, limits={"llm": 9, "images": 9}, batches=1)
    assert not new
    assert again.limits == {"llm": 3, "images": 2}
    with pytest.raises(ConflictError, match="ordered before"):
        books.generations.accept(ORDER.model_copy(update={"posts_count": 4}), limits={}, batches=1)


def test_an_order_is_kept_for_a_moment_but_not_while_its_cast_is_unknown_or_it_is_cancelled(
    books: Books,
) -> None:
    now = 0.0
    recent = RecentOrders(books.generations, clock=lambda: now)
    rows = books.database.generations

    def change(**fields: object) -> None:
        rows.update_one({"_id": WORLD}, {"$set": fields})

    assert recent.get(WORLD).shares is None
    change(shares=[2, 1], cancelled=True)
    assert recent.get(WORLD).cancelled
    change(cancelled=False)
    assert not recent.get(WORLD).cancelled, "a resumed world would be ended again"
    change(cancelled=True)
    assert not recent.get(WORLD).cancelled, "it was read again at once"
    now = 2.5
    assert recent.get(WORLD).cancelled


def test_limits_and_budget_hold_against_many_at_once(books: Books) -> None:
    outcomes: list[bool] = []

    def try_once() -> None:
        try:
            books.generations.reserve(WORLD, "llm", 0.004)
            outcomes.append(True)
        except BudgetExceeded:
            outcomes.append(False)

    threads = [threading.Thread(target=try_once) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 2, "a budget of $0.01 has room for two calls of $0.004"
    with pytest.raises(BudgetExceeded, match=r"budget of \$0.0100"):
        books.generations.reserve(WORLD, "llm", 0.004)
    books.generations.adjust(WORLD, "llm", calls=0, usd=-0.003)
    books.generations.reserve(WORLD, "llm", 0.004)
    with pytest.raises(BudgetExceeded, match="limit of 3 text calls"):
        books.generations.reserve(WORLD, "llm", 0)


def test_a_post_is_told_once_although_it_was_settled_while_it_was_made(books: Books) -> None:
    picture = Step(StepKind.PICTURE, 1, 1)
    books.ledger.add(WORLD, steps_after_cast([1]), 1)
    claim = books.ledger.claim(WORLD, picture, "me")
    assert isinstance(claim, Claim)
    while_made = books.now().revision
    books.ledger.commit(claim, {"post_id": "p1"})
    assert books.ledger.posts_settled(WORLD, 0, while_made) == []
    counted = books.now().revision
    assert books.ledger.posts_settled(WORLD, 0, counted) == [(counted, "p1")]
    assert books.ledger.posts_settled(WORLD, counted, counted + 1) == []


def test_a_claim_is_shown_and_leaves_the_step_to_its_owner(books: Books) -> None:
    books.ledger.add(WORLD, opening_steps(1), 1)
    before = books.now()
    claim = books.ledger.claim(WORLD, INITIALIZE, "me")
    assert isinstance(claim, Claim)
    assert not books.ledger.unsettled_worlds(), (
        "a settling would write the row that the owner is about to write"
    )
    after = books.now()
    assert (before.status, after.status) == (WorldStatus.PENDING, WorldStatus.IN_PROGRESS)
    assert after.stages[0].status is WorldStatus.IN_PROGRESS
    assert after.revision == before.revision + 1
    assert books.now().revision == after.revision


def test_names_are_those_of_a_moment_ago(database: Database) -> None:
    now = [0.0]
    ledger = Ledger(database, lease_s=20, clock=lambda: now[0])
    ledger.add(WORLD, steps_after_cast([1]), 1)
    character = Step(StepKind.CHARACTER, 1)
    assert ledger.names(WORLD) == {}
    claim = ledger.claim(WORLD, character, "me")
    assert isinstance(claim, Claim)
    detail = {"display_name": "Фёкла", "username": "fyokla", "secret": "x"}
    ledger.commit(claim, {"detail": detail, "character_id": "c1"})
    assert ledger.names(WORLD) == {}
    now[0] = 2.1
    assert ledger.names(WORLD) == {character: {"display_name": "Фёкла", "username": "fyokla"}}
