"""The first call of a step is kept in its row: stored with the claim, billed with what the step writes next."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from generia_worker.billing.calls import MeteredCalls, TextQuestion
from generia_worker.billing.prices import PriceTable
from generia_worker.engine.ledger import Claim
from generia_worker.engine.retry import Attempts
from generia_worker.engine.step import Step
from generia_worker.errors import BusyError, LeaseLost, PermanentError, TransientError, WorldCancelled
from generia_worker.providers.images import ImageReceipt
from generia_worker.providers.llm import ChatAnswer, ChatRequest, Message
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database, Document
from generia_worker.worlds.context import StepContext, first_call
from generia_worker.worlds.results import Nothing
from generia_worker.worlds.steps import AVATAR, POST, STEPS
from tests.books import WORLD, Books
from tests.integration.audit import calls_of

STEP, PICTURE = POST.step(1, 1), AVATAR.step(1)
QUESTION = TextQuestion((Message("user", "?"),), "post", {}, {}, "", 100)
PLANNED = {"llm": 20, "images": 20}


class Providers:
    """A text model and an image API that answer what they are told to; an exception is raised."""

    model = "m"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fetched: list[str] = []
        self.says: list[Any] = []
        #: The pictures that were drawn.
        self.known: set[str] = set()

    def complete(self, request: ChatRequest) -> ChatAnswer:
        self.asked.append(request.request_id)
        said = self.says.pop(0) if self.says else "{}"
        if isinstance(said, Exception):
            raise said
        return ChatAnswer(said, "stop", "m", None, None, Usage(0.25, 10, 20))

    def draw(self, request: Any) -> ImageReceipt:
        self.asked.append(request.request_id)
        self.known.add(request.task_uuid)
        said = self.says.pop(0) if self.says else None
        if isinstance(said, Exception):
            raise said
        return self._receipt(request.task_uuid)

    def fetch(self, uid: str) -> ImageReceipt:
        self.fetched.append(uid)
        if uid not in self.known:
            raise PermanentError("not known")
        return self._receipt(uid)

    def download(self, receipt: ImageReceipt, width: int, height: int) -> str:
        return receipt.task_uuid

    def _receipt(self, uid: str) -> ImageReceipt:
        return ImageReceipt(
            task_uuid=uid, image_uuid="i", url="https://images.test/i", data=None, cost_usd=0.5
        )


class World:
    """A world whose calls are planned, and a process that works on its steps."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = Books(database)
        self.books.order(planned=PLANNED)
        self.books.cast([1])
        self.providers = Providers()
        self.slots: Any = SimpleNamespace(hold=nullcontext, pause=lambda _: None)
        both: dict[Provider, Any] = {"llm": self.slots, "images": self.slots}
        model: Any = self.providers
        prices = PriceTable(1.0, 1.0, 0.1)
        self.calls = MeteredCalls(
            model, model, self.books.requests, self.books.holds, prices, self.books.bills, both, patience_s=1
        )

    def claim(self, owner: str = "me", step: Step = STEP) -> StepContext:
        """Claim a step as a worker does."""
        first = first_call(WORLD, step, STEPS[step.kind])
        assert first is not None
        claim = self.books.claim(step, owner, call=self.calls.for_claim(*first))
        services: Any = SimpleNamespace(ledger=self.books.ledger)
        return StepContext(claim, self.books.generations.get(WORLD), services)

    def ask(self, ctx: StepContext, number: int = 0, *, patient: bool = True) -> None:
        """Ask the model a question of the step."""
        call = ctx.text_call(f"text.{number}", planned=not number, patient=patient)
        self.calls.text(call, QUESTION)

    def draw(self, ctx: StepContext) -> None:
        """Have the picture of the step drawn."""
        self.calls.picture(ctx.image_call("avatar.image0", planned=True), "a face", 64, 64)

    def dies(self, step: Step = STEP) -> None:
        """Let the lease of whoever works on the step run out."""
        self.books.expire(step)

    def in_row(self, step: Step = STEP) -> Any:
        """Return the call that the step's row holds."""
        return self.books.row(step)["call"]

    def states(self) -> list[str]:
        """Return the states of all calls of the world, those in rows last."""
        return [call["state"] for call in calls_of(self.database.database, WORLD)]

    def held(self) -> Document:
        """Return how many calls are held."""
        row = self.database.generations.find_one({"_id": WORLD})
        assert row is not None
        return {name: row["reserved"][name] for name in PLANNED}


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@contextmanager
def attempt(world: World, claim: Claim) -> Any:
    """What is around an attempt: a bill that waits is recorded where an error comes in between."""
    with world.calls.recording(claim.along):
        yield


