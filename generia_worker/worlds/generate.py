"""Generating a document: render the prompt, call the model, read and check its answer, and ask again when it doesn't fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from generia_worker.billing.calls import TextAnswer, TextQuestion
from generia_worker.errors import AnswerRefused, AnswerTooLongError, InvalidAnswerError
from generia_worker.observability import metrics
from generia_worker.providers.answers import parse_answer
from generia_worker.providers.llm import Message
from generia_worker.providers.schema import bounded_schema, strict_schema
from generia_worker.worlds.context import Services, StepContext
from generia_worker.worlds.documents import Content

T = TypeVar("T", bound=Content)
#: Returns what is wrong with a document, in lines that the model can act upon.
Check = Callable[[T], list[str]]

#: By how much the token limit grows when an answer was cut off.
_LONGER = 2
_MOST_TOKENS = 32_000
#: As much of a wrong answer is shown to the model again, in characters.
_SHOWN_MAX = 20_000


def generate(
    ctx: StepContext,
    services: Services,
    model: type[T],
    template: str,
    variables: dict[str, Any],
    *,
    purpose: str = "text",
    planned: bool = True,
    patient: bool = False,
    check: Check[T] | None = None,
    counts: Mapping[str, int] | None = None,
) -> T:
    """Return a document of type `model`, written by the text model from a template of `prompts/`.

    The model is shown what was wrong and asked again, at most `max_reasks` times. `planned`: the first question is among
    the `text_calls` of the step's spec. `patient`: what is made of it is stored next (a checkpoint, the result) with nothing
    in between that takes time or may fail, so that bill and answer of the first question are stored in the same write.
    `counts` are lists of the document that should have exactly so many items: servers
    are told that can hold a model to it, and whoever asks looks at what came.

        draft = generate(ctx, services, PostDraft, "write_post", {"world": …, "post": …})

    Raises:
        InvalidAnswerError: it still does not fit.
        AnswerRefused: the model declined twice.
        TransientError, PermanentError, BudgetExceeded: of the call.
    """
    system, user = services.prompts.render(template, **variables)
    opening = (Message("system", system), Message("user", user))
    messages: tuple[Message, ...] = opening
    schema = strict_schema(model)
    bounded = bounded_schema(model, counts or {})
    instruction = services.prompts.schema_instruction(schema)
    max_tokens = services.settings.llm_max_tokens
    error: InvalidAnswerError | None = None
    refused = False
    for number in range(services.settings.max_reasks + 1):
        if number:
            metrics.asked_again()
        question = TextQuestion(messages, model.schema_name, schema, bounded, instruction, max_tokens)
        try:
            answer = services.calls.text(
                ctx.text_call(f"{purpose}.{number}", planned=planned and not number, patient=patient),
                question,
            )
        except AnswerRefused:
            # Another try may be answered; who declines twice means it.
            if refused or number == services.settings.max_reasks:
                raise
            refused = True
            continue
        try:
            return _read(answer, model, check, max_tokens)
        except AnswerTooLongError as problem:
            error = problem
            messages, max_tokens = opening, min(max_tokens * _LONGER, _MOST_TOKENS)
        except InvalidAnswerError as problem:
            error = problem
            again = Message("user", services.prompts.reask(problem.problems))
            messages = (*opening, Message("assistant", answer.content[:_SHOWN_MAX]), again)
    assert error is not None
    shown = "; ".join(error.problems)[:300]
    message = f"The model's answer did not fit after {services.settings.max_reasks + 1} questions: {shown}"
    raise InvalidAnswerError(message, error.problems)


def _read(answer: TextAnswer, model: type[T], check: Check[T] | None, max_tokens: int) -> T:
    """Return the document of an answer. Raises InvalidAnswerError."""
    if answer.too_long:
        raise AnswerTooLongError(f"The answer was cut off at {max_tokens} tokens.")
    document = parse_answer(answer.content, model)
    problems = check(document) if check else []
    if problems:
        raise InvalidAnswerError("The answer does not fit what was asked.", problems)
    return document
