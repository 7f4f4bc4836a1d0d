"""The base task on a real MongoDB: claim, run, commit or apply the decision. Use cases are stubs, and no broker is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import grpc
import pytest
from celery.canvas import Signature
from celery.exceptions import Ignore, Reject
from kombu.exceptions import OperationalError
from pymongo.errors import AutoReconnect, DuplicateKeyError

from generia_worker.app.celery_app import app
from generia_worker.app.container import Container
from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.engine.queues import QUARANTINE
from generia_worker.engine.retry import Attempts, RetryPolicy
from generia_worker.engine.step import Step, StepState
from generia_worker.errors import (
    BudgetExceeded,
    BusyError,
    InvalidAnswerError,
    PermanentError,
    TransientError,
    WorldCancelled,
)
from generia_worker.rpc.status_codes import translate
from generia_worker.settings import Settings
from generia_worker.storage.database import Database
from generia_worker.worlds.context import QUESTIONS_REPEATED, Outcome, Services, StepContext
from generia_worker.worlds.results import FoundWorld, Nothing
from generia_worker.worlds.steps import (
    AVATAR,
    CHARACTER,
    DESCRIBE,
    FINISH,
    ILLUSTRATE,
    INITIALIZE,
    PICTURE,
    PLAN,
    POST,
    STEPS,
)
from tasks import pipeline
from tasks import world as world_tasks
from tasks.base import GenerationTask, StepFailed
from tasks.posts import write_post
from tests.books import WORLD, Books
from tests.tasks.canvases import shape
from tests.worlds.doubles import Recorder

#: Waits that nobody notices. What is longer than the settings allow frees the thread.
POLICY = RetryPolicy(max_retries=3, backoff_s=0.001, backoff_max_s=0.01, outage_max_s=60, draw=lambda: 1.0)
STEP = DESCRIBE.step()
LONG_S = 3600.0
#: What stands behind the step in its chain.
TAIL = [pipeline.step_task(WORLD, ILLUSTRATE.step())]


@pytest.fixture(scope="module")
def shared(servers: Settings) -> Iterator[Database]:
    """One database for all of these tests, which empty it."""
    database = Database(servers.mongo_uri.get_secret_value(), f"test-{uuid4().hex[:12]}", max_pool_size=40)
    database.ensure_indexes()
    yield database
    database.client.drop_database(database.status.database.name)
    database.close()


@pytest.fixture
def container(shared: Database, servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """The resources of one worker process."""
    for rows in (shared.generations, shared.steps, shared.requests, shared.status):
        rows.delete_many({})
    container = Container(servers)
    container.__dict__["database"] = shared
    monkeypatch.setattr("tasks.base.get_container", lambda: container)
    monkeypatch.setattr("tasks.world.get_container", lambda: container)
    monkeypatch.setattr(GenerationTask, "policy", POLICY)
    yield container
    del container.__dict__["database"]
    container.close()


@pytest.fixture
def books(container: Container, shared: Database) -> Books:
    """A world whose first steps are in the ledger."""
    books = Books(shared)
    books.order(users_count=2, posts_count=3)
    books.open()
    return books


@pytest.fixture
def refreshed(container: Container, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The worlds whose status was asked to be refreshed."""
    worlds: list[str] = []
    monkeypatch.setattr("tasks.base.refresh_status", lambda world_id, **_: worlds.append(world_id))
    return worlds


class Stub:
    """A use case that does, attempt after attempt, what it is told: raises an error, or returns a result."""

    def __init__(self, *script: Any) -> None:
        self._script = list(script)
        self.seen: list[StepContext] = []

    def __call__(self, ctx: StepContext, services: Services) -> Outcome:
        self.seen.append(ctx)
        what = self._script.pop(0)
        if callable(what):
            what = what(ctx)
        if isinstance(what, BaseException):
            raise what
        return what if isinstance(what, Outcome) else Outcome(what)


@pytest.fixture(autouse=True)
def nothing_is_sent(refreshed: list[str], published: list[Signature]) -> None:
    """No test of these needs a broker."""


