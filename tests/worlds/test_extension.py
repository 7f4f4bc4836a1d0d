"""Extending a world, in the database: one transaction, done once, with money of its own; and what recovery then finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from generia_worker.billing.requests import Intent, PaidCall
from generia_worker.client.order import Extension
from generia_worker.engine.step import Step, StepState
from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.providers.usage import Usage
from generia_worker.storage.database import Database, Document
from generia_worker.worlds.documents import Cast, CharacterConcept
from generia_worker.worlds.extension import CHARACTERS_MAX, ROUNDS_MAX, Extensions, Terms
from generia_worker.worlds.results import CreatedCharacter, PublishedPost
from generia_worker.worlds.steps import CAST, CHARACTER, FINISH, PICTURE, STEPS
from tests.books import WORLD, Books
from tests.worlds.doubles import detail

of = STEPS.parse
FREE = Terms({"llm": 9, "images": 9}, None, None)


class Ended(Books):
    """A world of two characters and three posts that is completed, and may be extended."""

    def __init__(self, database: Database, **ordered: Any) -> None:
        super().__init__(database)
        self.order(**ordered)
        self.open()
        self.cast([2, 1])
        people = [CharacterConcept(concept=name, concept_short=name, posts_count=2) for name in ("Ada", "Bo")]
        made = {
            CAST.kind: Cast(characters=people),
            CHARACTER.kind: CreatedCharacter(detail=detail("Ada"), character_id="c"),
            PICTURE.kind: PublishedPost(post_id="p", media_id="m"),
        }
        for step in self.rows.states(WORLD):
            self.finish(step, made.get(step.kind))
        assert self.told().status == "completed"
        self.extensions = Extensions(
            database, self.generations, self.rows, self.results, self.status, self.holds
        )

    def extend(self, users: int, posts: int, terms: Terms = FREE, request_id: str | None = None) -> bool:
        """Extend the world as it is now."""
        asked = Extension(users_count=users, posts_count=posts, request_id=request_id)
        found = self.extensions.check(WORLD, asked)
        return found is not None and self.extensions.extend(found, asked, -(-users // 10), terms)

    def bill(self, step: Step, usd: float, *, planned: bool = False) -> None:
        """Record a call that was made and billed."""
        key = f"{step.key(WORLD)}#1.x"
        intent = Intent(key, PaidCall(key, WORLD, step.name, True), "llm", "m", usd, planned=planned)
        self.requests.begin(intent)
        self.requests.record_answer(intent, Usage(usd, 1, 1), {"content": ""}, spoiled=None)

    def of_world(self) -> Document:
        """Return the world's row."""
        return self.database.generations.find_one({"_id": WORLD}) or {}


@pytest.fixture
def books(database: Database) -> Ended:
    return Ended(database)


def waiting(books: Books) -> set[str]:
    return {step.name for step, state in books.rows.states(WORLD).items() if state is StepState.PENDING}


# --- what is stored ----------------------------------------------------------------------------------------------------
def test_new_characters_begin_with_their_cast(books: Ended) -> None:
    assert books.extend(12, 5)
    assert waiting(books) == {"cast/0@2", "cast/1@2", "fan_out@2", "finish"}
    order = books.generations.get(WORLD)
    assert (order.users_count, order.posts_count, order.run, len(order.rounds)) == (14, 8, 2, 2)
    assert books.row(of("cast/0@2"))["ready_at"] is not None
    assert books.row(of("cast/1@2"))["ready_at"] is None
    assert books.row(of("fan_out@2"))["after"] == of("cast/1@2").key(WORLD)
    told = books.told()
    assert (told.status, told.users_predicted, told.posts_predicted, told.extensions) == (
        "in_progress",
        14,
        8,
        1,
    )
    assert told.finished_at is None
    assert told.task_predicted > 0


