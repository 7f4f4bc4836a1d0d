"""Every shape in which text providers answer, over a real socket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from threading import Barrier
from time import time
from typing import Any

import pytest

from generia_worker.errors import PermanentError, TransientError
from generia_worker.providers.dialects import Dialects, ResponseFormat
from generia_worker.providers.http import HttpPool
from generia_worker.providers.llm import (
    ChatRequest,
    DialectRefused,
    LlmClient,
    Message,
)
from generia_worker.providers.usage import Usage
from tests.providers.conftest import Serve
from tests.providers.server import Connection, Handler, Scripted, Seen

KEY = "sk-or-v1-0123456789abcdef"
MODEL = "some/model"
REQUEST = ChatRequest(
    messages=(Message("system", "Be brief."), Message("user", "Hi")),
    schema_name="post",
    schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    bounded_schema={
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
        "x": 1,
    },
    schema_instruction="THE SCHEMA AS JSON",
    max_tokens=100,
    request_id="world/post/01/02#1.0.text~ä",
)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.25}


def client(
    pool: HttpPool,
    server: Scripted,
    *,
    openrouter: bool = True,
    dialects: Dialects | None = None,
    key: str = KEY,
) -> LlmClient:
    return LlmClient(
        pool,
        base_url=server.address,
        api_key=key,
        model=MODEL,
        temperature=0.5,
        timeout_s=5,
        dialects=dialects or Dialects(),
        openrouter=openrouter,
    )


def answer(
    content: Any = "{}", finish: str | None = "stop", usage: Any = USAGE, **more: Any
) -> dict[str, Any]:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": content}}
    return {"id": "gen-1", "provider": "P", "model": "real/model", "choices": [choice], "usage": usage} | more


def says(body: Any, status: int = 200, **headers: str) -> Handler:
    return lambda c, _: c.reply(body, status, **headers)


def test_what_is_asked_and_answered(pool: HttpPool, serve: Serve) -> None:
    server = serve(says(answer("hello")))
    got = client(pool, server).complete(REQUEST)
    assert (got.content, got.finish_reason, got.model, got.provider, got.response_id, got.error) == (
        "hello",
        "stop",
        "real/model",
        "P",
        "gen-1",
        None,
    )
    assert got.usage == Usage(0.25, 10, 5)
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/chat/completions")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["x-generia-request"].startswith("world/post/01/02#1.0.text~")
    body = seen.json
    assert (body["model"], body["max_tokens"], body["temperature"]) == (MODEL, 100, 0.5)
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "post", "strict": True, "schema": REQUEST.bounded_schema},
    }
    assert body["provider"] == {"require_parameters": True}
    assert body["usage"] == {"include": True}


def test_other_servers_get_no_extras_and_need_no_key(pool: HttpPool, serve: Serve) -> None:
    server = serve(says(answer()))
    client(pool, server, openrouter=False, key="").complete(REQUEST)
    assert not {"provider", "usage"} & server.seen[0].json.keys()
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"cost": 0, "prompt_tokens": 1, "completion_tokens": 1}, Usage(0.0, 1, 1)),
        ({"cost": None, "prompt_tokens": 1000, "completion_tokens": 500}, Usage(None, 1000, 500)),
        ({"prompt_tokens": 1000, "completion_tokens": 500}, Usage(None, 1000, 500)),
        ({"cost": -1, "prompt_tokens": 1, "completion_tokens": 1}, Usage(None, 1, 1)),
        ({"cost": True}, Usage(None)),
        ({"prompt_tokens": "many", "completion_tokens": -3}, Usage(None)),
        ({}, Usage(None)),
        (None, Usage(None)),
        ("free", Usage(None)),
    ],
)
def test_an_unknown_cost_is_never_0(pool: HttpPool, serve: Serve, usage: Any, expected: Usage) -> None:
    got = client(pool, serve(says(answer(usage=usage)))).complete(REQUEST)
    assert got.usage == expected


BROKEN = {"code": 502, "message": "Provider returned error"}


@pytest.mark.parametrize(
    ("body", "content", "finish", "error"),
    [
        (answer("cut", "length"), "cut", "length", None),
        (answer(None, "content_filter"), "", "content_filter", None),
        (answer(None), "", "stop", None),
        (answer("par", "error"), "par", "error", "it gave no reason"),
        (
            answer() | {"choices": [{"finish_reason": "error", "message": {"content": ""}, "error": BROKEN}]},
            "",
            "error",
            "Provider returned error",
        ),
        (answer() | {"choices": None}, "", None, "it sent no choices"),
        (answer() | {"choices": []}, "", None, "it sent no choices"),
        (answer() | {"choices": ["?"]}, "", None, "it sent no choices"),
        ({"error": BROKEN, "usage": USAGE}, "", None, "Provider returned error"),
    ],
)
def test_what_was_billed_is_returned(
    pool: HttpPool, serve: Serve, body: Any, content: str, finish: str | None, error: str | None
) -> None:
    got = client(pool, serve(says(body))).complete(REQUEST)
    assert (got.content, got.finish_reason, got.error, got.usage.cost_usd) == (content, finish, error, 0.25)


def test_padding_before_the_answer(pool: HttpPool, serve: Serve) -> None:
    def handler(c: Connection, _: Seen) -> None:
        c.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"2\r\n\n\n\r\n" * 50)
        body = b'{"choices": [{"message": {"content": "late"}}]}'
        c.write(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")

    assert client(pool, serve(handler)).complete(REQUEST).content == "late"


HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 524, 529])
@pytest.mark.parametrize(
    "body", [{"error": {"code": 1, "message": "busy"}}, {"error": "busy"}, HTML, b"", ["?"]]
)
def test_what_may_pass(pool: HttpPool, serve: Serve, status: int, body: Any) -> None:
    with pytest.raises(TransientError) as caught:
        client(pool, serve(says(body, status, Retry_After="3"))).complete(REQUEST)
    error = caught.value
    assert (error.outage, error.retry_after_s) == (status in (429, 503, 529), 3.0)
    assert not error.outcome_unknown
    assert str(status) in error.message
    assert "<" not in error.message


def test_retry_after_as_a_date(pool: HttpPool, serve: Serve) -> None:
    server = serve(says(b"", 429, Retry_After=formatdate(time() + 60, usegmt=True)))
    with pytest.raises(TransientError) as caught:
        client(pool, server).complete(REQUEST)
    assert caught.value.retry_after_s == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("status", "fatal", "words"),
    [
        (400, False, "HTTP 400"),
        (401, True, "OPENROUTER_API_KEY"),
        (402, True, "top up"),
        (403, False, "HTTP 403"),
        (404, False, "HTTP 404"),
        (413, False, "HTTP 413"),
        (422, False, "HTTP 422"),
        (307, False, "HTTP 307"),
    ],
)
def test_what_is_final(pool: HttpPool, serve: Serve, status: int, fatal: bool, words: str) -> None:
    said = f"Wrong \x1b[31m{'x' * 400}"
    with pytest.raises(PermanentError) as caught:
        client(pool, serve(says({"error": {"code": status, "message": said}}, status))).complete(REQUEST)
    assert caught.value.fatal_to_world is fatal
    assert words in caught.value.message
    assert len(caught.value.message) < 450
    assert caught.value.message.isprintable()


def test_a_provider_that_repeats_the_key_does_not_spread_it(pool: HttpPool, serve: Serve) -> None:
    for status in (401, 500):
        server = serve(says({"error": {"message": f"Incorrect API key provided: {KEY}."}}, status))
        with pytest.raises((PermanentError, TransientError)) as caught:
            client(pool, server).complete(REQUEST)
        assert KEY not in caught.value.message
    broken = answer() | {"choices": [{"error": {"message": f"bad {KEY}"}}]}
    assert KEY not in (client(pool, serve(says(broken))).complete(REQUEST).error or "")


@pytest.mark.parametrize(
    ("error", "kind", "fatal"),
    [
        ({"code": 402, "message": "no credit"}, PermanentError, True),
        ({"code": 503, "message": "busy"}, TransientError, None),
        ({"code": "odd", "message": "?"}, TransientError, None),
        ("just text", TransientError, None),
    ],
)
def test_a_bare_error_in_a_200_counts_by_its_code(
    pool: HttpPool, serve: Serve, error: Any, kind: type[Exception], fatal: bool | None
) -> None:
    with pytest.raises(kind) as caught:
        client(pool, serve(says({"error": error}))).complete(REQUEST)
    assert getattr(caught.value, "fatal_to_world", None) is fatal


@pytest.mark.parametrize("body", [HTML, b"", b"null", [1], b'{"choices": [{'])
def test_a_200_that_cannot_be_read_may_have_been_billed(pool: HttpPool, serve: Serve, body: Any) -> None:
    with pytest.raises(TransientError) as caught:
        client(pool, serve(says(body))).complete(REQUEST)
    assert caught.value.outcome_unknown


REFUSALS = [
    (400, {"error": {"message": "response_format of type json_schema is not supported by this model"}}),
    (
        404,
        {"error": {"code": 404, "message": "No endpoints found that can handle the requested parameters."}},
    ),
    (422, {"error": "This model does not support Structured Outputs"}),
    (400, {"object": "error", "message": "json_schema is not available", "code": 400}),
]


@pytest.mark.parametrize(("status", "body"), REFUSALS)
def test_formats_are_stepped_down_and_remembered(
    pool: HttpPool, serve: Serve, status: int, body: Any
) -> None:
    server = serve(says(body, status))
    dialects = Dialects()
    asker = client(pool, server, dialects=dialects)
    for expected in (ResponseFormat.JSON_OBJECT, ResponseFormat.PROMPT):
        with pytest.raises(DialectRefused):
            asker.complete(REQUEST)
        assert dialects.get(server.address, MODEL).response_format is expected
    with pytest.raises(PermanentError):
        asker.complete(REQUEST)
    kinds = [seen.json.get("response_format", {}).get("type") for seen in server.seen]
    assert kinds == ["json_schema", "json_object", None]
    systems = [seen.json["messages"][0]["content"] for seen in server.seen]
    assert systems[0] == "Be brief."
    assert systems[1] == systems[2] == "Be brief.\n\nTHE SCHEMA AS JSON"
    # Without a format there is nothing to insist on, and insisting would refuse models for their other parameters.
    assert "provider" not in server.seen[2].json
    server.handler = says(answer("ok"))
    assert client(pool, server, dialects=dialects).complete(REQUEST).content == "ok"
    assert "response_format" not in server.seen[3].json


@pytest.mark.parametrize(
    "words",
    [
        "Invalid schema for response_format 'post': In context=('posts',), 'minItems' is not permitted.",
        "The specified schema produces a constraint that has too many states for serving.",
        "Failed to initialize samplers: failed to parse grammar",
    ],
)
def test_a_server_that_takes_no_limits_is_asked_without_them(
    pool: HttpPool, serve: Serve, words: str
) -> None:
    """And if it is the schema all the same, as one that knows no schemas."""
    server = serve(says({"error": {"message": words}}, 400))
    asker = client(pool, server)
    with pytest.raises(DialectRefused):
        asker.complete(REQUEST)
    server.handler = says(answer("ok"))
    assert asker.complete(REQUEST).content == "ok"
    schemas = [seen.json["response_format"]["json_schema"]["schema"] for seen in server.seen]
    assert schemas == [REQUEST.bounded_schema, REQUEST.schema]
    server.handler = says({"error": {"message": "Invalid schema for response_format 'post': …"}}, 400)
    with pytest.raises(DialectRefused):
        asker.complete(REQUEST)
    server.handler = says(answer("ok"))
    asker.complete(REQUEST)
    assert server.seen[-1].json["response_format"] == {"type": "json_object"}


def test_threads_step_down_together(pool: HttpPool, serve: Serve) -> None:
    meeting = Barrier(6)

    def handler(c: Connection, seen: Seen) -> None:
        meeting.wait(30)
        c.reply({"error": {"message": "no json_schema here"}}, 400)

    server = serve(handler)
    dialects = Dialects()
    asker = client(pool, server, dialects=dialects)
    with ThreadPoolExecutor(6) as threads:
        errors = [call.exception() for call in [threads.submit(asker.complete, REQUEST) for _ in range(6)]]
    assert all(isinstance(error, DialectRefused) for error in errors)
    assert dialects.get(server.address, MODEL).response_format is ResponseFormat.JSON_OBJECT


def test_parameters_that_a_model_does_not_take_are_left_out_and_remembered(
    pool: HttpPool, serve: Serve
) -> None:
    """The words of OpenAI's newer models."""

    def handler(c: Connection, seen: Seen) -> None:
        if "max_tokens" in seen.json:
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        elif "temperature" in seen.json:
            words = "Unsupported value: 'temperature' does not support 0.5, only the default (1)."
        else:
            c.reply(answer("ok"))
            return
        c.reply({"error": {"message": words, "type": "invalid_request_error"}}, 400)

    server = serve(handler)
    asker = client(pool, server, openrouter=False)
    for _ in range(2):
        with pytest.raises(DialectRefused):
            asker.complete(REQUEST)
    for _ in range(2):
        assert asker.complete(REQUEST).content == "ok"
    last = server.seen[-1].json
    assert last["max_completion_tokens"] == 100
    assert not {"max_tokens", "temperature"} & last.keys()
    assert last["response_format"]["type"] == "json_schema", "what was not refused is asked for as before"