@contextmanager
def message(queue: str) -> Iterator[GenerationTask]:
    """A message that a worker took from a queue, with what its chain goes on with."""
    task: GenerationTask = world_tasks.describe_world
    task.push_request(
        id=uuid4().hex, args=[WORLD], kwargs={}, delivery_info={"routing_key": queue}, chain=TAIL
    )
    try:
        yield task
    finally:
        task.pop_request()


def run(use_case: Stub, step: Step = STEP, queue: str = "llm") -> None:
    with message(queue) as task:
        task.perform(WORLD, step, use_case)


@contextmanager
def goes_back() -> Iterator[None]:
    """Expect that the message goes back to its queue."""
    with pytest.raises(Reject) as caught:
        yield
    assert vars(caught.value)["requeue"] is True


def state(books: Books, step: Step = STEP) -> StepState:
    return books.rows.states(WORLD)[step]


# --- done ------------------------------------------------------------------------------------------------------------
def test_a_step_that_succeeds_is_committed_with_what_goes_with_it(books: Books, refreshed: list[str]) -> None:
    laid_out = replace(books.generations.get(WORLD).rounds[0], shares={1: 2, 2: 1})

    def on_commit(session: Any) -> None:
        books.generations.store_shares(WORLD, laid_out, session)

    use_case = Stub(Outcome(FoundWorld(name="x"), on_commit))
    run(use_case)
    assert books.results.of(WORLD, STEP, FoundWorld) == FoundWorld(name="x")
    assert books.generations.get(WORLD).rounds[0].shares == {1: 2, 2: 1}
    (ctx,) = use_case.seen
    assert (ctx.world_id, ctx.step, ctx.generation.run) == (WORLD, STEP, 1)
    assert refreshed == [WORLD, WORLD], "a step of the world itself is shown when it begins, too"


def test_a_step_of_a_character_is_shown_when_it_ends(books: Books, refreshed: list[str]) -> None:
    books.cast([2, 1])
    run(Stub(Nothing()), CHARACTER.step(1))
    assert refreshed == [WORLD]


# --- nothing to do ---------------------------------------------------------------------------------------------------
def test_a_step_that_has_ended_is_not_done_again(books: Books) -> None:
    books.finish(STEP)
    with pytest.raises(Ignore):
        run(Stub())


def test_a_step_that_the_ledger_does_not_know_is_not_done(books: Books) -> None:
    with pytest.raises(Ignore):
        run(Stub(), CHARACTER.step(1))


def test_a_step_in_other_hands_is_left_to_them(books: Books) -> None:
    held = books.claim(STEP, "another")
    with pytest.raises(Ignore):
        run(Stub())
    books.ledger.commit(held, Nothing())


def test_a_scheduled_step_is_left_to_its_time(books: Books) -> None:
    books.ledger.release(books.claim(STEP), Attempts(1), None, wait_s=LONG_S)
    with pytest.raises(Ignore):
        run(Stub())
    books.change(STEP, not_before="$$NOW")
    run(Stub(Nothing()))


# --- again -----------------------------------------------------------------------------------------------------------
def test_after_a_short_wait_the_same_message_tries_again(books: Books) -> None:
    use_case = Stub(TransientError("502"), TransientError("502"), Nothing())
    run(use_case)
    assert [ctx.claim.attempts.made for ctx in use_case.seen] == [0, 1, 2]
    assert [ctx.claim.fence for ctx in use_case.seen] == [1, 2, 3]
    assert state(books) is StepState.DONE
    assert books.row(STEP)["takeovers"] == 0


def test_after_so_many_attempts_a_step_has_failed(books: Books) -> None:
    use_case = Stub(*[TransientError("502 Bad Gateway")] * 9)
    with pytest.raises(StepFailed, match="w1/describe: 502 Bad Gateway"):
        run(use_case)
    assert len(use_case.seen) == POLICY.max_retries + 1
    assert state(books) is StepState.FAILED
    assert books.row(STEP)["attempts"] == POLICY.max_retries + 1