def test_the_bill_is_stored_with_the_result_and_counted(world: World) -> None:
    ctx = world.claim()
    assert world.in_row()["state"] == "intent"
    world.ask(ctx)
    assert world.in_row()["state"] == "intent", "it waits for the next write"
    world.books.ledger.commit(ctx.claim, Nothing())
    call = world.in_row()
    assert (call["state"], call["cost_usd"], call["planned"]) == ("answered", 0.25, True)
    assert (call["prompt_tokens"], call["answer"]["content"], call["step"]) == (10, "{}", STEP.name)
    assert call["_id"] == world.providers.asked[0]
    assert call["call"] == f"{STEP.key(WORLD)}#1.0.text.0"
    assert world.database.requests.count_documents({}) == 0
    status = world.books.told()
    assert (status.api_calls_made_LLM, status.llm_cost_total) == (1, 0.25)
    (line,) = world.books.requests.receipt(WORLD)
    assert (line.part, line.calls, line.cost_usd, line.prompt_tokens) == ("post", 1, 0.25, 10)
    assert world.held() == PLANNED


def test_a_checkpoint_takes_the_bill_along_too(world: World) -> None:
    ctx = world.claim()
    world.ask(ctx)
    ctx.store(detail="x")
    assert world.in_row()["state"] == "answered"
    world.ask(ctx, 1)
    assert world.states() == ["answered", "answered"]
    world.books.ledger.commit(ctx.claim, Nothing())
    assert world.states() == ["answered", "answered"]


def test_where_something_comes_in_between_it_is_recorded_at_once(world: World) -> None:
    world.ask(world.claim(), patient=False)
    assert world.in_row()["state"] == "answered"


def test_the_next_question_records_the_answer_before_it(world: World) -> None:
    ctx = world.claim()
    world.ask(ctx)
    world.providers.says = [TransientError("502", outcome_unknown=True)]
    with pytest.raises(TransientError):
        world.ask(ctx, 1)
    assert world.states() == ["ambiguous", "answered"]


@pytest.mark.parametrize("transaction", [False, True])
def test_who_lost_the_step_is_billed_and_the_next_owner_adopts_the_answer(
    world: World, transaction: bool
) -> None:
    ctx = world.claim("slow")
    on_commit = (lambda _: None) if transaction else None
    with pytest.raises(LeaseLost), attempt(world, ctx.claim):
        world.ask(ctx)
        world.dies()
        after = world.claim("next")
        world.books.ledger.commit(ctx.claim, Nothing(), on_commit)
    assert world.in_row()["state"] == "answered"
    world.ask(after)
    assert len(world.providers.asked) == 1
    world.books.ledger.commit(after.claim, Nothing())
    assert world.books.told().llm_cost_total == 0.25
    assert world.held() == PLANNED


def test_what_a_transaction_undoes_is_billed_all_the_same(world: World) -> None:
    def fails(_: Any) -> None:
        raise TransientError("no")

    ctx = world.claim()
    world.ask(ctx)
    with pytest.raises(TransientError), attempt(world, ctx.claim):
        world.books.ledger.commit(ctx.claim, Nothing(), fails)
    assert world.books.row(STEP)["state"] == "running"
    assert world.in_row()["state"] == "answered"


