"""Replies to people, in the database: off by default, one a comment, within bounds and dollars, whoever asks how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from generia_worker.app.container import Container
from generia_worker.app.replies import Replies
from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.client.replies import ReplyTerms
from generia_worker.engine.ledger import Claim
from generia_worker.engine.step import Failure, Step, StepState
from generia_worker.errors import AllowanceExceeded, ConflictError, InvalidInputError, NotFoundError
from generia_worker.providers.usage import Usage
from generia_worker.rpc.interaction_client import CommentRecord
from generia_worker.settings import Settings
from generia_worker.worlds.reply_accounts import ReplyBounds
from generia_worker.worlds.results import Heard, Replied
from generia_worker.worlds.steps import REPLY
from tests.books import WORLD, in_parallel
from tests.worlds.test_extension import Ended

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOTS = ReplyTerms(budget=10.0)
#: The character and the one post of `Ended`.
WRITER, POST = "c", "p"


class Comments:
    """Stands for the interaction service."""

    def __init__(self) -> None:
        self.all: list[CommentRecord] = []

    def say(self, text: str = "How true!", by: str = "guest", at: datetime | str = NOW) -> str:
        """Comment; returns the id."""
        moment = at if isinstance(at, str) else at.isoformat()
        self.all.append(CommentRecord(uuid4().hex, POST, by, by, text, moment))
        return self.all[-1].comment_id

    def latest(self, _post: str, _world: str) -> tuple[CommentRecord, ...]:
        """As the client."""
        return tuple(self.all)


class Place:
    """A completed world, and what tells of comments in it."""

    def __init__(self, container: Container, comments: Comments) -> None:
        self.container, self.comments = container, comments
        container.__dict__["interactions"] = comments
        self.replies = Replies(container)

    def heard(self, now: datetime = NOW) -> list[str]:
        """Tell of comments; returns the names of the steps."""
        return [step.name for step in self.replies.heard(WORLD, POST, now)]

    def said(self, step: str) -> str:
        """Return which comment a step replies to."""
        row = self.container.database.steps.find_one({"_id": f"{WORLD}/{step}"}) or {}
        return str(row["checkpoints"]["heard"]["comment_id"])


MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(servers: Settings, database_name: str) -> Iterator[MakePlace]:
    """Makes processes over one database."""
    comments = Comments()
    prices = {"llm_price_input_usd_per_mtok": 0.3, "llm_price_output_usd_per_mtok": 2.5}
    made: list[Container] = []

    def make(**changed: Any) -> Place:
        asked = {"mongo_database": database_name, "interaction_service": "127.0.0.1:1", **prices, **changed}
        made.append(Container(servers.model_copy(update=asked)))
        return Place(made[-1], comments)

    yield make
    for one in made:
        one.close()


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    found = make_place()
    Ended(found.container.database)
    return found


def test_nobody_is_replied_to_before_it_is_switched_on_and_after_it_is_off(place: Place) -> None:
    place.comments.say(at=NOW - HOUR)
    assert place.heard() == []
    told = place.replies.status(WORLD, NOW)
    assert (told.on, told.budget, told.spent_usd, told.used_up) == (False, None, 0.0, False)
    place.replies.switch_on(WORLD, LOTS, NOW)
    assert place.heard() == [], "what was said before is left alone"
    place.comments.say(by=WRITER)
    mine = place.comments.say(at=NOW + HOUR)
    place.replies.switch_on(WORLD, ReplyTerms(budget=5.0), NOW + 2 * HOUR)
    assert place.heard(NOW + 2 * HOUR) == ["reply/01"], "another budget is no new beginning"
    assert place.said("reply/01") == mine
    assert not place.replies.switch_off(WORLD, NOW).on
    late = Heard(comment_id="late", post_id=POST, character=1, post=1, round=1)
    bounds = ReplyBounds(world=9, person=9, least_usd=0.0)
    assert place.container.reply_accounts.add(WORLD, late, "guest", bounds, NOW) is None, "it was just now"
    place.comments.say(at=NOW + HOUR)
    assert place.heard(NOW + HOUR) == []
    assert place.replies.status(WORLD, NOW + HOUR).today == 1


def test_a_comment_has_one_step_whoever_tells_of_it_how_often(place: Place, make_place: MakePlace) -> None:
    place.replies.switch_on(WORLD, LOTS, NOW)
    wanted = {place.comments.say(f"number {n}") for n in range(5)}
    places = [make_place() for _ in range(4)]
    found: list[str] = []
    in_parallel(lambda n: found.extend(places[n].heard()), len(places))
    assert sorted(found) == [f"reply/0{n}" for n in range(1, 6)]
    assert {place.said(step) for step in found} == wanted
    assert place.heard() == []


def test_a_notice_that_was_lost_is_made_up_for_within_a_day(place: Place) -> None:
    place.replies.switch_on(WORLD, LOTS, NOW)
    place.comments.say("too old")
    lost = place.comments.say("lost", at=NOW + 2 * HOUR)
    place.comments.say("of which nobody knows when", at="yesterday")
    told = place.comments.say("told", at="2026-03-02T12:30:00")
    assert place.heard(NOW + 25 * HOUR) == ["reply/01", "reply/02"]
    assert [place.said("reply/01"), place.said("reply/02")] == [lost, told]


def test_a_day_has_so_many_of_a_person_and_of_all(make_place: MakePlace, place: Place) -> None:
    bounded = make_place(daily_replies_world=3, daily_replies_person=2)
    bounded.replies.switch_on(WORLD, LOTS, NOW)
    ids = [bounded.comments.say(by=by) for by in ("guest", "guest", "guest", "another", "a third")]
    assert {bounded.said(step) for step in bounded.heard()} == {ids[0], ids[1], ids[3]}
    told = bounded.replies.status(WORLD, NOW)
    assert (told.today, told.a_day, told.a_day_person) == (3, 3, 2)
    assert bounded.heard() == []
    midnight = NOW + 12 * HOUR
    assert bounded.replies.status(WORLD, midnight).today == 0
    assert len(bounded.heard(midnight)) == 2, "what is left of the day before, while it is young"


def test_without_a_budget_left_nobody_is_replied_to(place: Place) -> None:
    place.replies.switch_on(WORLD, LOTS, NOW)
    place.container.database.replies.update_one({"_id": WORLD}, {"$set": {"reserved.usd": 9.9999}})
    place.comments.say()
    assert place.heard() == []
    # What is held by a call that is under way may be given back.
    place.container.database.replies.update_one({"_id": WORLD}, {"$set": {"reserved.usd": 0.0}})
    assert place.heard() == ["reply/01"]
    place.container.database.replies.update_one({"_id": WORLD}, {"$set": {"reserved.usd": 9.9999}})
    place.comments.say()
    assert place.heard() == ["reply/02"]


def test_nobody_is_replied_to_in_a_world_that_was_stopped_or_elsewhere(place: Place) -> None:
    place.replies.switch_on(WORLD, LOTS, NOW)
    place.comments.say()
    assert place.replies.heard(WORLD, "another-post", NOW) == []
    status = place.container.database.status
    for state in ("failed", "cancelled"):
        status.update_one({"_id": WORLD}, {"$set": {"status": state}})
        assert place.heard() == []
    status.update_one({"_id": WORLD}, {"$set": {"status": "in_progress", "finished_at": None}})
    assert place.heard() == ["reply/01"], "also while more of it is made"


def test_what_is_no_budget(place: Place, make_place: MakePlace) -> None:
    with pytest.raises(NotFoundError):
        place.replies.switch_on("nobody", LOTS, NOW)
    with pytest.raises(NotFoundError):
        place.replies.status("nobody", NOW)
    assert place.replies.heard("nobody", POST, NOW) == []
    with pytest.raises(ConflictError, match="One more reply may bring the sum to") as caught:
        place.replies.switch_on(WORLD, ReplyTerms(budget=0.0001), NOW)
    assert caught.value.code == "reply_budget_too_small"
    with pytest.raises(InvalidInputError, match="no interaction service"):
        make_place(interaction_service="").replies.switch_on(WORLD, LOTS, NOW)
    with pytest.raises(InvalidInputError, match="needs the price"):
        make_place(llm_price_input_usd_per_mtok=None, llm_model="x").replies.switch_on(WORLD, LOTS, NOW)
    assert not place.replies.status(WORLD, NOW).on


def test_the_budget_is_held_of_a_day(place: Place, make_place: MakePlace) -> None:
    capped = make_place(daily_usd_person=1.0)
    container = capped.container
    container.database.generations.update_one({"_id": WORLD}, {"$set": {"person": "ada"}})

    def left() -> float:
        return round(container.allowances.left("ada").usd_left or 0.0, 9)

    capped.replies.switch_on(WORLD, ReplyTerms(budget=0.4), NOW)
    assert left() == 0.6
    capped.replies.switch_on(WORLD, ReplyTerms(budget=0.7), NOW)
    assert left() == 0.3
    with pytest.raises(AllowanceExceeded):
        capped.replies.switch_on(WORLD, ReplyTerms(budget=1.2), NOW)
    assert (left(), capped.replies.status(WORLD, NOW).budget) == (0.3, 0.7)
    capped.replies.switch_on(WORLD, ReplyTerms(budget=0.5), NOW)
    assert left() == 0.5
    accounts = container.database.replies
    # A call that was billed, and what was held for one that was never made.
    call = {"world_id": WORLD, "account": "replies", "provider": "llm", "state": "answered", "cost_usd": 0.1}
    container.database.requests.insert_one(call)
    accounts.update_one({"_id": WORLD}, {"$set": {"reserved.usd": 0.15}})
    capped.replies.switch_on(WORLD, ReplyTerms(budget=0.3), NOW)
    assert left() == 0.7, "0.1 is spent and 0.2 may be"
    # Held on another day, and more of today.
    accounts.update_one({"_id": WORLD}, {"$set": {"allowance.day": "2020-01-01"}})
    capped.replies.switch_on(WORLD, ReplyTerms(budget=0.25), NOW)
    assert left() == 0.55
    capped.replies.switch_off(WORLD, NOW)
    assert left() == 0.7
    # Where a day has no limits any more nothing is held.
    place.replies.switch_on(WORLD, ReplyTerms(budget=0.5), NOW)
    assert left() == 0.7
    assert (accounts.find_one({"_id": WORLD}) or {})["allowance"] is None


# --- beside the world ------------------------------------------------------------------------------------------------
@pytest.fixture
def step(place: Place) -> Step:
    """A step that replies, in a completed world."""
    place.replies.switch_on(WORLD, LOTS, NOW)
    place.comments.say()
    (found,) = place.replies.heard(WORLD, POST, NOW)
    return found


def claimed(place: Place, step: Step) -> Claim:
    taken = place.container.ledger.claim(WORLD, step, "me")
    assert isinstance(taken, Claim)
    return taken


def told(place: Place) -> dict[str, Any]:
    place.container.status_refresh.refresh(WORLD)
    return place.container.status.get(WORLD)


def test_the_state_of_the_world_does_not_depend_on_it(place: Place, step: Step) -> None:
    before = told(place)
    assert (before["status"], before["task_predicted"], before["error"]) == ("completed", 0, None)
    claim = claimed(place, step)
    assert told(place)["status"] == "completed"
    place.container.ledger.commit(claim, Replied(replies=1))
    after = told(place)
    assert after["replies_created"] == 1
    assert {name for name in before if before[name] != after[name]} <= {
        "replies_created",
        "revision",
        "updated_at",
    }


def test_one_that_fails_is_told_and_nobody_retries_it(place: Place, step: Step) -> None:
    reason = Failure(reason="No.", kind="PermanentError")
    place.container.ledger.end_without_result(claimed(place, step), StepState.FAILED, reason, [])
    after = told(place)
    assert (after["status"], after["tasks_failed"], after["error"]) == ("completed", 0, None)
    (failed,) = place.container.rows.failures(WORLD)
    assert (failed["step"], failed["reason"]) == ("reply/01", "No.")
    with pytest.raises(ConflictError, match="Nothing of world"):
        place.container.control.retry(WORLD)


def test_one_whose_message_is_lost_is_found_and_published_alone(place: Place, step: Step) -> None:
    from tasks import pipeline

    container = place.container
    now = container.database.now() + timedelta(seconds=1)
    (found,) = container.recovery.lost([REPLY.kind], now, 10)
    assert (found.step, found.world_id) == (step, WORLD)
    order, states = container.generations.get(WORLD), container.rows.states(WORLD)
    canvas = pipeline.canvas_from(step, order, states)
    assert canvas is not None
    assert (canvas.task, canvas.args, canvas.options["queue"]) == (REPLY.task, (WORLD, 1), "llm")
    container.ledger.commit(claimed(place, step), Replied(replies=1))
    assert pipeline.canvas_from(step, order, container.rows.states(WORLD)) is None


def test_an_account_is_swept_while_it_is_worked_on(place: Place, step: Step) -> None:
    holds, accounts = place.container.reply_holds, place.container.reply_accounts
    accounts.close_idle(WORLD)
    assert holds.worlds_to_reconcile(10) == [WORLD]
    holds.hold(WORLD, "llm", 0.5)  # by a process that dies before it calls anything
    place.container.ledger.commit(claimed(place, step), Replied(replies=0))
    assert not holds.reconcile(WORLD, 0)
    accounts.close_idle(WORLD)
    assert holds.worlds_to_reconcile(10) == [WORLD], "there is a difference"
    assert holds.reconcile(WORLD, 0)
    assert not holds.reconcile(WORLD, 0)
    accounts.close_idle(WORLD)
    assert holds.worlds_to_reconcile(10) == []
    assert (place.container.database.replies.find_one({"_id": WORLD}) or {})["reserved"]["usd"] == 0


def test_what_replies_cost_is_in_their_account_alone(place: Place, step: Step) -> None:
    container, requests = place.container, place.container.requests
    key = f"{step.key(WORLD)}#1.0.text.0"
    intent = Intent(key, PaidCall(key, WORLD, step.name, account="replies"), "llm", "m", 0.5)
    requests.begin(intent)
    container.reply_holds.hold(WORLD, "llm", 0.5)
    requests.record_answer(intent, Usage(0.25, 1, 1), {"content": ""})
    container.reply_holds.capture(WORLD, 0.5, 0.25, since=0)
    assert place.replies.status(WORLD, NOW).spent_usd == 0.25
    assert told(place)["llm_cost_total"] == 0.25
    for holds in (container.holds, container.reply_holds):
        assert not holds.reconcile(WORLD, 0)
        assert not holds.reconcile(WORLD, 0), "each counts its own"
    assert container.holds.spent_usd(WORLD) == 0


def test_whether_a_comment_was_taken_up_is_asked_of_an_index(place: Place, step: Step) -> None:
    db = place.container.database.database
    db.command("profile", 2)
    mine = place.said(step.name)
    assert place.container.reply_accounts.known(WORLD, [mine, "another"]) == {mine}
    place.heard()
    db.command("profile", 0)
    asked = [
        row
        for row in db["system.profile"].find({"command.find": "generation_steps"})
        if any(name.startswith("checkpoints") for name in row["command"]["filter"])
    ]
    assert len(asked) >= 2
    assert {row["planSummary"] for row in asked} == {
        "IXSCAN { world_id: 1, checkpoints.heard.comment_id: 1 }"
    }
    assert max(row["docsExamined"] for row in asked) <= 2
