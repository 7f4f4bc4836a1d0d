"""Generating a document: what is asked again, how, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from generia_worker.billing.calls import TextAnswer
from generia_worker.errors import AnswerRefused, InvalidAnswerError, TransientError
from generia_worker.providers.llm import Message
from generia_worker.worlds.documents import PostDraft
from generia_worker.worlds.generate import Check, generate
from tests.worlds.doubles import Model, context, services

DRAFT = PostDraft(content="A cat.", image_prompt="a cat")


def ask(model: Model, check: Check[PostDraft] | None = None, **settings: Any) -> PostDraft:
    around = services(model, {}, settings={"max_reasks": 2, "llm_max_tokens": 1000} | settings)
    return generate(context("post/1/1", around), around, PostDraft, "write_post", {"n": 1}, check=check)


def test_an_answer_that_fits_is_asked_for_once() -> None:
    model = Model(DRAFT)
    assert ask(model) == DRAFT
    ((call, question),) = model.asked
    assert call.key == "w1/post/01/01#1.0.text.0"
    assert question.messages == (Message("system", "system"), Message("user", "user 1"))
    assert (question.schema_name, question.max_tokens) == ("post", 1000)
    assert question.schema["required"] == list(PostDraft.model_fields)
    assert model.rendered == [("write_post", {"n": 1})]


def test_the_model_is_shown_what_was_wrong() -> None:
    model = Model("no JSON at all", '{"content": "x"}', DRAFT)
    assert ask(model) == DRAFT
    assert model.keys == ["0.text.0", "0.text.1", "0.text.2"]
    opening = model.asked[0][1].messages
    second, third = (question.messages for _, question in model.asked[1:])
    assert second[:2] == third[:2] == opening
    assert second[2:] == (
        Message("assistant", "no JSON at all"),
        Message("user", "The answer holds no JSON object."),
    )
    assert third[2].content == '{"content": "x"}'
    assert "image_prompt" in third[3].content


def test_what_a_check_finds_wrong_is_asked_again() -> None:
    def check(draft: PostDraft) -> list[str]:
        return [] if "dog" in draft.content else ["content: name a dog"]

    dog = DRAFT.model_copy(update={"content": "A dog."})
    model = Model(DRAFT, dog)
    assert ask(model, check) == dog
    assert model.asked[1][1].messages[3].content == "content: name a dog"


def test_an_answer_that_was_cut_off_is_asked_for_with_more_room_and_not_shown() -> None:
    model = Model(*[TextAnswer("half of it", too_long=True)] * 2, DRAFT)
    assert ask(model) == DRAFT
    assert [question.max_tokens for _, question in model.asked] == [1000, 2000, 4000]
    assert {len(question.messages) for _, question in model.asked} == {2}
    model = Model(*[TextAnswer("half of it", too_long=True)] * 2, DRAFT)
    ask(model, llm_max_tokens=20_000)
    assert [question.max_tokens for _, question in model.asked] == [20_000, 32_000, 32_000]


def test_after_a_cut_the_wrong_answer_before_it_is_not_shown_either() -> None:
    model = Model("?", TextAnswer("half of it", too_long=True), DRAFT)
    assert ask(model) == DRAFT
    assert [len(question.messages) for _, question in model.asked] == [2, 4, 2]


def test_after_so_many_questions_the_step_is_told_why() -> None:
    model = Model(*["?"] * 3)
    with pytest.raises(InvalidAnswerError, match="did not fit after 3 questions: The answer holds no JSON"):
        ask(model)
    assert len(model.asked) == 3
    model = Model("?")
    with pytest.raises(InvalidAnswerError, match="after 1 questions"):
        ask(model, max_reasks=0)


def test_a_model_that_declines_is_asked_once_more_and_then_believed() -> None:
    no = AnswerRefused("The text model declines: no.")
    model = Model(no, DRAFT)
    assert ask(model) == DRAFT
    model = Model(no, no, DRAFT)
    with pytest.raises(AnswerRefused):
        ask(model)
    assert len(model.asked) == 2
    model = Model(no, DRAFT)
    with pytest.raises(AnswerRefused):
        ask(model, max_reasks=0)


def test_what_the_call_raises_is_not_asked_again() -> None:
    class Away(Model):
        def text(self, *_: Any) -> TextAnswer:
            raise TransientError("502")

    with pytest.raises(TransientError):
        ask(Away())
