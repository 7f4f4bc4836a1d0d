"""Orders: what is refused, what is taken literally."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pydantic import ValidationError

from generia_worker.client.order import Order

GOOD = "Мир, в котором за академическим руководителем ходит толпа студентов-котиков"


def order(**changed: Any) -> Order:
    body: dict[str, Any] = {"world_id": "w1", "user_prompt": GOOD, "users_count": 5, "posts_count": 15}
    return Order(**(body | changed))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"user_prompt": "x" * 9}, "at least 10"),
        ({"user_prompt": "x" * 100_000}, "at most 10000"),
        ({"user_prompt": " \n\t " * 20}, "empty"),
        ({"user_prompt": "\u200b" * 20}, "empty"),
        ({"user_prompt": "a world of\x00 NUL bytes"}, r"U\+0000 at 11"),
        ({"user_prompt": "half of a letter \ud83d here"}, "(?i)surrogate|unicode"),
        ({"users_count": 0}, "greater than or equal to 1"),
        ({"users_count": 41}, "less than or equal to 40"),
        ({"posts_count": 0}, "greater than or equal to 1"),
        ({"posts_count": 251}, "less than or equal to 250"),
        ({"posts_count": 2.5}, "integer"),
        ({"posts_count": True}, "integer"),
        ({"world_id": "../etc"}, "pattern"),
        ({"world_id": ""}, "pattern"),
        ({"budget": 0}, "greater than 0"),
        ({"budget": True}, "valid number"),
        ({"budget": "5"}, "valid number"),
        ({"budget": float("nan")}, "finite"),
        ({"reactions": "lots"}, "'none', 'some' or 'many'"),
        ({"surprise": 1}, "not permitted"),
    ],
)
def test_refused_with_a_reason(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        order(**changed)


@pytest.mark.parametrize(
    "prompt",
    ["a world of {{ braces }} and {} and {% raw %}", r"formulas: $\frac{a}{b}$ \\ C:\new", "🐈" * 10],
)
def test_taken_literally(prompt: str) -> None:
    assert order(user_prompt=prompt).user_prompt == prompt


def test_the_same_order_has_the_same_hash() -> None:
    assert order().request_hash() == order(user_prompt=f"  {GOOD} ").request_hash()
    hashes = {order(**changed).request_hash() for changed in ({}, {"posts_count": 16}, {"budget": 1.0})}
    assert len(hashes) == 3


def test_an_order_without_reactions_is_what_it_was_before_there_were_any() -> None:
    """Its hash is that of a version before, which is what a repeated order is compared with."""
    before = (
        '{"api_call_limits_LLM": null, "api_call_limits_images": null, "budget": null, "posts_count": 15, '
    )
    before += f'"user_prompt": "{GOOD}", "users_count": 5, "world_id": "w1"}}'
    assert order().request_hash() == hashlib.sha256(before.encode()).hexdigest()
    assert order(reactions="none").request_hash() == order().request_hash()
    assert len({order(reactions=one).request_hash() for one in ("none", "some", "many")}) == 3
    assert "reactions" not in order().body()
    assert order(reactions="many").body()["reactions"] == "many"
