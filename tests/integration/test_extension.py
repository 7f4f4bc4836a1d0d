"""Worlds that are extended: new characters, new posts, and both, beside what is there."""

from __future__ import annotations

import pytest

from generia_worker.client.order import Extension, MoreSize
from generia_worker.client.status import GenerationStatus
from generia_worker.errors import ConflictError, InvalidInputError, NotFoundError
from tests.integration.audit import Audit
from tests.integration.conftest import PROMPT, Platform

ENGLISH = "A village of three very talkative lighthouse keepers"


def extended(platform: Platform, audit: Audit, users: int, posts: int, **more: object) -> GenerationStatus:
    """Extend a world and wait for its end."""
    asked = Extension.model_validate({"users_count": users, "posts_count": posts, **more})
    platform.client.extend(audit.world_id, asked)
    return platform.wait(audit.world_id)


def test_more_of_everything_is_exactly_that_much_more(platform: Platform) -> None:
    status, audit = platform.make(PROMPT, 5, 15)
    calls = (status.api_calls_made_LLM, status.api_calls_made_images)
    status = extended(platform, audit, 3, 20)
    audit.check(status, 8, 35)
    audit.check_money(status)
    assert (status.users_predicted, status.posts_predicted, status.extensions) == (8, 35, 1)
    assert status.api_calls_made_images - calls[1] == 3 + 20
    rows = list(audit.db["generation_steps"].find({"world_id": audit.world_id, "kind": "plan", "round": 2}))
    assert status.api_calls_made_LLM - calls[0] == 1 + 3 + len(rows) + 20

    status = extended(platform, audit, 0, 7)
    audit.check(status, 8, 42)
    status = extended(platform, audit, 2, 0)
    audit.check(status, 10, 42)
    audit.check_money(status)
    assert status.extensions == 3
    people = [audit.characters.get(one) for one in audit.character_ids()]
    handles = [one.meta["username"].casefold() for one in people]
    assert len(set(handles)) == len(handles) == 10
    assert len({one.display_name for one in people}) == 10


def test_what_more_will_take_is_told_before_and_costs_nothing(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 3, 6, reactions="some")
    size = MoreSize(users_count=2, posts_count=4)
    before = platform.client.status(audit.world_id)
    told = platform.client.estimate_more(audit.world_id, size)
    posts_alone = platform.client.estimate_more(audit.world_id, MoreSize(posts_count=4))
    assert (posts_alone.image_calls, posts_alone.text_calls) == (4, 4 + 3 * 3)
    assert posts_alone.seconds.high < told.seconds.high
    assert platform.client.status(audit.world_id) == before
    status = extended(platform, audit, 2, 4)
    assert status.api_calls_made_images - before.api_calls_made_images == told.image_calls == 2 + 4
    made = status.api_calls_made_LLM - before.api_calls_made_LLM
    # Who writes nothing has no plan and no answer: the most is told.
    assert 1 + 2 + 4 < made <= told.text_calls
    assert told.usd is not None
    as_many = made / told.text_calls
    assert told.usd.low / 2 * as_many < status.cost_usd - before.cost_usd < told.usd.high * 2
    assert 0 < told.seconds.low < told.seconds.high

    with pytest.raises(InvalidInputError):
        platform.client.estimate_more(audit.world_id, MoreSize.model_construct(users_count=0, posts_count=0))
    with pytest.raises(NotFoundError):
        platform.client.estimate_more("nobody", size)
    platform.behave(latency={"llm": {"fixed_s": 0.5}})
    world_id = platform.order(ENGLISH, 2, 3)
    with pytest.raises(ConflictError, match="still being made"):
        platform.client.estimate_more(world_id, size)
    platform.client.cancel(world_id)
    platform.wait(world_id)


