"""The real clients against the simulator: its books and what the clients read of their bills must agree."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import uvicorn

from generia_worker.errors import (
    DamagedPictureError,
    GeneriaError,
    InvalidAnswerError,
    PermanentError,
    TransientError,
)
from generia_worker.providers.answers import parse_answer
from generia_worker.providers.dialects import Dialects
from generia_worker.providers.http import HttpPool
from generia_worker.providers.images import ImageClient, ImageRequest, task_uuid
from generia_worker.providers.llm import (
    ChatAnswer,
    ChatRequest,
    DialectRefused,
    LlmClient,
    Message,
)
from generia_worker.providers.schema import bounded_schema, strict_schema
from generia_worker.simulator.app import create_app
from generia_worker.worlds.documents import PostDraft
from generia_worker.worlds.templates import Prompts

CALLS = 25
Behave = Callable[..., None]


class Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Start, and tell."""
        await super().startup(sockets)
        self.ready.set()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The simulator on a free port."""
    server = Server(uvicorn.Config(create_app(7), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(20)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    thread.join(10)


@pytest.fixture
def behave(address: str) -> Behave:
    """Reset the simulator; switches behaviours on."""
    requests.post(f"{address}/_sim/reset", timeout=5).raise_for_status()

    def switch(**behaviour: Any) -> None:
        requests.put(f"{address}/_sim/behaviour", json=behaviour, timeout=5).raise_for_status()

    return switch


def charged(address: str) -> Counter[str]:
    """Return what the simulator charged, by the request's name, in billionths of a dollar."""
    found: Counter[str] = Counter()
    for call in requests.get(f"{address}/_sim/ledger", timeout=5).json()["entries"]:
        if call["charged_usd"]:
            found[call["request"]] += round(call["charged_usd"] * 1e9)
    return found


@pytest.fixture
def llm(pool: HttpPool, address: str) -> LlmClient:
    """A client for text."""
    return LlmClient(
        pool,
        base_url=f"{address}/api/v1",
        api_key="sim-test",
        model="google/gemini-2.5-flash",
        temperature=1,
        timeout_s=2,
        dialects=Dialects(),
        openrouter=True,
    )


@pytest.fixture
def images(pool: HttpPool, address: str) -> ImageClient:
    """A client for pictures."""
    return ImageClient(
        pool,
        base_url=f"{address}/v1",
        api_key="sim-test",
        model="runware:100@1",
        output_format="JPG",
        timeout_s=5,
        max_bytes=5_000_000,
    )


def request(number: int) -> ChatRequest:
    prompts = Prompts()
    system, user = prompts.render(
        "write_post",
        user_prompt="Мир, где коты изучают высшую математику и пишут формулы",
        world={"name": "Котоматика"},
        character={"display_name": "Мурр"},
        others=[],
        post={"topic": f"Теорема {number}"},
        earlier_posts=[],
        number=number,
        total=CALLS,
    )
    schema = strict_schema(PostDraft)
    instruction = prompts.schema_instruction(schema)
    messages = (Message("system", system), Message("user", user))
    return ChatRequest(
        messages,
        PostDraft.schema_name,
        schema,
        bounded_schema(PostDraft, {}),
        instruction,
        4000,
        f"post/{number}",
    )


def ask(llm: LlmClient, number: int) -> ChatAnswer | GeneriaError:
    try:
        return llm.complete(request(number))
    except GeneriaError as error:
        return error


@pytest.mark.parametrize(
    "looks", ["fences", "prose", "think", "trailing_comma", "extra_keys", "unescaped_latex"]
)
def test_odd_looks_are_read(llm: LlmClient, behave: Behave, looks: str) -> None:
    behave()
    plain = [parse_answer(llm.complete(request(n)).content, PostDraft) for n in range(8)]
    behave(**{looks: 1})
    assert [parse_answer(llm.complete(request(n)).content, PostDraft) for n in range(8)] == plain


