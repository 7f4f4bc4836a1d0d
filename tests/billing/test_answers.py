"""What a model answers is billed, whatever it is: a refusal in words, and what MongoDB does not take."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from generia_worker.billing.calls import MeteredCalls, TextQuestion
from generia_worker.billing.prices import PriceTable
from generia_worker.billing.requests import PaidCall
from generia_worker.client.order import Order
from generia_worker.errors import AnswerRefused, TransientError
from generia_worker.providers.llm import ChatAnswer, ChatRequest, Message
from generia_worker.providers.usage import Provider, Usage
from generia_worker.storage.database import Database, Document
from tests.books import WORLD, Books

QUESTION = TextQuestion((Message("user", "?"),), "post", {}, {}, "", 100)
#: MongoDB takes no document of more than 16 MiB.
TOO_LARGE = 17 * 1024 * 1024


def asked(database: Database, answer: ChatAnswer, error: type[Exception]) -> Document:
    """Let a model answer like this; returns how the call was recorded."""
    books = Books(database)
    order = Order(world_id=WORLD, user_prompt="A village of lighthouse keepers", users_count=1, posts_count=1)
    books.generations.accept(order, limits={"llm": 3, "images": 0}, batches=1)
    slots: Any = SimpleNamespace(hold=nullcontext, pause=lambda _: None)
    both: dict[Provider, Any] = {"llm": slots, "images": slots}

    def complete(_: ChatRequest) -> ChatAnswer:
        return answer

    model: Any = SimpleNamespace(model="m", complete=complete)
    images: Any = SimpleNamespace()
    prices = PriceTable(1.0, 1.0, 0.1)
    calls = MeteredCalls(model, images, books.requests, books.holds, prices, books.bills, both, patience_s=1)
    with pytest.raises(error):
        calls.text(PaidCall("a", WORLD, "describe"), QUESTION)
    row = database.requests.find_one({"call": "a"})
    assert row is not None
    return row


def test_a_refusal_is_billed_and_told(database: Database) -> None:
    answer = ChatAnswer("", "stop", "m", None, None, Usage(0.25, 1, 1), refusal="I can't help with that.")
    row = asked(database, answer, AnswerRefused)
    assert (row["state"], row["cost_usd"]) == ("spoiled", 0.25)
    assert "I can't help with that." in row["error"]


def test_an_answer_that_moderation_withheld_is_a_refusal(database: Database) -> None:
    answer = ChatAnswer("", "content_filter", "m", None, None, Usage(0.25, 1, 1))
    row = asked(database, answer, AnswerRefused)
    assert (row["state"], row["cost_usd"]) == ("spoiled", 0.25)


@pytest.mark.parametrize("content", ["x" * TOO_LARGE, "\ud83d"], ids=["too large", "half a character"])
def test_the_bill_of_an_answer_that_cannot_be_stored_is_stored_without_it(
    database: Database, content: str
) -> None:
    row = asked(database, ChatAnswer(content, "stop", "m", None, None, Usage(0.25, 1, 1)), TransientError)
    assert (row["state"], row["cost_usd"], row["answer"]) == ("spoiled", 0.25, {})
    assert "cannot be stored" in row["error"]
