"""Steps that wait for all steps of other kinds, on a real MongoDB: opened once, however many look, and found when lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from generia_worker.engine.specs import StepSpec
from generia_worker.engine.step import Step, StepState
from generia_worker.engine.step_rows import StepRows
from generia_worker.storage.database import Database
from generia_worker.worlds.results import Delivered
from generia_worker.worlds.steps import DELIVER, POST, REACT, STEPS
from tests.books import WORLD, Books, in_parallel


@pytest.fixture
def talking(database: Database) -> Books:
    """A world of two characters with a post each, whose characters are to react."""
    books = Books(database)
    books.order(users_count=2, posts_count=2, reactions="some")
    books.open()
    books.cast([1, 1], options=("reactions",))
    return books


def test_what_waits_is_opened_when_the_last_one_has_ended_however_that_was(talking: Books) -> None:
    rows = talking.rows
    assert rows.open_waiting(WORLD, REACT) == []
    talking.finish(POST.step(1, 1))
    assert rows.open_waiting(WORLD, REACT) == []
    talking.claim(POST.step(2, 1))
    assert rows.open_waiting(WORLD, REACT) == [], "it may still fail, or be done"
    talking.change(POST.step(2, 1), state="failed")
    assert sorted(rows.open_waiting(WORLD, REACT)) == [REACT.step(1), REACT.step(2)]
    assert rows.open_waiting(WORLD, REACT) == [], "each is opened once"
    assert rows.open_waiting(WORLD, DELIVER) == []


def test_each_is_opened_by_one_of_many_who_try(talking: Books) -> None:
    for number in (1, 2):
        talking.finish(POST.step(number, 1))
    opened: list[Step] = []
    in_parallel(lambda _: opened.extend(talking.rows.open_waiting(WORLD, REACT)), 8)
    assert sorted(opened) == [REACT.step(1), REACT.step(2)]


class LaidOutMeanwhile:
    """A collection that lets something happen right before the n-th operation on it, from 0."""

    def __init__(self, rows: Any, at: int, happens: Callable[[], object]) -> None:
        self._rows, self._left, self._happens = rows, at, happens

    def __getattr__(self, name: str) -> Any:
        if self._left == 0:
            self._happens()
        self._left -= 1
        return getattr(self._rows, name)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("spec", [spec for spec in STEPS if spec.waits_for], ids=lambda spec: spec.kind)
def test_what_is_laid_out_while_somebody_looks_is_not_opened(
    database: Database, spec: StepSpec[Any], at: int
) -> None:
    books = Books(database)
    books.order(users_count=2, posts_count=2, reactions="some")
    books.open()
    rows = StepRows(database, STEPS)
    happened: list[bool] = []

    def lay_out() -> None:
        books.cast([1, 1], options=("reactions",))
        happened.append(True)

    rows._rows = LaidOutMeanwhile(database.steps, at, lay_out)  # type: ignore[assignment]
    assert rows.open_waiting(WORLD, spec) == []
    # Without anything that waits there are two looks, of which the second finds nothing.
    assert bool(happened) == (at < 2)
    if not happened:
        lay_out()
    assert rows.open_waiting(WORLD, spec) == []
    assert books.rows.states(WORLD)[spec.step(1)] is StepState.PENDING


def test_one_that_was_opened_and_whose_message_is_lost_is_found(talking: Books) -> None:
    for number in (1, 2):
        talking.finish(POST.step(number, 1))
    moment = talking.database.now() + timedelta(seconds=5)
    assert talking.recovery.lost(["react"], moment, 10) == [], "nobody published it"
    talking.rows.open_waiting(WORLD, REACT)
    found = talking.recovery.lost(["react"], moment, 10)
    assert sorted(one.step for one in found) == [REACT.step(1), REACT.step(2)]


def test_numbers_of_results_are_added_up(talking: Books) -> None:
    fields = {"likes_created": "likes", "comments_created": "comments"}
    assert talking.rows.sums(WORLD, "deliver", fields) == dict.fromkeys(fields, 0)
    talking.finish(DELIVER.step(1), Delivered(likes=3, comments=1))
    talking.finish(DELIVER.step(2), Delivered(likes=4, comments=0))
    assert talking.rows.sums(WORLD, "deliver", fields) == {"likes_created": 7, "comments_created": 1}
    told = talking.told()
    assert (told.likes_created, told.comments_created) == (7, 1)
