"""Text: one attempt at one chat completion, of OpenRouter or any server that speaks OpenAI's API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from generia_worker.errors import GeneriaError, PermanentError, TransientError
from generia_worker.observability import metrics
from generia_worker.providers.dialects import Dialect, Dialects, ResponseFormat
from generia_worker.providers.http import HttpPool, HttpReply
from generia_worker.providers.refusals import code_of, read_json, refusal, said
from generia_worker.providers.usage import Usage, dollars

#: Names the request of a step in a proxy's log; providers ignore it.
REQUEST_HEADER = "X-Generia-Request"
_ANSWER_MAX_BYTES = 4_000_000
#: What a server says whose address lacks a part.
_NO_ENDPOINT = re.compile(r"(?i)endpoint|route|path|method|not found")


class DialectRefused(GeneriaError):  # noqa: N818
    """Raised when the server refuses how it was asked; the next way is remembered: ask again at once."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to ask. `schema_instruction` is appended to the system message where the server takes no schema.

    `bounded_schema` says how many and how long, too: for servers that hold a model to it.
    """

    messages: tuple[Message, ...]
    schema_name: str
    schema: dict[str, Any]
    bounded_schema: dict[str, Any]
    schema_instruction: str
    max_tokens: int
    request_id: str


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What was billed: also an answer that is empty, cut off, broken off (`error`) or a refusal in words was."""

    content: str
    finish_reason: str | None
    model: str
    provider: str | None
    response_id: str | None
    usage: Usage
    error: str | None = None
    refusal: str | None = None


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
        dialects: Dialects,
        openrouter: bool,
    ) -> None:
        self.model = model
        self._pool = pool
        self._base_url = base_url
        self._api_key = api_key
        self._temperature = temperature
        self._timeout_s = timeout_s
        self._dialects = dialects
        self._openrouter = openrouter

    @metrics.timed("llm")
    def complete(self, request: ChatRequest) -> ChatAnswer:
        """Ask once.

        Raises:
            DialectRefused: the server refuses the format or a parameter; asking again is done without it.
            TransientError: another attempt may succeed; `outcome_unknown` when this one may have been billed.
            PermanentError: the request is refused; `fatal_to_world` for a wrong key or no credit.
        """
        dialect = self._dialects.get(self._base_url, self.model)
        reply = self._pool.exchange(
            "POST",
            f"{self._base_url}/chat/completions",
            headers=self._headers(request),
            json=self._body(request, dialect),
            deadline_s=self._timeout_s,
            max_bytes=_ANSWER_MAX_BYTES,
        )
        value = read_json(reply.body)
        if reply.status != 200:
            raise self._refused(reply, value, dialect)
        if not isinstance(value, dict):
            message = "The text provider's answer is no JSON."
            raise TransientError(message, outcome_unknown=True)
        choices = value.get("choices")
        if not choices and not isinstance(value.get("usage"), dict):
            raise self._nothing(reply, value, dialect)
        return self._answer(value, choices[0] if isinstance(choices, list) and choices else {})

    def _refused(
        self, reply: HttpReply, value: Any, used: Dialect, status: int | None = None
    ) -> GeneriaError:
        status, detail = reply.status if status is None else status, said(value)
        if self._dialects.refused(self._base_url, self.model, used, status, detail):
            return DialectRefused(detail)
        keys = "OPENROUTER_API_KEY or GENERIA_LLM_API_KEY"
        return refusal("text", status, detail, reply, keys, code=code_of(value))

    def _nothing(self, reply: HttpReply, value: dict[str, Any], used: Dialect) -> GeneriaError:
        """Return the error for a 200 that holds neither an answer nor a bill."""
        if isinstance(value.get("error"), str):
            # No server that has begun to write says it like this: nothing was billed.
            detail = said(value)
            message = f"The text server answered with an error in place of a completion: {detail}"
            if _NO_ENDPOINT.search(detail):
                hint = "Check GENERIA_LLM_BASE_URL: for most servers it ends in /v1."
                return PermanentError(f"{message} {hint}", fatal_to_world=True)
            return TransientError(message)
        code = value["error"].get("code") if isinstance(value.get("error"), dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 502
        error = self._refused(reply, value, used, status)
        if isinstance(error, TransientError):
            error.outcome_unknown = True  # an error inside a 200 comes after generation has begun
            error.outage = False
        return error

    def _headers(self, request: ChatRequest) -> dict[str, str]:
        headers = {REQUEST_HEADER: request.request_id.encode("ascii", "replace").decode()}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        if self._openrouter:
            headers["X-Title"] = "Generia"
        return headers

    def _body(self, request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
        response_format = dialect.response_format
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            dialect.tokens_parameter: request.max_tokens,
        }
        if dialect.temperature:
            body["temperature"] = self._temperature
        if self._openrouter:
            body["usage"] = {"include": True}
            if response_format is not ResponseFormat.PROMPT:
                # Without it a provider that lacks structured output ignores it in silence.
                body["provider"] = {"require_parameters": True}
        schemas = {
            ResponseFormat.BOUNDED_SCHEMA: request.bounded_schema,
            ResponseFormat.JSON_SCHEMA: request.schema,
        }
        if response_format in schemas:
            schema = {"name": request.schema_name, "strict": True, "schema": schemas[response_format]}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
            return body
        messages[0]["content"] += f"\n\n{request.schema_instruction}"
        if response_format is ResponseFormat.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        return body

    def _answer(self, value: dict[str, Any], choice: Any) -> ChatAnswer:
        choice = choice if isinstance(choice, dict) else {}
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        content = _text_of(message)
        error = choice.get("error") or value.get("error")
        finish = choice.get("finish_reason")
        broken = said(error) or "it gave no reason" if error or finish == "error" else None
        if not choice and broken is None:
            broken = "it sent no choices"
        return ChatAnswer(
            content=content,
            finish_reason=finish if isinstance(finish, str) else None,
            model=str(value.get("model") or self.model)[:200],
            provider=str(value["provider"])[:200] if value.get("provider") else None,
            response_id=str(value["id"])[:200] if value.get("id") else None,
            usage=_usage(value.get("usage")),
            error=broken,
            refusal=None if content.strip() else _refusal_of(message),
        )


def _text_of(message: dict[str, Any]) -> str:
    """Return what a message says, wherever its server puts it; what a model thinks aloud only if there is nothing else."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = [part.get("text") for part in parts if part.get("type", "text") in ("text", "output_text")]
        content = "".join(text for text in texts if isinstance(text, str))
    if isinstance(content, str) and content.strip():
        return content
    calls = message.get("tool_calls")
    functions = (
        [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    arguments = [function.get("arguments") for function in functions if isinstance(function, dict)]
    for other in (*arguments, message.get("reasoning_content")):
        if isinstance(other, str) and other.strip() and not message.get("refusal"):
            return other
    return ""


def _refusal_of(message: dict[str, Any]) -> str | None:
    """Return in which words a model declined, beside its content or as a part of it."""
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return next((text for one in (message, *parts) if (text := said(one.get("refusal")))), None)


def _usage(usage: Any) -> Usage:
    """Read what was billed; a cost that is missing or no number is None, never 0 in silence.

    Who brings an own key (`is_byok`) pays the fee to the gateway and the rest to the provider behind it.
    """
    usage = usage if isinstance(usage, dict) else {}
    cost = dollars(usage.get("cost"))
    if usage.get("is_byok") is True and cost is not None:
        details = usage.get("cost_details")
        upstream = dollars(details.get("upstream_inference_cost")) if isinstance(details, dict) else None
        cost = None if upstream is None else cost + upstream
    return Usage(cost, _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else 0
