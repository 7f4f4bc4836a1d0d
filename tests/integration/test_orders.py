"""Orders over HTTP, as the world service places them: refused with a reason, or durable."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from generia_worker.errors import NotFoundError
from tests.integration.conftest import PROMPT, Platform


def post(platform: Platform, body: Any, *, token: str | None = None, **options: Any) -> requests.Response:
    token = platform.settings.api_token.get_secret_value() if token is None else token
    headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
    arguments = {"data": body} if isinstance(body, bytes) else {"json": body}
    return requests.post(
        f"{platform.settings.api_url}/v1/generations", headers=headers, timeout=30, **arguments, **options
    )


def order(**changed: Any) -> dict[str, Any]:
    return {"world_id": "w-refused", "user_prompt": PROMPT, "users_count": 5, "posts_count": 15} | changed


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"user_prompt": "x" * 9}, "user_prompt", "at least 10"),
        ({"user_prompt": "я" * 12_000}, "user_prompt", "at most 10000"),
        ({"user_prompt": " " * 50}, "user_prompt", "empty"),
        ({"user_prompt": "ten letters\x00 and NUL"}, "user_prompt", "U+0000"),
        ({"user_prompt": None}, "user_prompt", "string"),
        ({"users_count": 0}, "users_count", "greater than or equal to 1"),
        ({"users_count": 41}, "users_count", "less than or equal to 40"),
        ({"posts_count": 0}, "posts_count", "greater than or equal to 1"),
        ({"posts_count": 251}, "posts_count", "less than or equal to 250"),
        ({"posts_count": "many"}, "posts_count", "integer"),
        ({"world_id": "a/../b"}, "world_id", "pattern"),
        ({"budget": -1}, "budget", "greater than 0"),
        ({"colour": "blue"}, "colour", "not permitted"),
    ],
)
def test_refused_with_its_field_and_nothing_enqueued(
    platform: Platform, changed: dict[str, Any], field: str, says: str
) -> None:
    reply = post(platform, order(**changed))
    assert reply.status_code == 422
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["errors"][0]["field"] == field
    assert says in problem["detail"]
    status = requests.get(
        f"{platform.settings.api_url}/v1/generations/w-refused",
        headers={"Authorization": f"Bearer {platform.settings.api_token.get_secret_value()}"},
        timeout=10,
    )
    assert status.status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b'{"world_id": NaN}', b"[" * 5000])
def test_a_body_that_is_no_order(platform: Platform, body: bytes) -> None:
    reply = post(platform, body, headers={"Content-Type": "application/json"})
    assert reply.status_code in (400, 422)
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_not_read(platform: Platform) -> None:
    assert post(platform, order(user_prompt="x" * 100_000)).status_code == 422
    assert post(platform, order(user_prompt="x" * 200_000)).status_code == 413


def test_without_and_with_a_wrong_token(platform: Platform) -> None:
    for token in ("", "wrong", "ключ".encode().decode("latin-1")):
        reply = post(platform, order(), token=token)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
    reply = requests.get(f"{platform.settings.api_url}/v1/generations/w1", timeout=10)
    assert reply.status_code == 401


def test_many_at_once_are_one_generation(platform: Platform) -> None:
    world_id = platform.new_world(PROMPT, 1, 1)
    body = order(world_id=world_id, users_count=1, posts_count=1)
    replies: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: replies.append(post(platform, body))) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status_code for reply in replies] == [202] * 100
    assert {reply.headers["Location"] for reply in replies} == {f"/v1/generations/{world_id}"}
    assert replies[0].json()["_id"] == world_id
    status = platform.wait(world_id)
    assert (status.users_created, status.posts_created, status.api_calls_made_LLM) == (1, 1, 6)


def test_another_body_under_the_same_id_is_a_conflict(platform: Platform) -> None:
    world_id = platform.order(PROMPT, 1, 1)
    reply = post(platform, order(world_id=world_id, users_count=1, posts_count=2))
    assert reply.status_code == 409
    assert "ordered before" in reply.json()["detail"]
    platform.wait(world_id)


def test_a_world_that_its_service_does_not_know_fails_with_a_reason(platform: Platform) -> None:
    assert post(platform, order(world_id="nobody-made-it")).status_code == 202
    status = platform.wait("nobody-made-it")
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.step == "initialize"
    assert status.api_calls_made_LLM == 0


def test_health(platform: Platform) -> None:
    assert requests.get(f"{platform.settings.api_url}/livez", timeout=10).json()["status"] == "ok"
    ready = requests.get(f"{platform.settings.api_url}/readyz", timeout=10)
    assert ready.json() == {"status": "ok", "mongodb": "ok", "redis": "ok"}


def test_the_receipt_says_what_each_part_cost(platform: Platform) -> None:
    status, audit = platform.make(PROMPT, 2, 3)
    receipt = platform.client.receipt(status.world_id)
    assert [line.part for line in receipt.lines][:2] == ["describe", "illustrate"]
    calls = {(line.part, line.provider): line.calls for line in receipt.lines}
    assert calls["illustrate", "images"] == 2
    assert calls["character", "llm"] == calls["avatar", "images"] == 2
    assert calls["post", "llm"] == calls["picture", "images"] == 3
    assert receipt.calls == status.api_calls_made_LLM + status.api_calls_made_images
    bill = audit.bill()
    assert receipt.llm_usd == pytest.approx(bill.llm_usd, abs=1e-9)
    assert receipt.images_usd == pytest.approx(bill.image_usd, abs=1e-9)
    assert receipt.total_usd == pytest.approx(status.cost_usd, abs=1e-9)
    assert all(line.prompt_tokens > 0 for line in receipt.lines if line.provider == "llm")
    with pytest.raises(NotFoundError):
        platform.client.receipt("nobody")