def test_a_step_that_gets_further_is_tried_for_longer(books: Books) -> None:
    def further(ctx: StepContext) -> TransientError:
        ctx.store(**{f"part{len(ctx.claim.checkpoints)}": True})
        return TransientError("502")

    use_case = Stub(*[further] * 9, Nothing())
    run(use_case)
    assert len(use_case.seen) == 10
    assert len(use_case.seen[-1].claim.checkpoints) == 9


def test_a_long_wait_frees_the_thread(books: Books, refreshed: list[str]) -> None:
    use_case = Stub(TransientError("429 Too Many Requests", retry_after_s=LONG_S))
    before = books.database.now()
    with pytest.raises(Ignore):
        run(use_case)
    row = books.row(STEP)
    assert (row["state"], row["owner"], row["attempts"]) == ("pending", None, 1)
    assert LONG_S <= (row["not_before"] - before).total_seconds() <= LONG_S * 1.25 + 60
    told = row["failure"]
    assert (told["reason"], told["kind"], told["attempt"]) == ("429 Too Many Requests", "TransientError", 1)
    assert "step" not in told, "it has not failed"
    with pytest.raises(Ignore):
        run(Stub())


def test_an_outage_counts_no_attempt_and_remembers_its_begin(books: Books) -> None:
    outage = TransientError("503", outage=True, retry_after_s=LONG_S)
    with pytest.raises(Ignore):
        run(Stub(BusyError("no slot", retry_after_s=0), outage))
    row = books.row(STEP)
    assert (row["attempts"], row["failure"]["attempt"]) == (0, 0)
    since = row["outage_since"]
    assert since is not None
    books.change(STEP, not_before="$$NOW")
    with pytest.raises(Ignore):
        run(Stub(outage))
    assert books.row(STEP)["outage_since"] == since
    books.change(STEP, not_before="$$NOW", outage_since={"$subtract": ["$$NOW", 61_000]})
    with pytest.raises(StepFailed):
        run(Stub(outage))


def test_a_new_attempt_asks_anew_after_answers_that_did_not_fit(books: Books) -> None:
    keys: list[str] = []

    def ask(answer: Any) -> Any:
        def asked(ctx: StepContext) -> Any:
            keys.append(ctx.text_call("text.0").key)
            return answer

        return asked

    run(Stub(ask(TransientError("502")), ask(InvalidAnswerError("no cats in it")), ask(Nothing())))
    assert keys == [f"{WORLD}/describe#1.{repeated}.text.0" for repeated in (0, 0, 1)]
    row = books.row(STEP)
    assert row["checkpoints"] == {QUESTIONS_REPEATED: 1}
    assert row["attempts"] == 2


@pytest.mark.parametrize(
    ("code", "text"), [("INVALID_ARGUMENT", 1), ("INTERNAL", 1), ("UNAVAILABLE", 0), ("PERMISSION_DENIED", 0)]
)
def test_what_no_service_took_is_asked_anew_by_who_resumes(books: Books, code: str, text: int) -> None:
    """A service that was away until the end has refused nothing: what was paid for is sent again."""
    keys: list[str] = []

    def refused(ctx: StepContext) -> Any:
        keys.append(ctx.text_call("text.0").key)
        return translate("CreateCharacter", grpc.StatusCode[code], "value too long")

    def taken(ctx: StepContext) -> Any:
        keys.append(ctx.text_call("text.0").key)
        assert (ctx.checkpoint("detail") is None) is bool(text)
        return Nothing()

    written = {"detail": {"display_name": "x" * 300}}
    books.change(STEP, outage_since={"$subtract": ["$$NOW", 61_000]}, checkpoints=written)
    with pytest.raises(StepFailed):
        run(Stub(refused))
    books.change(STEP, state="pending")
    run(Stub(taken))
    assert keys == [f"{WORLD}/describe#1.{repeated}.text.0" for repeated in (0, text)]


