"""The status document on a real MongoDB: exact counters, whoever asks and however often."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from pymongo.errors import NetworkTimeout, OperationFailure, WTimeoutError

from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.client.order import Order
from generia_worker.client.status import GenerationStatus, WorldStatus
from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Census, Failure, StepState
from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database, Document
from generia_worker.worlds.results import PublishedPost
from generia_worker.worlds.steps import DESCRIBE, ILLUSTRATE, INITIALIZE, PICTURE, POST, STEPS
from tests.books import WORLD, Books, in_parallel

PROMPT = "кошки правят миром $x.y {{a}}"


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.order(prompt=PROMPT, budget=0.01, limits={"llm": 3, "images": 2})
    return books


def intent(request_id: str, provider: Provider = "llm") -> Intent:
    return Intent(request_id, PaidCall(request_id, WORLD, "describe"), provider, "m", 0.001)


def bill(books: Books, request_id: str, cost: float | None, provider: Provider = "llm") -> None:
    begun = intent(request_id, provider)
    books.requests.begin(begun)
    assert books.requests.record_answer(begun, Usage(cost), {"content": "x"})


def test_an_order_that_nothing_has_started_is_pending(books: Books) -> None:
    status = GenerationStatus.model_validate(books.status.get(WORLD))
    assert status.status is WorldStatus.PENDING
    assert (status.tasks_total, status.task_predicted) == (0, 6 + 4 + 2 + 6)
    assert status.parameters.user_prompt == PROMPT
    assert books.database.status.count_documents({}) == 0
    with pytest.raises(NotFoundError):
        books.status.get("w2")


def test_a_world_from_begin_to_end(books: Books) -> None:
    books.open()
    status = books.told()
    assert (status.tasks_total, status.task_predicted) == (6, 12)
    books.cast([2, 1])
    status = books.told()
    assert (status.tasks_total, status.task_predicted) == (18, 0)
    books.finish_all()
    status = books.told()
    assert status.status is WorldStatus.COMPLETED
    assert (status.users_created, status.posts_created, status.tasks_completed) == (2, 3, 18)
    assert {stage.status for stage in status.stages} == {WorldStatus.COMPLETED}
    assert books.generations.open_worlds() == []


def test_projecting_twice_or_by_many_at_once_counts_once(books: Books) -> None:
    books.open()
    for i in range(40):
        bill(books, f"r{i}", 0.1)
    threads = [threading.Thread(target=books.refresh.refresh, args=(WORLD,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    books.finish_all()
    for thread in threads:
        thread.join()
    first, again = books.told(), books.told()
    assert first.api_calls_made_LLM == 40
    assert first.llm_cost_total == pytest.approx(4.0, abs=1e-9)
    assert first.tasks_completed == 6
    assert again == first


def test_every_kind_of_call_is_counted_as_what_it_is(books: Books) -> None:
    bill(books, "known", 0.25)
    bill(books, "unknown", None)
    bill(books, "drawn", 0.0006, "images")
    for name in ("refused", "lost"):
        books.requests.begin(intent(name))
    assert books.requests.mark_refused("refused", "llm", "429")
    books.requests.mark_ambiguous("lost", "llm", "timeout")
    status = books.told()
    assert (status.api_calls_made_LLM, status.api_calls_made_images) == (3, 1)
    assert (status.llm_cost_total, status.image_cost_total) == (0.25, 0.0006)
    assert (status.ambiguous_calls_LLM, status.unknown_cost_calls) == (1, 1)


def test_a_late_answer_turns_an_ambiguous_call_into_a_billed_one(books: Books) -> None:
    late = intent("late")
    books.requests.begin(late)
    books.requests.give_up_on_open(late.call)
    assert books.told().ambiguous_calls_LLM == 1
    assert books.requests.record_answer(late, Usage(0.5), {"content": "x"})
    assert not books.requests.record_answer(late, Usage(0.5), {"content": "x"}), "billed once"
    status = books.told()
    assert (status.ambiguous_calls_LLM, status.api_calls_made_LLM, status.llm_cost_total) == (0, 1, 0.5)
    assert books.requests.answer_of("late") == {"content": "x"}


def test_the_reason_of_a_failure_reaches_the_status(books: Books) -> None:
    books.open()
    first, *rest = STEPS.opening(1)
    failure = Failure(reason="no such world", kind="X")
    books.ledger.end_without_result(books.claim(first), StepState.FAILED, failure, rest)
    status = books.told()
    assert status.status is WorldStatus.FAILED
    assert status.error is not None
    assert (status.error.step, status.error.reason) == ("initialize", "no such world")


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [(POST, "1 of 3 posts could not be made: "), (ILLUSTRATE, "Not everything could be made: ")],
)
def test_a_completed_world_says_what_it_lacks_and_why(books: Books, kind: StepSpec[Any], lacks: str) -> None:
    books.open()
    books.cast([2, 1])
    failed = kind.step(*([1, 1] if kind is POST else []))
    states = books.rows.states(WORLD)
    gone = [failed, *STEPS.dependents(failed, states)]
    failure = Failure(reason="It was refused.", kind="PermanentError")
    books.ledger.end_without_result(books.claim(failed), StepState.FAILED, failure, gone[1:])
    for step in states:
        if step not in gone:
            books.finish(step)
    status = books.told()
    assert status.is_incomplete
    assert status.error is not None
    assert (status.error.step, status.error.reason) == (failed.name, f"{lacks}It was refused.")


def test_an_order_is_accepted_once(books: Books) -> None:
    order = Order(world_id=WORLD, user_prompt=PROMPT, users_count=2, posts_count=3, budget=0.01)
    again, new = books.generations.accept(order, limits={"llm": 9, "images": 9}, batches=1)
    assert not new
    assert again.limits == {"llm": 3, "images": 2}
    with pytest.raises(ConflictError, match="ordered before"):
        books.generations.accept(order.model_copy(update={"posts_count": 4}), limits={}, batches=1)


def test_a_generation_is_kept_for_a_moment_but_not_while_its_cast_is_unknown_or_it_is_cancelled(
    database: Database,
) -> None:
    now = 0.0
    books = Books(database, clock=lambda: now)
    books.order()

    def change(**fields: object) -> None:
        database.generations.update_one({"_id": WORLD}, {"$set": fields})

    recent = books.generations.recent
    assert recent(WORLD).rounds[0].shares is None
    change(shares=[2, 1], cancelled=True)
    assert recent(WORLD).cancelled
    change(cancelled=False)
    assert not recent(WORLD).cancelled, "a resumed world would be ended again"
    change(cancelled=True)
    assert not recent(WORLD).cancelled, "it was read again at once"
    now = 2.5
    assert recent(WORLD).cancelled


def test_a_post_is_found_by_any_revision_from_before_it_was_made(books: Books) -> None:
    books.cast([1])
    claim = books.claim(PICTURE.step(1, 1))
    while_made = books.told().revision
    assert books.status.posts_since({WORLD: 0})[WORLD] == []
    books.ledger.commit(claim, PublishedPost(post_id="p1", media_id="m1"))
    (post,) = books.status.posts_since({WORLD: while_made})[WORLD]
    assert (post.post_id, post.at) == ("p1", books.row(PICTURE.step(1, 1))["finished_at"])
    counted = books.told().revision
    assert books.status.posts_since({WORLD: counted})[WORLD] == [post], (
        "a reader may have looked before it was visible"
    )
    assert books.status.posts_since({WORLD: counted + 60_000})[WORLD] == []
    assert books.status.posts_since({WORLD: 7})[WORLD] == [post], (
        "a revision of a version that counted from 1"
    )


def test_a_claim_is_shown(books: Books) -> None:
    books.open()
    before = books.told()
    books.claim(INITIALIZE.step())
    after = books.told()
    assert (before.status, after.status) == (WorldStatus.PENDING, WorldStatus.IN_PROGRESS)
    assert after.stages[0].status is WorldStatus.IN_PROGRESS
    assert after.revision > before.revision
    assert books.told() == after, "nothing changed, nothing is written"


# --- in the way of others --------------------------------------------------------------------------------------------
class Troubled:
    """The collection of status documents, whose writes meet a conflict or a timeout at random; some count all the same."""

    def __init__(self, rows: Any, seed: int) -> None:
        self._rows = rows
        self._random = random.Random(seed)
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def replace_one(self, *args: Any) -> Any:
        return self._write(lambda: self._rows.replace_one(*args))

    def bulk_write(self, replacements: list[Any], *, ordered: bool) -> Any:
        half = replacements[: len(replacements) // 2] if self._random.random() < 0.3 else replacements
        return self._write(lambda: self._rows.bulk_write(half, ordered=ordered))

    def _write(self, write: Callable[[], Any]) -> Any:
        draw = self._random.random()
        if draw < 0.3:
            self.failed += 1
            raise OperationFailure("WriteConflict", code=112)
        written = write()
        if draw < 0.6:
            self.failed += 1
            raise NetworkTimeout("timed out")
        return written


def test_a_status_whose_writes_fail_at_random_tells_all_and_never_goes_back(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled = Troubled(books.database.status, seed=3)
    monkeypatch.setattr(books.status, "_rows", troubled)
    books.cast([20])
    seen = [books.told()]
    for number in range(1, 21):
        books.finish(POST.step(1, number))
        in_parallel(lambda _: books.refresh.refresh(WORLD), 3)
        seen.append(books.told())
        assert seen[-1].tasks_completed == number
    assert troubled.failed > 20
    revisions = [status.revision for status in seen]
    assert revisions == sorted(set(revisions))


def test_worlds_that_are_projected_together_meet_no_other_end(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = [f"together-{number}" for number in range(6)]
    for world in worlds:
        books.order(world)
        books.open(world_id=world)
    monkeypatch.setattr(books.status, "_rows", Troubled(books.database.status, seed=5))
    steps: list[StepSpec[Any]] = [INITIALIZE, DESCRIBE, ILLUSTRATE]
    for done, step in enumerate(steps, start=1):
        for world in worlds[:-done]:
            books.finish(step.step(), world_id=world)
        found = books.refresh.refresh_many([*worlds, "never ordered"])
        assert set(found) == set(worlds)
        told = books.status.get_many(worlds)
        assert [told[world]["tasks_completed"] for world in worlds[:-done]] == [done] * (6 - done)
        # Nothing is written of those of which nothing has changed.
        revisions = {world: told[world]["revision"] for world in worlds}
        books.refresh.refresh_many(worlds)
        assert {w: one["revision"] for w, one in books.status.get_many(worlds).items()} == revisions


def test_a_world_that_cannot_be_told_is_no_matter_of_the_others(books: Books) -> None:
    for world in ("sound", "damaged"):
        books.order(world)
        books.open(world_id=world)
    books.database.generations.update_one({"_id": "damaged"}, {"$unset": {"limits": True}})
    assert set(books.refresh.refresh_many(["damaged", "sound"])) == {"sound"}
    assert books.status.get("sound")["tasks_total"] == 6


def test_a_projection_that_saw_less_never_replaces_one_that_saw_more(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.cast([3])
    books.told()
    censuses = books.rows.censuses
    looked: list[Mapping[str, Census]] = []

    def slow_censuses(world_ids: Sequence[str]) -> Mapping[str, Census]:
        found = censuses(world_ids)
        if not looked:
            looked.append(found)
            books.finish(POST.step(1, 1))
            assert books.told().tasks_completed == 1, "another one, meanwhile"
        return found

    monkeypatch.setattr(books.rows, "censuses", slow_censuses)
    assert books.told().tasks_completed == 1


def test_a_status_that_can_never_be_written_is_an_error(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationFailure("WriteConflict", code=112)

    books.told()
    books.open()
    with monkeypatch.context() as patched:
        patched.setattr(books.status, "_replace", fail)
        with pytest.raises(OperationFailure):
            books.told()
        patched.setattr(books.status, "_replace", lambda *_: ())
        with pytest.raises(WTimeoutError, match="too many"):
            books.told()
    assert books.told().tasks_total == 6


def test_a_world_that_is_reopened_while_it_is_projected_stays_open(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.open()
    books.finish_all()
    document = books.status._document

    def reopened_meanwhile(*args: Any) -> Document:
        books.database.generations.update_one({"_id": WORLD}, {"$inc": {"run": 1}})
        return document(*args)

    with monkeypatch.context() as patched:
        patched.setattr(books.status, "_document", reopened_meanwhile)
        books.refresh.refresh(WORLD)
    assert books.generations.open_worlds() == [WORLD]
    books.refresh.refresh(WORLD)
    assert books.generations.open_worlds() == []


def test_a_late_answer_of_a_world_that_has_ended_is_found(books: Books) -> None:
    late = intent("late")
    books.requests.begin(late)
    assert books.requests.record_answer(intent("other"), Usage(0.1), {}) is None, "it was never begun"
    books.requests.give_up_on_open(late.call)
    assert books.requests.late() == []
    assert books.requests.record_answer(late, Usage(0.5), {"content": "x"})
    assert books.requests.late() == [(WORLD, "late")]
    books.requests.counted(["late"])
    assert books.requests.late() == []


# --- what a refresh does besides ---------------------------------------------------------------------------------------
def test_what_is_pending_of_a_cancelled_world_is_cancelled_once_it_is_refreshed(books: Books) -> None:
    books.cast([1])
    held = books.claim(POST.step(1, 1))
    books.open()
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    status = books.told()
    assert (status.status, status.tasks_cancelled) == (WorldStatus.IN_PROGRESS, 5 + 4)
    books.ledger.end_without_result(held, StepState.CANCELLED, {"reason": "cancelled", "kind": "X"}, [])
    assert books.refresh.refresh(WORLD).ready_to_finish
    books.finish_all()
    status = books.told()
    assert (status.status, status.tasks_cancelled) == (WorldStatus.CANCELLED, 10)
    assert books.generations.open_worlds() == []


def test_a_world_that_ended_and_was_refreshed_by_many_is_closed_once_and_stays(books: Books) -> None:
    books.open()
    books.finish_all()
    in_parallel(lambda _: books.refresh.refresh(WORLD), 6)
    assert books.generations.open_worlds() == []
    told = books.told()
    assert (told.status, told.tasks_completed) == (WorldStatus.FAILED, 6), "nobody lives in it"