def test_posts_alone_are_all_laid_out_at_once(books: Ended) -> None:
    assert books.extend(0, 3)
    order = books.generations.get(WORLD)
    assert order.rounds[1].shares == {1: 1, 2: 2}, "who has less writes more"
    assert waiting(books) == {step.name for step in STEPS.of_round(order.rounds[1])} | {"fan_out@2", "finish"}
    assert books.row(of("plan/1@2"))["after"] == of("fan_out@2").key(WORLD)
    assert books.told().task_predicted == 0
    for step in books.rows.states(WORLD):
        if step.round == 2 or step == FINISH.step():
            made = PublishedPost(post_id=step.name, media_id="m") if step.kind == PICTURE.kind else None
            books.finish(step, made)
    told = books.told()
    assert (told.status, told.users_created, told.posts_created) == ("completed", 2, 6)
    assert told.tasks_completed == told.tasks_total


def test_who_was_never_made_writes_nothing(books: Ended) -> None:
    books.change(of("character/1"), state="failed")
    assert books.extend(0, 3)
    assert books.generations.get(WORLD).rounds[1].shares == {2: 3}


def test_a_world_of_nobody_is_extended_by_characters_only(books: Ended) -> None:
    for number in (1, 2):
        books.change(of(f"character/{number}"), state="failed")
    with pytest.raises(ConflictError, match="no character that could write"):
        books.extend(0, 3)
    assert books.of_world()["run"] == 1, "nothing of it is stored"
    assert not books.of_world()["open"]


# --- once --------------------------------------------------------------------------------------------------------------
def test_the_same_request_is_one_extension(books: Ended) -> None:
    assert books.extend(0, 2, request_id="r")
    assert not books.extend(0, 2, request_id="r")
    assert len(books.generations.get(WORLD).rounds) == 2
    with pytest.raises(ConflictError, match="sent before"):
        books.extend(0, 3, request_id="r")
    with pytest.raises(ConflictError, match="still being made"):
        books.extend(0, 2)


def test_of_two_at_once_one_is_done(books: Ended) -> None:
    one, other = (Extension(posts_count=2, request_id=name) for name in ("a", "b"))
    checked = [books.extensions.check(WORLD, asked) for asked in (one, other, one)]
    assert all(checked)
    assert books.extensions.extend(checked[0], one, 0, FREE)  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match="try again"):
        books.extensions.extend(checked[1], other, 0, FREE)  # type: ignore[arg-type]
    assert not books.extensions.extend(checked[2], one, 0, FREE)  # type: ignore[arg-type]
    assert len(books.generations.get(WORLD).rounds) == 2


def test_what_cannot_be_held_leaves_nothing_behind(books: Ended) -> None:
    def refuse(*_: Any) -> Document:
        raise ConflictError("no money")

    with pytest.raises(ConflictError, match="no money"):
        books.extend(1, 1, Terms({"llm": 1, "images": 1}, None, 1.0, refuse))
    assert not books.of_world()["open"]
    assert "rounds" not in books.of_world()
    assert waiting(books) == set()


def test_whose_message_is_lost_is_found(books: Ended) -> None:
    books.extend(1, 1)
    later = datetime.now(UTC) + timedelta(minutes=1)
    found = books.recovery.lost(["cast", "fan_out", "plan"], later, 9)
    assert [one.step for one in found] == [of("cast/0@2")]


# --- refusals ----------------------------------------------------------------------------------------------------------
def test_a_world_that_nobody_ordered(books: Ended) -> None:
    with pytest.raises(NotFoundError):
        books.extensions.check("nobody", Extension(posts_count=1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "failed"}, "has failed: resume it first"),
        ({"status": "cancelled"}, "was cancelled: resume it first"),
        ({"status": "in_progress"}, "is still being made"),
        ({"status": "pending"}, "is still being made"),
    ],
)
def test_a_world_in_another_state(books: Ended, change: dict[str, str], words: str) -> None:
    books.database.status.update_one({"_id": WORLD}, {"$set": change})
    with pytest.raises(ConflictError, match=words) as caught:
        books.extend(0, 1)
    assert caught.value.code == "not_completed"