def test_an_answer_that_comes_after_its_call_was_given_up_is_late(world: World) -> None:
    ctx = world.claim("slow")
    world.ask(ctx)
    world.dies()
    after = world.claim("next")
    world.ask(after)
    assert world.states() == ["answered", "ambiguous"]
    assert world.held()["llm"] == PLANNED["llm"] + 1, "what may have been billed is held anew"
    with pytest.raises(LeaseLost), attempt(world, ctx.claim):
        world.books.ledger.commit(ctx.claim, Nothing())
    late = world.books.requests.late()
    assert late == [(WORLD, world.providers.asked[0])]
    world.books.requests.counted([name for _, name in late])
    assert world.books.requests.late() == []
    world.books.ledger.commit(after.claim, Nothing())
    assert world.states() == ["answered", "answered"]
    assert world.books.told().llm_cost_total == 0.5


def test_a_process_that_dies_leaves_one_call_in_doubt(world: World) -> None:
    world.ask(world.claim("dead"))
    world.dies()
    after = world.claim("next")
    world.ask(after)
    world.books.ledger.commit(after.claim, Nothing())
    assert world.states() == ["answered", "ambiguous"]
    status = world.books.told()
    assert (status.ambiguous_calls_LLM, status.api_calls_made_LLM, status.llm_cost_total) == (1, 2, 0.25)
    world.books.holds.reconcile(WORLD, 0)
    assert not world.books.holds.reconcile(WORLD, 0), "what is held is what the plan and the calls say"


def test_what_was_not_called_is_not_in_doubt(world: World) -> None:
    def busy() -> Any:
        raise BusyError("no free slot", retry_after_s=1)

    ctx, free = world.claim(), world.slots.hold
    world.slots.hold = busy
    with pytest.raises(BusyError), attempt(world, ctx.claim):
        world.ask(ctx)
    world.books.ledger.release(ctx.claim, Attempts(), None)
    assert world.in_row() is None
    world.slots.hold = free
    again = world.claim()
    assert not again.claim.is_first_attempt
    world.ask(again, patient=False)
    assert world.states() == ["answered"]
    assert world.books.requests.late() == []
    assert world.in_row()["_id"] == world.providers.asked[0]


def test_a_picture_that_was_not_begun_is_not_looked_for(world: World) -> None:
    world.books.ledger.release(world.claim(step=PICTURE).claim, Attempts(), None)
    again = world.claim(step=PICTURE)
    assert not again.claim.is_first_attempt
    world.draw(again)
    assert (len(world.providers.asked), world.providers.fetched) == (1, [])


def test_of_a_claim_whose_answer_was_lost_nothing_is_in_doubt(world: World) -> None:
    first = first_call(WORLD, STEP, STEPS[STEP.kind])
    assert first is not None
    lost = world.calls.for_claim(*first)
    world.books.claim(STEP, "me", call=lost)
    world.calls.take_back(world.calls.for_claim(*first))
    assert world.in_row() == lost, "not that of another claim"
    world.calls.take_back(lost)
    assert world.in_row() is None


def test_nothing_is_called_for_a_cancelled_world(world: World) -> None:
    ctx = world.claim()
    world.database.generations.update_one({"_id": WORLD}, {"$set": {"cancelled": True}})
    with pytest.raises(WorldCancelled), attempt(world, ctx.claim):
        world.ask(ctx)
    assert world.providers.asked == []
    world.books.ledger.checkpoint(ctx.claim)
    assert world.in_row() is None


def test_a_refused_call_is_asked_again_beside_the_row_as_it_was_planned(world: World) -> None:
    ctx = world.claim()
    world.providers.says = [TransientError("429")]
    with pytest.raises(TransientError), attempt(world, ctx.claim):
        world.ask(ctx)
    world.books.ledger.release(ctx.claim, Attempts(1), None)
    again = world.claim()
    world.ask(again)
    assert world.states() == ["answered", "refused"]
    assert world.held() == PLANNED