PARTS = [
    {"type": "thinking", "thinking": "Hm, {}"},
    {"type": "text", "text": '{"a": '},
    {"type": "text", "text": "1}"},
]


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": PARTS}, '{"a": 1}'),
        ({"content": [{"text": "{}"}, "?", {"type": "image_url"}, {"type": "text", "text": 7}]}, "{}"),
        (
            {"content": [], "tool_calls": [{"function": {"name": "post", "arguments": '{"b": 2}'}}]},
            '{"b": 2}',
        ),
        ({"content": None, "reasoning_content": '{"c": 3}'}, '{"c": 3}'),
        ({"content": "{}", "reasoning_content": '{"c": 3}'}, "{}"),
        ({"content": " ", "tool_calls": "?", "reasoning_content": {}}, ""),
    ],
)
def test_a_text_is_found_where_a_server_puts_it(
    pool: HttpPool, serve: Serve, message: Any, content: str
) -> None:
    body = answer() | {"choices": [{"finish_reason": "stop", "message": message}]}
    assert client(pool, serve(says(body))).complete(REQUEST).content == content


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (
            rb'{"choices": [{"message": {"content": "half \ud83d and whole \ud83d\ude00"}}]}',
            "half  and whole 😀",
        ),
        (rb'{"choices": [{"message": {"content": "a\u0000b \\u0000"}}]}', r"ab \u0000"),
        (b'{"choices": [{"message": {"content": "cut \xd0"}}]}', "cut \ufffd"),
        (b'\xef\xbb\xbf{"choices": [{"message": {"content": "after a mark"}}]}', "after a mark"),
    ],
)
def test_what_cannot_be_stored_is_cleaned_where_it_comes_in(
    pool: HttpPool, serve: Serve, body: bytes, content: str
) -> None:
    assert client(pool, serve(says(body))).complete(REQUEST).content == content


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.036}}, 0.036),
        ({"cost": 0.002, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.036}}, 0.038),
        ({"cost": 0.04, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.036}}, 0.04),
        ({"cost": 0.04, "cost_details": {"upstream_inference_cost": 0.036}}, 0.04),
        # A fee without the price behind it is not what it costs.
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": 0, "is_byok": True}, None),
    ],
)
def test_who_brings_an_own_key_pays_both(
    pool: HttpPool, serve: Serve, usage: Any, cost: float | None
) -> None:
    got = client(pool, serve(says(answer(usage=usage)))).complete(REQUEST).usage.cost_usd
    assert got == pytest.approx(cost) if cost is not None else got is None