def test_new_characters_know_the_old_ones_and_plans_what_was_written(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 2, 4)
    extended(platform, audit, 1, 6)
    steps = {row["step"]: row for row in audit.db["generation_steps"].find({"world_id": audit.world_id})}
    old = {steps[f"character/0{number}"]["result"]["detail"]["display_name"] for number in (1, 2)}
    new = steps["character/03"]["result"]["detail"]
    assert {one["character"] for one in new["relationships"]} & old
    plans = [row["result"] for row in steps.values() if row["kind"] == "plan"]
    first = [row["result"] for row in steps.values() if row["kind"] == "plan" and "round" not in row]
    begun = max(moment for plan in first for moment in plan["written_at"])
    for row in steps.values():
        if row["kind"] == "plan" and row.get("round") == 2:
            assert min(row["result"]["written_at"]) > begun, "what is new stands before what was there"
    topics = [post["topic"] for plan in plans for post in plan["posts"]]
    assert len(set(topics)) > len(first), topics


def test_what_is_no_world_to_extend(platform: Platform) -> None:
    more = Extension(posts_count=1)
    with pytest.raises(NotFoundError):
        platform.client.extend("nobody", more)
    platform.behave(latency={"llm": {"fixed_s": 0.5}})
    world_id = platform.order(ENGLISH, 2, 3)
    with pytest.raises(ConflictError, match="still being made"):
        platform.client.extend(world_id, more)
    platform.client.cancel(world_id)
    assert platform.wait(world_id).status == "cancelled"
    with pytest.raises(ConflictError, match=r"was cancelled: resume it first"):
        platform.client.extend(world_id, more)
    platform.behave()
    platform.client.resume(world_id)
    platform.wait(world_id)
    platform.client.extend(world_id, more)
    audit = Audit(platform.settings, world_id)
    audit.check(platform.wait(world_id), 2, 4)


def test_the_same_request_is_done_once(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 1, 1)
    asked = Extension(posts_count=2, request_id="mine")
    for _ in range(2):
        platform.client.extend(audit.world_id, asked)
    audit.check(platform.wait(audit.world_id), 1, 3)
    platform.client.extend(audit.world_id, asked)
    audit.check(platform.wait(audit.world_id), 1, 3)
    with pytest.raises(ConflictError, match="sent before with other counts"):
        platform.client.extend(audit.world_id, Extension(posts_count=3, request_id="mine"))


def test_a_budget_of_its_own_is_never_exceeded(platform: Platform) -> None:
    status, audit = platform.make(ENGLISH, 2, 4)
    before = status.cost_usd
    budget = 0.04
    status = extended(platform, audit, 0, 30, budget=budget)
    assert status.status == "completed"
    assert status.error is not None
    assert "budget" in status.error.reason
    assert 4 < status.posts_created < 34
    assert 0 < status.cost_usd - before <= budget + 1e-9
    audit.check_money(status)
    # What did not fit is no reason to stop: the next one has a budget of its own.
    made = status.posts_created
    status = extended(platform, audit, 0, 2)
    assert status.posts_created == made + 2
    audit.check_ledger(status)
    audit.check_money(status)


def test_an_extension_whose_cast_fails_leaves_the_world_as_it_was(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 2, 3)
    platform.behave(forbidden_words=["Invent exactly 2"])
    status = extended(platform, audit, 2, 2)
    assert status.status == "completed"
    assert (status.users_created, status.posts_created) == (2, 3)
    assert status.error is not None
    assert status.error.reason.startswith("2 of 4 characters and 2 of 5 posts could not be made")
    assert status.is_incomplete
    audit.check_ledger(status)
    platform.behave()
    platform.client.retry(audit.world_id)
    status = platform.wait(audit.world_id)
    audit.check(status, 4, 5)
    audit.check_money(status)


def test_nothing_and_too_much_are_refused(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 1, 1)
    for body in ({}, {"users_count": 41}, {"posts_count": 251}, {"posts_count": 1, "budget": 0.0}):
        with pytest.raises(InvalidInputError):
            platform.client.extend(audit.world_id, Extension.model_construct(**body))


def test_who_writes_in_a_later_round_reacts_to_what_it_made(platform: Platform) -> None:
    status, audit = platform.make(ENGLISH, 3, 6, reactions="some")
    before = (status.likes_created, status.comments_created)
    assert min(before) > 0
    status = extended(platform, audit, 2, 6)
    audit.check(status, 5, 12)
    audit.check_money(status)
    assert status.likes_created > before[0]
    assert status.comments_created > before[1]
    reacted = audit.db["generation_steps"].find({"world_id": audit.world_id, "kind": "react", "round": 2})
    assert {row["state"] for row in reacted} == {"done"}
