"""Asking the model for a document: render, call, read, check, and ask again when it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from generia_worker.errors import AnswerTooLongError, InvalidAnswerError
from generia_worker.observability import metrics
from generia_worker.providers.answers import parse_answer
from generia_worker.providers.llm import Message
from generia_worker.providers.schema import strict_schema
from generia_worker.worlds.content import Content
from generia_worker.worlds.context import StepRun
from generia_worker.worlds.services import Tools

T = TypeVar("T", bound=Content)
#: Returns what is wrong with a document, in lines that the model can act upon.
Check = Callable[[T], list[str]]

#: An answer that was cut off is asked for again with so many times the tokens.
_LONGER = 2
_MOST_TOKENS = 32_000


def ask(
    run: StepRun,
    tools: Tools,
    model: type[T],
    template: str,
    variables: dict[str, Any],
    *,
    purpose: str = "text",
    check: Check[T] | None = None,
) -> T:
    """Ask for a document of type `model` with a template of `prompts/`.

    The model is shown what was wrong and asked again, at most `max_reasks` times.

    Raises:
        InvalidAnswerError: it still does not fit.
        TransientError, PermanentError, BudgetExceeded: of the call.
    """
    system, user = tools.prompts.render(template, **variables)
    opening = (Message("system", system), Message("user", user))
    messages: tuple[Message, ...] = opening
    schema = strict_schema(model)
    max_tokens = tools.settings.llm_max_tokens
    error: InvalidAnswerError | None = None
    for question in range(tools.settings.max_reasks + 1):
        if question:
            metrics.asked_again()
        answer = tools.paid.text(
            run,
            f"{purpose}.{question}",
            messages,
            schema_name=model.schema_name,
            schema=schema,
            schema_instruction=tools.prompts.schema_instruction(schema),
            max_tokens=max_tokens,
        )
        try:
            if answer.too_long:
                raise AnswerTooLongError(f"The answer was cut off at {max_tokens} tokens.")
            document = parse_answer(answer.content, model)
            problems = check(document) if check else []
            if not problems:
                return document
            raise InvalidAnswerError("The answer does not fit what was asked.", problems)
        except AnswerTooLongError as problem:
            error = problem
            messages, max_tokens = opening, min(max_tokens * _LONGER, _MOST_TOKENS)
        except InvalidAnswerError as problem:
            error = problem
            again = Message("user", tools.prompts.reask(problem.problems))
            messages = (*opening, Message("assistant", answer.content[:20_000]), again)
    assert error is not None
    shown = "; ".join(error.problems)[:300]
    message = f"The model's answer did not fit after {tools.settings.max_reasks + 1} questions: {shown}"
    raise InvalidAnswerError(message, error.problems)