# --- the call in the step's row --------------------------------------------------------------------------------------
@pytest.fixture
def planned(books: Books, shared: Database) -> Books:
    """The same world with planned calls."""
    shared.generations.update_one({"_id": WORLD}, {"$set": {"planned": {"llm": 9, "images": 9}}})
    return books


def answered(ctx: StepContext) -> None:
    """Do what a call does whose answer fits, and whose bill is to be stored with what the step stores next."""
    assert ctx.claim.along == {"call": None}
    ctx.claim.along.clear()
    bill: dict[str, Any] = {"_id": ctx.claim.call, "state": "answered", "cost_usd": 0.25, "answer": {}}
    ctx.claim.along.update({f"call.{name}": value for name, value in bill.items()})


def in_row(books: Books) -> tuple[str, float | None] | None:
    call = books.row(STEP)["call"]
    return call and (call["state"], call["cost_usd"])


def test_the_first_call_of_a_planned_step_is_stored_with_its_claim(planned: Books) -> None:
    seen = []

    def work(ctx: StepContext) -> Nothing:
        seen.append(in_row(planned))
        answered(ctx)
        return Nothing()

    run(Stub(work))
    assert seen == [("intent", None)]
    assert in_row(planned) == ("answered", 0.25)


def test_what_an_attempt_has_paid_is_recorded_before_its_error_is_looked_at(planned: Books) -> None:
    def fail(ctx: StepContext) -> TransientError:
        answered(ctx)
        return TransientError("502")

    def lose(ctx: StepContext) -> Nothing:
        answered(ctx)
        planned.change(STEP, owner="another")
        return Nothing()

    for work in (fail, lose):
        planned.change(STEP, state="pending", call=None, lease_until=None, not_before=None)
        with suppress(Ignore):
            run(Stub(work, Nothing()))
        assert in_row(planned) == ("answered", 0.25)


