"""The text API: OpenAI's chat completions as OpenRouter serves them, billed by the token."""

from __future__ import annotations

import math
from time import monotonic
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from generia_worker.simulator.dice import Dice, digest
from generia_worker.simulator.http import (
    HTML_502,
    OUTAGES,
    Answer,
    BadBody,
    NoAnswer,
    client_leaves,
    has_key,
    read_json,
    retry_after,
)
from generia_worker.simulator.mangling import mangle_document, mangle_text
from generia_worker.simulator.reading import Brief, message_text, read_brief
from generia_worker.simulator.schema import NAME, strict_problems, without_bounds
from generia_worker.simulator.state import Simulator
from generia_worker.simulator.writing import write, write_prose

#: Dollars per million tokens, in and out, by what the model's name holds.
_PRICES = {
    "gemini-2.5-flash-lite": (0.10, 0.40),
    "gemini-2.5-flash": (0.30, 2.50),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-5-mini": (0.25, 2.00),
    "deepseek": (0.27, 1.10),
    "claude": (3.00, 15.00),
}
_OTHER_PRICE = (0.20, 0.80)
_MESSAGES = {
    401: "No auth credentials found",
    402: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    403: "Your input was flagged by the moderation of the provider",
    404: "No endpoints found for this model",
    408: "Request timed out",
    413: "Request is too large",
    422: "Unprocessable request",
    429: "Rate limit exceeded",
}
#: What is left to a test that breaks an answer off: at least so many tokens come.
_FEW_TOKENS = 20


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: str = Field(pattern="^(system|developer|user|assistant|tool)$")
    content: str | list[dict[str, Any]] | None


