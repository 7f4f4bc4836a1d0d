"""Stopping a world and going on with it, in the database: what its status says is what counts."""

from __future__ import annotations

import pytest

from generia_worker.engine.step import StepState
from generia_worker.errors import ConflictError, NotFoundError
from generia_worker.storage.database import Database
from generia_worker.worlds.control import Control
from generia_worker.worlds.steps import POST
from tests.books import WORLD, Books

FAILED = POST.step(1, 2)


@pytest.fixture
def books(database: Database) -> Books:
    """A world of two characters and three posts, of which one has failed; all else is done."""
    books = Books(database)
    books.order()
    books.open()
    books.cast([2, 1])
    failure = {"reason": "HTTP 403", "kind": "PermanentError"}
    books.change(FAILED, state=StepState.FAILED.value, failure=failure)
    books.finish_all()
    return books


@pytest.fixture
def control(books: Books) -> Control:
    return Control(books.database, books.generations, books.rows, books.status)


def test_whose_end_was_told_cannot_be_cancelled_though_it_is_not_closed(
    books: Books, control: Control
) -> None:
    books.status.project(WORLD)
    assert books.generations.is_open(WORLD)
    with pytest.raises(ConflictError, match="ended already"):
        control.cancel(WORLD)
    assert not books.generations.get(WORLD).cancelled


def test_what_failed_of_a_world_that_ended_as_it_was_cancelled_can_be_tried_again(
    books: Books, control: Control
) -> None:
    control.cancel(WORLD)
    with pytest.raises(ConflictError, match="resume it"):
        control.retry(WORLD)
    assert books.told().status == "completed", "there was nothing left to cancel"
    control.retry(WORLD)
    assert books.rows.states(WORLD)[FAILED] is StepState.PENDING
    assert not books.generations.get(WORLD).cancelled


def test_a_world_that_was_reopened_can_be_cancelled_at_once(books: Books, control: Control) -> None:
    assert books.told().status == "completed"
    control.retry(WORLD)
    control.cancel(WORLD)
    assert books.generations.get(WORLD).cancelled


def test_nobody_cancels_what_was_never_ordered(control: Control) -> None:
    with pytest.raises(NotFoundError):
        control.cancel("nobody")
