"""Text: one attempt at one chat completion, of OpenRouter or any server that speaks OpenAI's API."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from generia_worker.errors import GeneriaError, TransientError
from generia_worker.observability import metrics
from generia_worker.providers.http import HttpPool, HttpReply
from generia_worker.providers.refusals import read_json, refusal, said
from generia_worker.providers.usage import Usage

#: Names the request of a step in a proxy's log; providers ignore it.
REQUEST_HEADER = "X-Generia-Request"
_ANSWER_MAX_BYTES = 4_000_000
_FORMAT_WORDS = (
    "response_format",
    "json_schema",
    "json_object",
    "structured output",
    "require_parameters",
    # OpenRouter's words for: no provider of this model has what require_parameters insists on.
    "requested parameters",
)


class FormatUnsupported(GeneriaError):  # noqa: N818
    """Raised when the server refuses the response format; the next one is remembered: ask again at once."""


class ResponseFormat(IntEnum):
    """How a server is asked for JSON, from the best to what always works."""

    JSON_SCHEMA = 0
    JSON_OBJECT = 1
    PROMPT = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to ask. `schema_instruction` is appended to the system message where the server takes no schema."""

    messages: tuple[Message, ...]
    schema_name: str
    schema: dict[str, Any]
    schema_instruction: str
    max_tokens: int
    request_id: str


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What was billed: also an answer that is empty, cut off or broken off (`error`) was."""

    content: str
    finish_reason: str | None
    model: str
    provider: str | None
    response_id: str | None
    usage: Usage
    error: str | None = None


class FormatMemory:
    """Remembers which response format each (server, model) takes; shared by all threads."""

    def __init__(self) -> None:
        self._formats: dict[tuple[str, str], ResponseFormat] = {}
        self._lock = threading.Lock()

    def get(self, base_url: str, model: str) -> ResponseFormat:
        """Return the format to use now."""
        return self._formats.get((base_url, model), ResponseFormat.JSON_SCHEMA)

    def step_down(self, base_url: str, model: str, refused: ResponseFormat) -> None:
        """Remember that a format was refused; a refusal that others noticed before changes nothing."""
        with self._lock:
            if self.get(base_url, model) == refused and refused < ResponseFormat.PROMPT:
                self._formats[base_url, model] = ResponseFormat(refused + 1)


class LlmClient:
    """Makes one attempt at a text call; who calls decides about another."""

    def __init__(
        self,
        pool: HttpPool,
        *,
        base_url: str,
        api_key: str,
        model: str,
        temperature: float,
        timeout_s: float,
        formats: FormatMemory,
        openrouter: bool,
    ) -> None:
        self.model = model
        self._pool = pool
        self._base_url = base_url
        self._api_key = api_key
        self._temperature = temperature
        self._timeout_s = timeout_s
        self._formats = formats
        self._openrouter = openrouter

    @metrics.timed("llm")
    def complete(self, request: ChatRequest) -> ChatAnswer:
        """Ask once.

        Raises:
            FormatUnsupported: the server refuses the response format; asking again uses the next one.
            TransientError: another attempt may succeed; `outcome_unknown` when this one may have been billed.
            PermanentError: the request is refused; `fatal_to_world` for a wrong key or no credit.
        """
        response_format = self._formats.get(self._base_url, self.model)
        reply = self._pool.exchange(
            "POST",
            f"{self._base_url}/chat/completions",
            headers=self._headers(request),
            json=self._body(request, response_format),
            deadline_s=self._timeout_s,
            max_bytes=_ANSWER_MAX_BYTES,
        )
        value = read_json(reply.body)
        if reply.status != 200:
            raise self._refused(reply, said(value), response_format)
        if not isinstance(value, dict):
            message = "The text provider's answer is no JSON."
            raise TransientError(message, outcome_unknown=True)
        choices = value.get("choices")
        if not choices and not isinstance(value.get("usage"), dict):
            code = value["error"].get("code") if isinstance(value.get("error"), dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            error = self._refused(reply, said(value), response_format, status)
            if isinstance(error, TransientError):
                error.outcome_unknown = True  # an error inside a 200 comes after generation has begun
                error.outage = False
            raise error
        return self._answer(value, choices[0] if isinstance(choices, list) and choices else {})

    def _refused(
        self, reply: HttpReply, detail: str, used: ResponseFormat, status: int | None = None
    ) -> GeneriaError:
        status = reply.status if status is None else status
        about_format = any(word in detail.lower() for word in _FORMAT_WORDS)
        if status in (400, 404, 422) and about_format and used is not ResponseFormat.PROMPT:
            self._formats.step_down(self._base_url, self.model, used)
            return FormatUnsupported(detail)
        return refusal("text", status, detail, reply, "OPENROUTER_API_KEY or GENERIA_LLM_API_KEY")

    def _headers(self, request: ChatRequest) -> dict[str, str]:
        headers = {REQUEST_HEADER: request.request_id.encode("ascii", "replace").decode()}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        if self._openrouter:
            headers["X-Title"] = "Generia"
        return headers

    def _body(self, request: ChatRequest, response_format: ResponseFormat) -> dict[str, Any]:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "temperature": self._temperature,
            "max_tokens": request.max_tokens,
        }
        if self._openrouter:
            body["usage"] = {"include": True}
            if response_format is not ResponseFormat.PROMPT:
                # Without it a provider that lacks structured output ignores it in silence.
                body["provider"] = {"require_parameters": True}
        if response_format is ResponseFormat.JSON_SCHEMA:
            schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
            return body
        messages[0]["content"] += f"\n\n{request.schema_instruction}"
        if response_format is ResponseFormat.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        return body

    def _answer(self, value: dict[str, Any], choice: Any) -> ChatAnswer:
        choice = choice if isinstance(choice, dict) else {}
        message = choice.get("message") if isinstance(choice.get("message"), dict) else {}
        content = message.get("content")
        error = choice.get("error") or value.get("error")
        finish = choice.get("finish_reason")
        broken = said(error) or "it gave no reason" if error or finish == "error" else None
        if not choice and broken is None:
            broken = "it sent no choices"
        return ChatAnswer(
            content=content if isinstance(content, str) else "",
            finish_reason=finish if isinstance(finish, str) else None,
            model=str(value.get("model") or self.model)[:200],
            provider=str(value["provider"])[:200] if value.get("provider") else None,
            response_id=str(value["id"])[:200] if value.get("id") else None,
            usage=_usage(value.get("usage")),
            error=broken,
        )


def _usage(usage: Any) -> Usage:
    """Read what was billed; a cost that is missing or no number is None, never 0 in silence."""
    usage = usage if isinstance(usage, dict) else {}
    cost = usage.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < 1e6:
        cost = None
    tokens = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return Usage(None if cost is None else float(cost), *tokens)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else 0