@pytest.mark.parametrize("fault", ["invalid_json", "wrong_types", "missing_keys", "truncate"])
def test_wrong_answers_are_refused(llm: LlmClient, behave: Behave, fault: str) -> None:
    behave(**{fault: 1})
    for number in range(6):
        with pytest.raises(InvalidAnswerError):
            parse_answer(llm.complete(request(number)).content, PostDraft)


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"rate_5xx": 0.5},
        {"rate_429": 0.5},
        {"string_error": 0.5},
        {"choice_error": 0.5},
        {"null_choices": 0.5},
        {"bare_error": 0.5},
        {"reset": 0.5},
        {"padding": 0.5, "padding_s": 0.1},
        {"rate_5xx": 0.2, "reset": 0.2, "choice_error": 0.2, "padding": 0.2, "padding_s": 0.1},
    ],
)
def test_every_text_that_was_charged_is_known_or_unknown(
    llm: LlmClient, address: str, behave: Behave, behaviour: dict[str, Any]
) -> None:
    behave(**behaviour)
    results = {f"post/{number}": ask(llm, number) for number in range(CALLS)}
    bills = charged(address)
    for name, result in results.items():
        if isinstance(result, ChatAnswer):
            assert result.usage.cost_usd is not None
            assert round(result.usage.cost_usd * 1e9) == bills[name]
        elif isinstance(result, TransientError) and result.outcome_unknown:
            assert bills[name] > 0
        else:
            assert bills[name] == 0, result


@pytest.mark.parametrize("cost", ["missing", "null"])
def test_a_cost_that_is_hidden_is_unknown(llm: LlmClient, behave: Behave, cost: str) -> None:
    behave(cost=cost)
    assert llm.complete(request(1)).usage.cost_usd is None


def test_a_server_without_formats(llm: LlmClient, behave: Behave) -> None:
    behave(no_json_schema=True, no_json_object=True)
    for _ in range(2):
        with pytest.raises(DialectRefused):
            llm.complete(request(1))
    assert parse_answer(llm.complete(request(1)).content, PostDraft).content


def test_no_credit(llm: LlmClient, behave: Behave) -> None:
    behave(no_credit_after=2)
    llm.complete(request(1))
    with pytest.raises(PermanentError) as caught:
        llm.complete(request(2))
    assert caught.value.fatal_to_world


def test_a_hang_ends_at_the_deadline_and_is_unknown(llm: LlmClient, address: str, behave: Behave) -> None:
    behave(hang=1)
    result = ask(llm, 1)
    assert isinstance(result, TransientError)
    assert result.outcome_unknown
    assert charged(address)["post/1"] > 0


@pytest.mark.parametrize(
    "behaviour", [{}, {"conflict": 1}, {"reset": 0.5}, {"rate_5xx": 0.4}, {"image_failure": 0.4}]
)
def test_a_picture_is_paid_once_however_often_it_is_asked_for(
    images: ImageClient, address: str, behave: Behave, behaviour: dict[str, Any]
) -> None:
    behave(**behaviour)
    for number in range(6):
        wanted = ImageRequest(task_uuid("p", str(number)), "a cat in a library", 256, 128, f"p/{number}")
        for _ in range(12):
            try:
                receipt = images.draw(wanted)
                break
            except TransientError:
                continue
        else:
            pytest.fail("no picture after 12 attempts")
        got = images.download(receipt, 256, 128)
        assert (got.width, got.height) == (256, 128)
        assert receipt.cost_usd is not None
        assert charged(address)[f"p/{number}"] == round(receipt.cost_usd * 1e9)


def test_corrupt_and_mislabelled_pictures(images: ImageClient, behave: Behave) -> None:
    behave(wrong_content_type=1)
    receipt = images.draw(ImageRequest(task_uuid("m"), "a cat", 128, 128, "m"))
    assert images.download(receipt, 128, 128).content_type == "image/jpeg"
    behave(corrupt_images=1)
    receipt = images.draw(ImageRequest(task_uuid("c"), "a cat", 128, 128, "c"))
    with pytest.raises(DamagedPictureError):
        images.download(receipt, 128, 128)
