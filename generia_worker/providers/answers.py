"""Reads what a model answered: finds the JSON object, repairs what models usually get wrong, validates it.

What was cut off is never completed, and what is missing is never invented: that is asked for again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from generia_worker.errors import InvalidAnswerError
from generia_worker.providers.latex import repair_strings
from generia_worker.text import clip

T = TypeVar("T", bound=BaseModel)

#: Longer answers are not even looked at, in characters.
CONTENT_MAX = 1_000_000
_CANDIDATES_MAX = 10
_DEPTH_MAX = 40
_THINKING = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_BEGINS_OBJECT = re.compile(r'\{\s*(?:"|$)')
#: A string, up to the end of the text when it is not closed, or a bracket.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)


def parse_answer(content: str, model: type[T]) -> T:
    """Return the first JSON object of an answer that fits `model`.

    Fences, prose and a leading <think> block around it are passed over; trailing commas, raw control characters and
    unescaped LaTeX in it are repaired; null stands for the default where there is one.

    Raises:
        InvalidAnswerError: there is no such object; `problems` are lines that a model can act upon.
    """
    if len(content) > CONTENT_MAX:
        raise InvalidAnswerError(f"The answer is longer than {CONTENT_MAX} characters.")
    text = _THINKING.sub("", content, count=1) if _THINKING.match(content) else content
    problem: InvalidAnswerError | None = None
    longest = 0
    for candidate in _objects(text):
        try:
            return _validated(_loads(repair_strings(candidate)), model)
        except InvalidAnswerError as error:
            # Braces in the prose around the document have problems too: those of the longest object are reported.
            if len(candidate) > longest:
                problem, longest = error, len(candidate)
    raise problem or InvalidAnswerError("The answer holds no JSON object.")


def _objects(text: str) -> Iterator[str]:
    """Yield the balanced objects of a text that stand beside one another, from left to right.

    Raises:
        InvalidAnswerError: one begins and does not end: a part of it must not be taken for the document.
    """
    position = text.find("{")
    for _ in range(_CANDIDATES_MAX):
        if position < 0:
            return
        end = _closing(text, position)
        if end is None:
            if _BEGINS_OBJECT.match(text, position):
                raise InvalidAnswerError("The JSON object is not complete: it ends before its closing brace.")
            position = text.find("{", position + 1)
            continue
        yield text[position:end]
        position = text.find("{", end)


def _closing(text: str, start: int) -> int | None:
    """Return where the object that begins at `start` ends; None when it does not."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text, start):
        if token[0] in ("{", "["):
            depth += 1
            if depth > _DEPTH_MAX:
                return None
        elif token[0] in ("}", "]"):
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        pass
    without_commas = _STRING_OR_COMMA.sub(lambda m: "" if m[0] == "," else m[0], text)
    try:
        return json.loads(without_commas, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        where = (
            f" at line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise InvalidAnswerError(f"The answer is not valid JSON{where}.") from None


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON number"
    raise ValueError(message)


def _validated(value: Any, model: type[T]) -> T:
    try:
        return model.model_validate(_without_nulls(value))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'the object'}: {clip(item['msg'], 200)}"
            for item in error.errors(include_input=False, include_url=False)[:10]
        ]
        raise InvalidAnswerError("The answer does not fit the schema.", problems) from None


def _without_nulls(value: Any) -> Any:
    """Leave out what is null: the default stands for it, or it counts as missing."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