@pytest.mark.parametrize(
    "error",
    [
        BusyError("no free slot", retry_after_s=LONG_S),
        PermanentError("no"),
        AutoReconnect("away before the call"),
    ],
)
def test_a_call_that_an_attempt_did_not_come_to_is_taken_back(
    planned: Books, container: Container, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    doubted = Recorder()
    monkeypatch.setattr(container.requests, "mark_ambiguous", doubted.mark_ambiguous)
    monkeypatch.setattr(container.stopping, "wait", lambda _: False)
    with suppress(Ignore, StepFailed, Reject):
        run(Stub(error))
    assert in_row(planned) is None
    assert doubted.calls == []


def test_a_call_is_not_in_doubt_where_nobody_knows_whether_its_step_was_claimed(
    planned: Books, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = container.ledger.claim

    def lost(*args: Any) -> None:
        claim(*args)
        raise AutoReconnect("connection closed")

    monkeypatch.setattr(container.ledger, "claim", lost)
    with goes_back():
        run(Stub())
    assert in_row(planned) is None


# --- ends without a result -------------------------------------------------------------------------------------------
def test_a_permanent_error_fails_the_step_and_skips_what_needs_it(
    books: Books, refreshed: list[str], published: list[Signature]
) -> None:
    books.cast([2, 1])
    call = PaidCall("open", WORLD, CHARACTER.step(1).name)
    intent = Intent("open", call, "llm", "m", 0.01)
    books.requests.begin(intent)
    with pytest.raises(StepFailed, match=r"w1/character/01: Refused by the moderation\."):
        run(Stub(PermanentError("Refused by the moderation.")), CHARACTER.step(1))
    states = books.rows.states(WORLD)
    assert states[CHARACTER.step(1)] is StepState.FAILED
    lost = STEPS.dependents(CHARACTER.step(1), states)
    assert {states[step] for step in lost} == {StepState.SKIPPED}
    assert states[CHARACTER.step(2)] is states[POST.step(2, 1)] is StepState.PENDING
    told = books.row(CHARACTER.step(1))["failure"]
    assert (told["step"], told["kind"], told["attempt"]) == ("character/01", "PermanentError", 1)
    assert books.generations.get(WORLD).fatal is None
    assert books.requests.open_one(intent) is None, "nobody will ask for it again: it may have been billed"
    assert refreshed == [WORLD]
    assert published == []


@pytest.mark.parametrize(
    ("error", "ended"), [(BudgetExceeded("$1 is spent"), "skipped"), (WorldCancelled("x"), "cancelled")]
)
def test_what_a_limit_ends_is_no_failure(books: Books, error: Exception, ended: str) -> None:
    books.cast([2, 1])
    with pytest.raises(Ignore):
        run(Stub(error), POST.step(1, 1))
    assert state(books, POST.step(1, 1)) == ended
    assert state(books, PICTURE.step(1, 1)) is StepState.SKIPPED
    assert books.row(POST.step(1, 1))["failure"]["kind"] == type(error).__name__


@pytest.mark.parametrize(
    ("failed", "goes_on"), [(ILLUSTRATE, ["cast/0", "fan_out"]), (PLAN, ["avatar/01", "progress"])]
)
@pytest.mark.parametrize("error", [PermanentError("no"), BudgetExceeded("no")])
def test_what_does_not_need_the_failed_step_goes_on(
    books: Books, published: list[Signature], failed: Any, goes_on: list[str], error: Exception
) -> None:
    if failed is PLAN:
        books.cast([2, 1])
        books.finish(CHARACTER.step(1))
    for spec in (INITIALIZE, DESCRIBE):
        books.finish(spec.step())
    step = failed.within(CHARACTER.step(1))
    with pytest.raises((StepFailed, Ignore)):
        run(Stub(error), step)
    assert [shape(canvas) for canvas in published] == [goes_on]


def test_an_error_that_is_fatal_to_the_world_ends_all_of_it(books: Books, published: list[Signature]) -> None:
    books.cast([1])
    books.claim(AVATAR.step(1), "another")
    with pytest.raises(StepFailed):
        run(Stub(PermanentError("No credit: top up.", fatal_to_world=True)), POST.step(1, 1))
    states = books.rows.states(WORLD)
    assert states.pop(POST.step(1, 1)) is StepState.FAILED
    assert states.pop(AVATAR.step(1)) is StepState.RUNNING, "whoever works on it learns it by itself"
    assert set(states.values()) == {StepState.SKIPPED}
    fatal = books.generations.get(WORLD).fatal
    assert fatal is not None
    assert (fatal["step"], fatal["reason"]) == ("post/01/01", "No credit: top up.")
    assert published == []


def test_a_defect_fails_the_step_and_its_text_is_told_to_nobody(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StepFailed, match=r"An internal error \(ValueError\)") as caught:
        run(Stub(ValueError("key sk-or-v1-0123")))
    assert "sk-or" not in str(caught.value)
    assert "sk-or" not in str(books.row(STEP)["failure"])
    assert state(books) is StepState.FAILED
    assert "hit a defect" in caplog.text


# --- cancelled worlds ------------------------------------------------------------------------------------------------
def test_a_step_of_a_cancelled_world_is_not_begun(books: Books) -> None:
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    with pytest.raises(Ignore):
        run(Stub())
    assert state(books) is StepState.CANCELLED
    assert books.row(STEP)["failure"]["kind"] == "WorldCancelled"


def test_the_end_of_a_cancelled_world_is_done(books: Books) -> None:
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    run(Stub(Nothing()), FINISH.step())
    assert state(books, FINISH.step()) is StepState.DONE


# --- quarantine ------------------------------------------------------------------------------------------------------
def die(books: Books, times: int) -> None:
    """Let so many owners of the step die one after the other."""
    for number in range(times):
        books.claim(STEP, f"dead-{number}")
        books.expire(STEP)


def test_a_step_whose_owners_keep_dying_goes_to_quarantine(books: Books, published: list[Signature]) -> None:
    die(books, 1)
    with pytest.raises(Ignore):
        run(Stub(TransientError("x", retry_after_s=LONG_S)))
    books.change(STEP, not_before="$$NOW", takeovers=0)
    die(books, 2)
    with pytest.raises(Ignore):
        run(Stub())
    row = books.row(STEP)
    assert (row["state"], row["quarantined"], row["takeovers"]) == ("pending", True, 0)
    (sent,) = published
    assert (sent.task, list(sent.args)) == (DESCRIBE.task, [WORLD])
    assert (sent.options["queue"], sent.options["chain"]) == (QUARANTINE, TAIL)
    with pytest.raises(Ignore):
        run(Stub())
    assert len(published) == 2, "a message in the ordinary queue is sent there, too"
    run(Stub(Nothing()), queue=QUARANTINE)
    assert state(books) is StepState.DONE


def test_a_step_that_ends_its_process_in_quarantine_as_well_is_given_up(books: Books) -> None:
    die(books, 2)
    with pytest.raises(Ignore):
        run(Stub())
    die(books, 3)
    use_case = Stub()
    with pytest.raises(StepFailed, match="ended its worker process 3 times"):
        run(use_case, queue=QUARANTINE)
    assert use_case.seen == []
    assert state(books) is StepState.FAILED


def test_a_step_that_survives_its_second_takeover_in_quarantine_is_done(books: Books) -> None:
    die(books, 2)
    with pytest.raises(Ignore):
        run(Stub())
    die(books, 2)
    run(Stub(Nothing()), queue=QUARANTINE)
    assert state(books) is StepState.DONE


# --- other owners, and servers that are away -------------------------------------------------------------------------
def test_who_lost_its_step_commits_nothing(books: Books, refreshed: list[str]) -> None:
    def taken_over(ctx: StepContext) -> FoundWorld:
        books.expire(STEP)
        books.claim(STEP, "another")
        return FoundWorld(name="too late")

    with pytest.raises(Ignore):
        run(Stub(taken_over))
    assert state(books) is StepState.RUNNING
    assert books.row(STEP)["owner"] == "another"
    assert refreshed == [WORLD, WORLD], "an answer that came too late is to be counted all the same"


@pytest.mark.parametrize("error", [TransientError("x"), InvalidAnswerError("x"), PermanentError("x")])
def test_who_lost_its_step_ends_nothing(books: Books, error: Exception) -> None:
    def taken_over(ctx: StepContext) -> Exception:
        books.expire(STEP)
        books.claim(STEP, "another")
        return error

    with pytest.raises(Ignore):
        run(Stub(taken_over))
    row = books.row(STEP)
    assert (row["state"], row["owner"], row["failure"]) == ("running", "another", None)
    assert state(books, ILLUSTRATE.step()) is StepState.PENDING


def test_while_mongodb_is_away_the_message_goes_back(
    books: Books, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container.stopping, "wait", lambda _: False)
    release, refused = container.ledger.release, [AutoReconnect("not primary")] * 2

    def away(*args: Any, **kwargs: Any) -> None:
        if refused:
            raise refused.pop()
        release(*args, **kwargs)

    monkeypatch.setattr(container.ledger, "release", away)
    with goes_back():
        run(Stub(AutoReconnect("not primary")))
    row = books.row(STEP)
    assert (row["state"], row["owner"], row["attempts"]) == ("pending", None, 0), (
        "given back, for nobody to wait"
    )


def test_a_step_whose_commit_was_not_acknowledged_stays_done(
    books: Books, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container.stopping, "wait", lambda _: False)
    commit = container.ledger.commit

    def lost(*args: Any) -> None:
        commit(*args)
        raise AutoReconnect("connection closed")

    monkeypatch.setattr(container.ledger, "commit", lost)
    with goes_back():
        run(Stub(Nothing()))
    assert state(books) is StepState.DONE


def test_what_waiting_does_not_mend_is_raised(books: Books) -> None:
    with pytest.raises(DuplicateKeyError):
        run(Stub(DuplicateKeyError("E11000")))


def test_a_worker_that_stops_begins_nothing(books: Books, container: Container) -> None:
    container.stopping.set()
    with goes_back():
        run(Stub())
    assert state(books) is StepState.PENDING


def test_the_message_of_a_step_that_waits_while_its_worker_stops_goes_back(
    books: Books, container: Container
) -> None:
    def stopped_meanwhile(ctx: StepContext) -> TransientError:
        container.stopping.set()
        return TransientError("502")

    with goes_back():
        run(Stub(stopped_meanwhile))
    row = books.row(STEP)
    assert (row["state"], row["owner"], row["attempts"], row["not_before"]) == ("pending", None, 1, None)


# --- what is made anew -----------------------------------------------------------------------------------------------
def test_what_cannot_be_made_anew_stands_as_it_was(books: Books, published: list[Signature]) -> None:
    books.cast([1])
    books.finish_all()
    books.told()
    for spec in (POST, PICTURE):
        books.change(
            spec.step(1, 1),
            state="pending",
            edition=2,
            checkpoints={"redo_of": "p1"},
        )
    use_case = Stub(PermanentError("Refused by the moderation."))
    with pytest.raises(StepFailed, match="moderation"):
        run(use_case, POST.step(1, 1))
    assert use_case.seen[0].redo_of == "p1"
    for spec in (POST, PICTURE):
        row = books.row(spec.step(1, 1))
        assert row["state"] == "done"
        assert row["failure"]["reason"] == "Refused by the moderation."
    status = books.told()
    assert (status.posts_created, status.tasks_failed) == (1, 0)
    assert published == []


# --- the tasks themselves --------------------------------------------------------------------------------------------
def test_a_task_takes_the_indexes_of_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, Step]] = []
    monkeypatch.setattr(
        GenerationTask, "perform", lambda self, world, step, use_case: ran.append((world, step))
    )
    write_post.run(WORLD, 3, 12)
    world_tasks.describe_world.run(WORLD)
    assert ran == [(WORLD, POST.step(3, 12)), (WORLD, DESCRIBE.step())]


