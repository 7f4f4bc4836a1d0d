"""Steps that wait for all steps of other kinds, on a real MongoDB: opened once, however many look, and found when lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from generia_worker.engine.step import Step
from generia_worker.storage.database import Database
from generia_worker.worlds.results import Delivered
from generia_worker.worlds.steps import DELIVER, POST, REACT
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