def test_a_refusal_in_words_is_told(pool: HttpPool, serve: Serve) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": f"I can't help with {KEY}."}
    got = client(pool, serve(says(answer() | {"choices": [{"message": message}]}))).complete(REQUEST)
    assert (got.content, got.refusal, got.usage.cost_usd) == ("", "I can't help with ….", 0.25)
    message |= {"content": [{"type": "refusal", "refusal": "No."}], "refusal": None}
    assert (
        client(pool, serve(says(answer() | {"choices": [{"message": message}]}))).complete(REQUEST).refusal
        == "No."
    )
    message |= {"content": "{}", "refusal": "No."}
    assert (
        client(pool, serve(says(answer() | {"choices": [{"message": message}]}))).complete(REQUEST).refusal
        is None
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            403,
            {
                "code": 403,
                "message": "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings",
            },
        ),
        (403, {"message": "Insufficient balance"}),
        (
            429,
            {
                "code": "insufficient_quota",
                "message": "You exceeded your current quota, please check your plan.",
            },
        ),
        (429, {"code": None, "type": "insufficient_quota", "message": "You exceeded your current quota."}),
    ],
)
def test_who_has_no_credit_left_stops_the_world_however_it_is_said(
    pool: HttpPool, serve: Serve, status: int, error: Any
) -> None:
    with pytest.raises(PermanentError) as caught:
        client(pool, serve(says({"error": error}, status))).complete(REQUEST)
    assert caught.value.fatal_to_world
    assert "top up" in caught.value.message


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "Your input was flagged by moderation"), (429, "You exceeded your current quota, retry in 39s")],
)
def test_other_refusals_with_these_codes_stop_no_world(
    pool: HttpPool, serve: Serve, status: int, message: str
) -> None:
    with pytest.raises((PermanentError, TransientError)) as caught:
        client(pool, serve(says({"error": {"message": message}}, status))).complete(REQUEST)
    assert not getattr(caught.value, "fatal_to_world", False)


def test_an_address_without_its_end_is_named(pool: HttpPool, serve: Serve) -> None:
    body = {"error": "Unexpected endpoint or method. (POST /chat/completions)"}
    with pytest.raises(PermanentError) as caught:
        client(pool, serve(says(body))).complete(REQUEST)
    assert caught.value.fatal_to_world
    assert "GENERIA_LLM_BASE_URL" in caught.value.message
    with pytest.raises(TransientError) as passing:
        client(pool, serve(says({"error": "Model is loading"}))).complete(REQUEST)
    assert not passing.value.outcome_unknown, "nothing was billed"