def test_every_kind_of_step_has_its_task() -> None:
    app.loader.import_default_modules()
    for spec in STEPS:
        task = app.tasks[spec.task]
        assert isinstance(task, GenerationTask)
        assert task.acks_late
        assert task.__doc__, spec.kind


# --- the tasks of the world ------------------------------------------------------------------------------------------
def test_a_world_is_started_once_and_goes_on_from_where_it_stands(
    books: Books, published: list[Signature]
) -> None:
    world_tasks.start_world.run(WORLD)
    books.finish(INITIALIZE.step())
    world_tasks.start_world.run(WORLD)
    opening = ["initialize", "describe", "illustrate", "cast/0", "fan_out"]
    assert [shape(canvas) for canvas in published] == [opening, opening[1:]]
    assert books.generations.unstarted(books.database.now(), 10) == []


def test_a_finish_that_comes_too_early_changes_nothing(books: Books) -> None:
    with pytest.raises(Ignore):
        world_tasks.finish_world.run(WORLD)
    assert state(books, FINISH.step()) is StepState.PENDING


def test_the_characters_are_published_with_their_posts_and_the_end(
    books: Books, published: list[Signature]
) -> None:
    books.cast([1, 0])
    for step in STEPS.opening(1):
        if step.kind not in ("fan_out", "finish"):
            books.finish(step)
    world_tasks.fan_out.run(WORLD)
    (canvas,) = published
    order = books.generations.get(WORLD)
    whole = pipeline.fan_out_canvas(order, order.rounds[0], books.rows.states(WORLD))
    assert shape(canvas) == shape(whole)
    assert state(books, STEPS.parse("fan_out")) is StepState.DONE


def test_while_redis_is_away_the_characters_wait(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.cast([1, 0])

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("Connection refused.")

    monkeypatch.setattr("celery.canvas._chord.apply_async", refuse)
    monkeypatch.setattr(GenerationTask, "policy", RetryPolicy(0, LONG_S, LONG_S, LONG_S))
    with pytest.raises(Ignore):
        world_tasks.fan_out.run(WORLD)
    row = books.row(STEPS.parse("fan_out"))
    assert (row["state"], row["attempts"]) == ("pending", 0)
    assert row["outage_since"] is not None