def test_a_world_is_full_at_some_time(books: Ended) -> None:
    grown = {"users_count": CHARACTERS_MAX - 1}
    books.database.generations.update_one({"_id": WORLD}, {"$set": grown})
    with pytest.raises(ConflictError, match=f"of {CHARACTERS_MAX} that it may have"):
        books.extend(2, 0)
    assert books.extensions.check(WORLD, Extension(users_count=1))
    one = {"users": 0, "posts": 0, "batches": 0, "shares": [], "planned": False, "at": datetime.now(UTC)}
    one |= {"given_up": None, "request_id": None, "request_hash": ""}
    books.database.generations.update_one({"_id": WORLD}, {"$set": {"rounds": [one] * (ROUNDS_MAX - 1)}})
    with pytest.raises(ConflictError, match="more is not possible"):
        books.extend(0, 1)


# --- money -------------------------------------------------------------------------------------------------------------
def test_planned_calls_of_an_extension_are_held_beside_those_of_before(database: Database) -> None:
    books = Ended(database)
    planned = {"llm": 4, "images": 3}
    change = {"planned": planned, "reserved": planned | {"usd": 0.0}}
    database.generations.update_one({"_id": WORLD}, {"$set": change})
    books.bill(of("post/1/1"), 0.1, planned=True)
    books.bill(of("post/1/2"), 0.2)
    books.extend(0, 1, Terms({"llm": 10, "images": 11}, {"llm": 2, "images": 1}, None))
    row = books.of_world()
    assert row["planned"] == {"llm": 6, "images": 4}
    assert row["reserved"] == {"llm": 7, "images": 4, "usd": 0.0}
    assert row["limits"] == {"llm": 15, "images": 14}, "what was planned or made, and what this may take"
    assert books.generations.get(WORLD).rounds[1].planned
    books.holds.reconcile(WORLD, 0)
    assert books.of_world()["drift"] is None, "what is held is what the calls say"


def test_a_budget_begins_where_the_world_stands(database: Database) -> None:
    books = Ended(database, budget=5.0)
    books.bill(of("post/1/1"), 0.25)
    books.extend(0, 1, Terms({"llm": 9, "images": 9}, None, 0.5))
    row = books.of_world()
    assert (row["budget_usd"], row["reserved"]["usd"], row["planned"]) == (0.75, 0.25, None)
    books.holds.reconcile(WORLD, 0)
    assert books.of_world()["drift"] is None
    order = books.generations.get(WORLD)
    assert not order.rounds[1].planned


def test_calls_that_were_planned_cost_nothing_of_a_later_budget(database: Database) -> None:
    books = Ended(database)
    planned = {"llm": 4, "images": 3}
    change = {"planned": planned, "reserved": planned | {"usd": 0.0}}
    database.generations.update_one({"_id": WORLD}, {"$set": change})
    books.bill(of("post/1/1"), 0.1, planned=True)
    books.extend(0, 1, Terms({"llm": 9, "images": 9}, None, 0.5))
    row = books.of_world()
    assert (row["budget_usd"], row["reserved"]["usd"]) == (0.5, 0.0)
    order = books.generations.get(WORLD)
    assert [one.planned for one in order.rounds] == [True, False]
    books.holds.reconcile(WORLD, 0)
    assert books.of_world()["drift"] is None


# --- given up, and taken up again --------------------------------------------------------------------------------------
def test_a_round_that_was_given_up_ends_and_may_be_tried_again(books: Ended) -> None:
    from generia_worker.worlds.control import Control

    books.extend(2, 3)
    claim = books.claim(of("cast/0@2"))
    failure: Any = {"reason": "No.", "kind": "PermanentError"}
    rest = [of("fan_out@2")]

    def give_up(session: Any) -> None:
        books.generations.give_up(WORLD, 2, failure, session)

    books.ledger.end_without_result(claim, StepState.FAILED, failure, rest, give_up)
    books.finish(FINISH.step())
    told = books.told()
    assert (told.status, told.tasks_failed, told.task_predicted) == ("completed", 1, 0)
    assert told.error is not None
    assert told.error.reason.startswith("2 of 4 characters and 3 of 6 posts could not be made: No.")
    Control(books.database, books.generations, books.rows, books.status).retry(WORLD)
    assert waiting(books) == {"cast/0@2", "fan_out@2", "finish"}
    assert books.row(of("cast/0@2"))["ready_at"] is not None
    assert books.row(of("fan_out@2"))["ready_at"] is None
    assert not books.generations.get(WORLD).is_laid_out
    assert books.told().status == "in_progress"
