"""Reads what a model answered: finds the JSON object, repairs what models usually get wrong, validates it.

What was cut off is never completed, and what is missing is never invented: that is asked for again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from generia_worker.errors import InvalidAnswerError
from generia_worker.providers.latex import repair_strings
from generia_worker.text import clip, storable

T = TypeVar("T", bound=BaseModel)

#: Longer answers are not even looked at, in characters.
CONTENT_MAX = 1_000_000
_CANDIDATES_MAX = 10
_DEPTH_MAX = 40
_THOUGHT_ENDS = re.compile(r"</think(?:ing)?>")
_BEGINS_OBJECT = re.compile(r'\{\s*(?:"|$)')
#: A string, up to the end of the text when it is not closed, or a bracket.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def parse_answer(content: str, model: type[T]) -> T:
    """Return the first JSON object of an answer that fits `model`.

    Fences, prose and what was thought aloud (all before a `</think>`) are passed over; trailing commas, comments, raw
    control characters, halves of characters and unescaped LaTeX in it are repaired; null stands for the default where there
    is one. A document in a string, or alone in another object (`{"response": {…}}`), is taken out.

    Raises:
        InvalidAnswerError: there is no such object; `problems` are lines that a model can act upon.
    """
    if len(content) > CONTENT_MAX:
        raise InvalidAnswerError(f"The answer is longer than {CONTENT_MAX} characters.")
    text = _unquoted(_after_thoughts(content))
    problem: InvalidAnswerError | None = None
    longest = 0
    for candidate in _objects(text):
        try:
            return _unwrapped(_loads(repair_strings(candidate)), model)
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
    for start, end in islice(_spans(text), _CANDIDATES_MAX):
        if end is not None:
            yield text[start:end]
        elif _BEGINS_OBJECT.match(text, start):
            raise InvalidAnswerError("The JSON object is not complete: it ends before its closing brace.")


def _spans(text: str) -> Iterator[tuple[int, int | None]]:
    """Yield where the objects that stand beside one another begin and end (None: one does not), from left to right."""
    position = text.find("{")
    while position >= 0:
        end = _closing(text, position)
        yield position, end
        position = text.find("{", position + 1 if end is None else end)


def _after_thoughts(text: str) -> str:
    """Return what follows the last `</think>` that stands outside of all objects; their strings may hold one, too."""
    ends = [*_THOUGHT_ENDS.finditer(text)]
    if not ends:
        return text
    whole = ((start, stop) for start, stop in _spans(text) if stop is not None)
    spans = [*islice(whole, _CANDIDATES_MAX)]
    outside = [end for end in ends if not any(start < end.start() < stop for start, stop in spans)]
    return text[outside[-1].end() :] if outside else text


def _unquoted(text: str) -> str:
    """Return the text of an answer that is one JSON string; any other answer as it is."""
    stripped = text.strip()
    if not stripped.startswith('"'):
        return text
    try:
        inner = json.loads(stripped)
    except ValueError:
        return text
    return inner if isinstance(inner, str) else text


def _unwrapped(value: Any, model: type[T]) -> T:
    """Return a document, also one that is the only member of another object, or its text is."""
    try:
        return _validated(value, model)
    except InvalidAnswerError:
        inner = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else None
        with suppress(InvalidAnswerError):
            if isinstance(inner, str) and inner.lstrip().startswith("{"):
                inner = _loads(repair_strings(inner))
            if isinstance(inner, dict):
                return _validated(inner, model)
        raise


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
    without_comments = _STRING_OR_COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else "", text)
    without_commas = _STRING_OR_COMMA.sub(lambda m: "" if m[0] == "," else m[0], without_comments)
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
        return model.model_validate(_without_nulls(storable(value)))
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