class _JsonSchema(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    name: str
    strict: bool | None = None
    body: dict[str, Any] = Field(alias="schema")
    description: str | None = None


class _Format(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: str = Field(pattern="^(text|json_object|json_schema)$")
    json_schema: _JsonSchema | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow")
    model: str = Field(min_length=1, max_length=200)
    messages: list[_Message] = Field(min_length=1, max_length=200)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    stream: bool | None = None
    response_format: _Format | None = None


def body_problem(body: Any, *, bounds: bool = True) -> str | None:
    """Return why the provider refuses this body, or None. Without `bounds` it takes no schema that says how many."""
    try:
        read = _Body.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
    if read.stream:
        return "stream: this simulator does not stream"
    if read.response_format is None or read.response_format.type != "json_schema":
        return None
    wanted = read.response_format.json_schema
    if wanted is None:
        return "response_format.json_schema is required"
    if not NAME.fullmatch(wanted.name):
        return (
            "Invalid 'response_format.json_schema.name': expected a string that matches ^[a-zA-Z0-9_-]{1,64}$"
        )
    problems = strict_problems(wanted.body, bounds=bounds) if wanted.strict else []
    return f"Invalid schema for response_format '{wanted.name}': {problems[0]}" if problems else None


def count_tokens(text: str) -> int:
    """Return about how many tokens a text has: four Latin letters, or two others, make one."""
    plain = len(text.encode("ascii", "ignore"))
    return max(1, math.ceil(plain / 4 + (len(text) - plain) / 2))


def price_usd(model: str, prompt_tokens: int, completion_tokens: int) -> float:
    """Return what a call costs with this model."""
    into, out = next((price for name, price in _PRICES.items() if name in model), _OTHER_PRICE)
    return round((prompt_tokens * into + completion_tokens * out) / 1e6, 9)


class ChatApi:
    """`POST /api/v1/chat/completions` and `GET /api/v1/generation`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def complete(self, request: Request) -> Response:
        """Answer one call."""
        name = request.headers.get("x-generia-request", "")[:200]
        self._simulator.serve(name)
        if not has_key(request):
            return self._refuse(401, name, "unknown", _MESSAGES[401])
        try:
            body = await read_json(request)
        except BadBody as error:
            return self._refuse(error.status, name, "unknown", str(error))
        problem = body_problem(body, bounds=not self._simulator.behaviour.no_schema_bounds)
        if problem is not None:
            return self._refuse(400, name, "unknown", problem)
        return await self._complete(request, body, name)

    async def _complete(self, request: Request, body: dict[str, Any], name: str) -> Response:
        simulator = self._simulator
        behaviour = simulator.behaviour
        text = "\n".join(message_text(message) for message in body["messages"])
        dice = simulator.arrive(
            "llm", digest(body["model"], text, without_bounds(body.get("response_format")))
        )
        brief = read_brief(body, simulator.seed)
        kind = brief.kind or "prose"
        wanted = (body.get("response_format") or {}).get("type", "text")
        if (wanted == "json_schema" and behaviour.no_json_schema) or (
            wanted == "json_object" and behaviour.no_json_object
        ):
            return self._refuse(
                400, name, kind, f"response_format of type {wanted} is not supported by this model"
            )
        status = simulator.refusal("llm", dice, text)
        if status is not None:
            return self._refuse(status, name, kind, _MESSAGES.get(status, OUTAGES.get(status) or "Error"))
        if dice.hit("string error", behaviour.string_error):
            simulator.ledger.refuse("llm", name, kind, 500)
            return Answer({"error": "model runner has unexpectedly stopped"}, 500)
        return await self._generate(request, body, name, brief, dice)

    async def _generate(
        self, request: Request, body: dict[str, Any], name: str, brief: Brief, dice: Dice
    ) -> Response:
        simulator = self._simulator
        behaviour = simulator.behaviour
        content, finish = self._content(body, brief, dice)
        usage = self._usage(body, content)
        charged = 0.0 if behaviour.cost.llm == "zero" else usage["cost"]
        entry = simulator.bill("llm", name, brief.kind or "prose", charged)
        answer_id = "gen-" + digest(simulator.seed, dice.random("id").random())[:24]
        simulator.generations.put(answer_id, (monotonic(), {"id": answer_id, "total_cost": charged, **usage}))
        self._hide_cost(usage)
        answer = {
            "id": answer_id,
            "object": "chat.completion",
            "provider": "Simulator",
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "native_finish_reason": finish,
                    "message": {"role": "assistant", "content": content},
                }
            ],
            "usage": usage,
        }
        if behaviour.no_usage:
            del answer["usage"]
        answer = self._spoil(answer, dice)
        if await client_leaves(request, self._wait_s(dice)):
            return NoAnswer()
        return Answer(
            answer,
            entries=(entry,),
            padding_s=behaviour.padding_s if dice.hit("padding", behaviour.padding.llm) else 0,
            breaks=dice.hit("reset", behaviour.reset.llm),
        )

    def _wait_s(self, dice: Dice) -> float | None:
        if dice.hit("hang", self._simulator.behaviour.hang.llm):
            return None
        return self._simulator.latency_s("llm", dice)

    def _content(self, body: dict[str, Any], brief: Brief, dice: Dice) -> tuple[str, str]:
        """Return what the model says and why it stopped."""
        behaviour = self._simulator.behaviour
        salt = dice.random("text").random() if behaviour.vary_answers else ""
        if not brief.kind and brief.schema is None:
            text = write_prose(brief, salt)
            content_dice = dice
        else:
            content_dice = self._content_dice(brief, dice)
            document = mangle_document(write(brief, salt), brief, behaviour, content_dice)
            text = mangle_text(document, behaviour, dice, content_dice)
        limit = body.get("max_tokens")
        if content_dice.hit("truncate", behaviour.truncate):
            limit = min(limit or 10**9, max(_FEW_TOKENS, count_tokens(text) // 2))
        if limit is not None and count_tokens(text) > limit:
            return _first_tokens(text, limit), "length"
        return text, "stop"

    def _content_dice(self, brief: Brief, dice: Dice) -> Dice:
        """Return the dice for wrong content: a stubborn model is wrong each time, another is right after a re-ask."""
        simulator = self._simulator
        if simulator.behaviour.stubborn:
            return Dice(simulator.seed, "stubborn", brief.base)
        return Dice(active=False) if brief.is_reask else dice

    def _usage(self, body: dict[str, Any], content: str) -> dict[str, Any]:
        prompt_tokens = sum(count_tokens(message_text(message)) for message in body["messages"])
        completion_tokens = count_tokens(content)
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "cost": price_usd(body["model"], prompt_tokens, completion_tokens),
            "cost_details": {"upstream_inference_cost": None},
            "prompt_tokens_details": {"cached_tokens": 0},
        }

    def _hide_cost(self, usage: dict[str, Any]) -> None:
        match self._simulator.behaviour.cost.llm:
            case "missing":
                del usage["cost"], usage["cost_details"]
            case "null":
                usage["cost"] = None
            case "zero":
                usage["cost"] = 0

    def _spoil(self, answer: dict[str, Any], dice: Dice) -> dict[str, Any]:
        """Return the answer with an error inside it, where there is to be one."""
        behaviour = self._simulator.behaviour
        error = {
            "code": 502,
            "message": "Provider returned error",
            "metadata": {"provider_name": "Simulator"},
        }
        if dice.hit("choice error", behaviour.choice_error):
            choice = answer["choices"][0]
            answer["choices"] = [{**choice, "finish_reason": "error", "error": error}]
            answer["choices"][0]["message"] = {"role": "assistant", "content": ""}
        if dice.hit("null choices", behaviour.null_choices):
            answer["choices"] = None
        if dice.hit("bare error", behaviour.bare_error):
            answer = {"error": error, "id": answer["id"], "usage": answer.get("usage")}
        return answer

    def _refuse(self, status: int, name: str, kind: str, message: str) -> Response:
        self._simulator.ledger.refuse("llm", name, kind, status)
        if status == 502:
            return HTMLResponse(HTML_502, 502)
        headers = retry_after(self._simulator.behaviour) if status in (429, 503) else {}
        return Answer(
            {"error": {"code": status, "message": message, "metadata": {}}}, status, headers=headers
        )

    async def generation(self, request: Request) -> Response:
        """Tell what a call has cost, after the fact."""
        if not has_key(request):
            return Answer({"error": {"code": 401, "message": _MESSAGES[401]}}, 401)
        wanted = request.query_params.get("id", "")
        found = self._simulator.generations.get(wanted)
        if found is None or monotonic() - found[0] < self._simulator.behaviour.generation_delay_s:
            return Answer({"error": {"code": 404, "message": f"Generation {wanted[:80]} not found"}}, 404)
        return Answer({"data": found[1]})


def _first_tokens(text: str, limit: int) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]