def test_what_a_step_that_ends_has_open_is_in_doubt(world: World) -> None:
    ctx = world.claim("dead")
    with suppress(RuntimeError):
        world.providers.says = [RuntimeError("the process dies here")]
        world.ask(ctx)
    world.books.requests.abandon(WORLD, STEP.name)
    assert world.states() == ["ambiguous"]


@pytest.mark.parametrize("content", ["x" * 2_000_000, "\ud83d"], ids=["large", "half a character"])
def test_what_a_row_might_not_take_is_recorded_at_once(world: World, content: str) -> None:
    ctx = world.claim()
    world.providers.says = [content]
    with suppress(TransientError):
        world.ask(ctx)
    assert world.in_row()["state"] in {"answered", "spoiled"}
    assert world.in_row()["cost_usd"] == 0.25


def test_a_row_of_a_version_before_holds_no_call(world: World) -> None:
    world.database.steps.update_one({"_id": STEP.key(WORLD)}, {"$unset": {"call": 1}})
    ctx = world.claim()
    assert "call" not in world.books.row(STEP)
    world.ask(ctx)
    (row,) = world.database.requests.find()
    assert (row["state"], row["planned"]) == ("answered", True)
    world.books.ledger.commit(ctx.claim, Nothing())
    assert world.books.told().llm_cost_total == 0.25


# --- pictures --------------------------------------------------------------------------------------------------------
def test_a_picture_whose_bill_was_lost_is_fetched_for_nothing(world: World) -> None:
    world.draw(world.claim("dead", PICTURE))
    assert world.in_row(PICTURE)["state"] == "intent"
    world.dies(PICTURE)
    after = world.claim("next", PICTURE)
    world.draw(after)
    world.books.ledger.commit(after.claim, Nothing())
    assert len(world.providers.asked) == len(world.providers.fetched) == 1
    call = world.in_row(PICTURE)
    assert (call["state"], call["cost_usd"], call["_id"]) == ("answered", 0.5, call["call"])
    assert world.states() == ["answered"]
    assert world.held() == PLANNED


def test_a_picture_whose_outcome_is_unknown_stays_begun(world: World) -> None:
    ctx = world.claim(step=PICTURE)
    world.providers.says = [TransientError("cut off", outcome_unknown=True)]
    with pytest.raises(TransientError), attempt(world, ctx.claim):
        world.draw(ctx)
    world.books.ledger.release(ctx.claim, Attempts(1), None)
    assert world.in_row(PICTURE)["state"] == "intent"
    again = world.claim(step=PICTURE)
    world.draw(again)
    again.store(confirmed="m")
    assert len(world.providers.asked) == 1
    assert world.states() == ["answered"]


def test_a_picture_that_was_refused_or_given_up_is_one_request_in_all_its_life(world: World) -> None:
    world.providers.says = [TransientError("429"), TransientError("cut off", outcome_unknown=True)]
    for state in ("refused", "intent"):
        ctx = world.claim(step=PICTURE)
        with pytest.raises(TransientError), attempt(world, ctx.claim):
            world.draw(ctx)
        assert world.states() == [state]
        world.books.ledger.release(ctx.claim, Attempts(1), None)
    world.books.requests.abandon(WORLD, PICTURE.name)
    assert world.states() == ["ambiguous"]
    again = world.claim(step=PICTURE)
    world.draw(again)
    world.books.ledger.commit(again.claim, Nothing())
    assert world.states() == ["answered"]
    assert world.held() == PLANNED
    assert world.books.told().ambiguous_calls_images == 0


def test_what_is_redone_announces_nothing(world: World) -> None:
    world.books.change(STEP, edition=2)
    assert world.claim().claim.call is None
    assert world.in_row() is None
