"""What a person may do to a world: cancel, resume, retry, redo; limits and a budget that hold."""

from __future__ import annotations

import pytest

from generia_worker.client.order import Order, WorldSize
from generia_worker.client.status import GenerationStatus
from generia_worker.errors import ConflictError, InvalidInputError, NotFoundError
from generia_worker.worlds.steps import STEPS
from tests.integration.audit import Audit
from tests.integration.conftest import PROMPT, Platform

ENGLISH = "A village of three very talkative lighthouse keepers"


def wait_for_posts(platform: Platform, world_id: str, posts: int) -> None:
    """Wait until a running world has some posts."""

    class EnoughError(Exception):
        pass

    def look(status: GenerationStatus) -> None:
        if status.posts_created >= posts:
            raise EnoughError

    with pytest.raises(EnoughError):
        platform.client.wait(world_id, timeout_s=60, on_change=look)


def test_cancel_and_resume_in_the_middle(platform: Platform) -> None:
    platform.behave(latency={"llm": {"fixed_s": 0.4}, "images": {"fixed_s": 1}})
    # More posts than slots: when the first is there, most pictures are not begun.
    world_id = platform.order(PROMPT, 4, 80)
    wait_for_posts(platform, world_id, 1)
    platform.client.cancel(world_id)
    status = platform.wait(world_id, timeout_s=20)
    audit = Audit(platform.settings, world_id)
    assert status.status == "cancelled"
    assert 0 < status.posts_created < 80
    assert status.tasks_cancelled > 0
    assert status.tasks_failed == 0
    posts = [post for character in audit.character_ids() for post in audit.posts_of(character)]
    assert len(posts) == status.posts_created, "what exists stays"
    audit.check_ledger(status)
    audit.check_money(status)
    with pytest.raises(ConflictError, match="ended already"):
        platform.client.cancel(world_id)

    platform.behave()
    platform.client.resume(world_id)
    status = platform.wait(world_id)
    audit.check(status, 4, 80)
    audit.check_money(status)


def test_cancelled_before_there_is_anything(platform: Platform) -> None:
    platform.behave(latency={"llm": {"fixed_s": 1.5}})
    world_id = platform.order(PROMPT, 3, 5)
    platform.client.cancel(world_id)
    status = platform.wait(world_id, timeout_s=20)
    assert (status.status, status.users_created, status.posts_created) == ("cancelled", 0, 0)
    assert status.api_calls_made_LLM <= 1
    platform.behave()
    platform.client.resume(world_id)
    status = platform.wait(world_id)
    audit = Audit(platform.settings, world_id)
    audit.check(status, 3, 5)
    audit.check_money(status)


def test_retry_does_only_what_failed(platform: Platform) -> None:
    platform.behave(forbidden_words=["Post 2 of 3", "Plan exactly 2"])
    status, audit = platform.make(ENGLISH, 2, 5)
    assert (status.status.value, status.tasks_failed) == ("completed", 2)
    before = audit.bill()
    failed = platform.client.failures(audit.world_id)
    kinds = {one.step[:4] for one in failed if one.state == "failed"}
    assert kinds == {"plan", "post"}, "one has the plan of two posts refused, the other its second of three"
    assert all("403" in one.reason and one.at for one in failed if one.state == "failed")
    platform.behave()
    platform.client.retry(audit.world_id)
    status = platform.wait(audit.world_id)
    audit.check(status, 2, 5)
    audit.check_money(status)
    after = audit.bill()
    assert after.llm_calls - before.llm_calls == 1 + 1 + 2, "one post again, one plan and its two posts"
    with pytest.raises(ConflictError, match="Nothing"):
        platform.client.retry(audit.world_id)


def test_resume_after_the_account_was_topped_up(platform: Platform) -> None:
    platform.let_credit_end(6)
    status, audit = platform.make(PROMPT, 3, 6)
    assert status.status == "failed"
    with pytest.raises(ConflictError):
        platform.client.cancel(audit.world_id)
    platform.behave()
    platform.client.resume(audit.world_id)
    status = platform.wait(audit.world_id)
    audit.check(status, 3, 6)
    audit.check_money(status)
    assert status.error is None


def test_redo_one_post_and_one_character_in_place(platform: Platform) -> None:
    status, audit = platform.make(ENGLISH, 2, 4)
    world_id = audit.world_id
    step = audit.db["generation_steps"].find_one({"_id": f"{world_id}/picture/01/02"})
    assert step is not None
    post_id = step["result"]["post_id"]
    before = audit.posts.get(post_id, world_id)
    platform.behave(vary_answers=True)
    platform.client.redo(world_id, "post/1/2")
    status = platform.wait(world_id)
    after = audit.posts.get(post_id, world_id)
    assert (after.caption, after.media_url) != (before.caption, before.media_url)
    audit.check(status, 2, 4)

    step = audit.db["generation_steps"].find_one({"_id": f"{world_id}/character/02"})
    assert step is not None
    character = audit.characters.get(step["result"]["character_id"])
    platform.client.redo(world_id, "character/2")
    status = platform.wait(world_id)
    changed = audit.characters.get(character.id)
    assert changed.avatar_media_id != character.avatar_media_id
    audit.check(status, 2, 4)
    audit.check_money(status)


def test_what_cannot_be_redone(platform: Platform) -> None:
    _, audit = platform.make(ENGLISH, 1, 1)
    for name in ("describe", "nonsense", "post/1", "finish"):
        with pytest.raises(InvalidInputError):
            platform.client.redo(audit.world_id, name)
    with pytest.raises(ConflictError, match="no post/01/09"):
        platform.client.redo(audit.world_id, "post/1/9")
    with pytest.raises(NotFoundError):
        platform.client.redo("nobody", "post/1/1")


def unordered_world(platform: Platform, world_id: str) -> Audit:
    """Let the world service know a world under this id without ordering it, so that a test can set its limits."""
    audit = Audit(platform.settings, world_id)
    platform.wait(platform.order(ENGLISH, 1, 1))
    another = audit.db["worlds"].find_one({}, {"_id": 0}) or {}
    audit.db["worlds"].insert_one(another | {"_id": world_id, "idempotency": None, "users_count": 0})
    return audit


@pytest.mark.parametrize(("calls", "made"), [(1, 1), (2, 2)])
def test_a_limit_before_there_is_anybody_fails_the_world_with_the_reason(
    platform: Platform, calls: int, made: int
) -> None:
    world_id = f"limits-none-{calls}"
    audit = unordered_world(platform, world_id)
    platform.client.order(
        Order(world_id=world_id, user_prompt=ENGLISH, users_count=2, posts_count=2, api_call_limits_LLM=calls)
    )
    status = platform.wait(world_id)
    assert (status.status, status.users_created, status.api_calls_made_LLM) == ("failed", 0, made)
    assert status.error is not None
    assert f"limit of {calls} text calls" in status.error.reason
    audit.check_ledger(status)


def test_call_limits_end_a_world_in_order(platform: Platform) -> None:
    world_id = "limits-1"
    audit = unordered_world(platform, world_id)
    order = Order(
        world_id=world_id,
        user_prompt=ENGLISH,
        users_count=2,
        posts_count=12,
        api_call_limits_LLM=11,
        api_call_limits_images=50,
    )
    platform.client.order(order)
    status = platform.wait(world_id)
    assert status.status == "completed"
    assert status.api_calls_made_LLM == audit.bill().llm_calls == 11
    assert 0 < status.posts_created < 12
    assert status.tasks_skipped > 0
    reasons = {one.reason for one in platform.client.failures(world_id)}
    assert any("limit of 11 text calls" in reason for reason in reasons)
    assert status.error is not None
    assert "limit of 11 text calls" in status.error.reason
    audit.check_ledger(status)


def test_a_budget_is_never_exceeded_by_a_cent(platform: Platform) -> None:
    from generia_worker.rpc.channel import open_channel
    from generia_worker.rpc.world_client import WorldClient

    budget = 0.06
    with open_channel(
        platform.settings.world_service, platform.settings.rpc_token.get_secret_value()
    ) as channel:
        world = WorldClient(channel, 15).create("tester", "", "", PROMPT, 3, 30, budget_usd=budget)
    status = platform.wait(world.id)
    audit = Audit(platform.settings, world.id)
    assert status.budget_usd == budget
    assert status.cost_usd <= budget
    bill = audit.bill()
    assert bill.llm_usd + bill.image_usd <= budget
    assert status.posts_created < 30
    reasons = [one.reason for one in platform.client.failures(world.id)]
    assert any("budget" in reason for reason in reasons)
    audit.check_ledger(status)
    audit.check_money(status)


def test_estimates_before_and_after_there_are_worlds_to_go_by(platform: Platform) -> None:
    found = platform.client.estimate(WorldSize(users_count=5, posts_count=15))
    assert (found.text_calls, found.image_calls) == (2 + 1 + 5 + 5 + 15, 22)
    assert found.usd is not None
    assert 0 < found.usd.low < found.usd.high < 1
    assert 0 < found.seconds.low < found.seconds.high
    talking = platform.client.estimate(WorldSize(users_count=5, posts_count=15, reactions="some"))
    assert (talking.text_calls, talking.image_calls) == (found.text_calls + 5 + 5, 22)
    assert talking.usd is not None
    assert talking.usd.low > found.usd.low
    assert talking.seconds.low > found.seconds.low
    status, _ = platform.make(ENGLISH, 2, 3)
    found = platform.client.estimate(WorldSize(users_count=2, posts_count=3))
    assert found.finished_worlds >= 1
    assert found.usd is not None
    assert found.usd.low / 2 < status.cost_usd < found.usd.high * 2


def test_what_cannot_be_made_anew_stays_as_it_was(platform: Platform) -> None:
    status, audit = platform.make(ENGLISH, 1, 2)
    before = [post.caption for post in audit.posts_of(audit.character_ids()[0])]
    platform.let_credit_end(1)
    platform.client.redo(audit.world_id, "post/1/2")
    status = platform.wait(audit.world_id)
    assert status.status == "completed"
    assert (status.posts_created, status.tasks_failed) == (2, 0)
    assert [post.caption for post in audit.posts_of(audit.character_ids()[0])] == before
    row = audit.db["generation_steps"].find_one({"_id": f"{audit.world_id}/post/01/02"}) or {}
    failures = platform.client.failures(audit.world_id)
    assert {one.step for one in failures} == {"post/01/02"}
    assert all(one.state == "done" and "no credit" in one.reason for one in failures)
    # The text is written anew, and its picture fails: what the ledger calls the post's text is what people see.
    platform.behave(status_rates={"400": {"images": 1}})
    platform.client.redo(audit.world_id, "post/1/2")
    platform.wait(audit.world_id)
    again = audit.db["generation_steps"].find_one({"_id": row["_id"]}) or {}
    assert again["result"] == row["result"]
    assert row["result"]["content"] in before
    assert [one.step for one in platform.client.failures(audit.world_id)] == ["picture/01/02"]
    platform.behave()
    platform.client.redo(audit.world_id, "post/1/2")
    audit.check(platform.wait(audit.world_id), 1, 2)


# --- characters who react ----------------------------------------------------------------------------------------------
def test_reactions_that_fail_harm_no_world_and_can_be_tried_again(platform: Platform) -> None:
    platform.behave(forbidden_words=["has something to say of it", "You answer"])
    status, audit = platform.make(ENGLISH, 3, 6, reactions="some")
    assert (status.status.value, status.users_created, status.posts_created) == ("completed", 3, 6)
    assert {stage.status.value for stage in status.stages} == {"completed"}
    assert (status.tasks_failed, status.likes_created, status.comments_created) == (3, 0, 0)
    assert status.error and status.error.reason.startswith("Not everything could be made:")
    assert {one.step for one in platform.client.failures(audit.world_id)} == {
        "react/01",
        "react/02",
        "react/03",
    }
    platform.behave()
    platform.client.retry(audit.world_id)
    status = platform.wait(audit.world_id)
    # What had waited for them, and ended with nothing to say, is done again.
    audit.check(status, 3, 6)
    audit.check_money(status)
    assert status.likes_created > 0
    assert status.comments_created > 6


def test_what_was_said_of_a_post_is_there_once_its_picture_is_and_paid_once(platform: Platform) -> None:
    platform.behave(forbidden_words=["A scene:"])
    status, audit = platform.make(ENGLISH, 2, 4, reactions="many")
    assert (status.posts_created, status.likes_created, status.comments_created) == (0, 0, 0)
    written = status.api_calls_made_LLM
    assert {line.part for line in platform.client.receipt(audit.world_id).lines} >= {"react", "answer"}
    platform.behave()
    platform.client.retry(audit.world_id)
    status = platform.wait(audit.world_id)
    audit.check(status, 2, 4)
    audit.check_money(status)
    assert status.comments_created > 4
    assert status.api_calls_made_LLM == written


def test_cancelled_while_characters_talk_and_gone_on_with(platform: Platform) -> None:
    platform.behave()
    world_id = platform.order(
        ENGLISH, 4, 8, reactions="some", behaviour={"latency": {"llm": {"fixed_s": 0.5}}}
    )
    audit = Audit(platform.settings, world_id)
    reacting = {"world_id": world_id, "kind": "react", "state": "running"}

    class TalkingError(Exception):
        pass

    def look(_: GenerationStatus) -> None:
        if audit.db["generation_steps"].find_one(reacting):
            raise TalkingError

    with pytest.raises(TalkingError):
        platform.client.wait(world_id, timeout_s=60, on_change=look)
    platform.client.cancel(world_id)
    status = platform.wait(world_id, timeout_s=30)
    assert status.status == "cancelled"
    audit.check_ledger(status)
    audit.check_money(status)
    platform.client.resume(world_id)
    status = platform.wait(world_id)
    audit.check(status, 4, 8)
    audit.check_money(status)
    assert status.comments_created > 0


def test_a_limit_in_the_midst_of_what_characters_say_ends_a_world_in_order(platform: Platform) -> None:
    plain = STEPS.expected_calls(3, 6, 1, 25)[0]
    world_id = "limits-talk"
    audit = unordered_world(platform, world_id)
    order = {
        "world_id": world_id,
        "user_prompt": ENGLISH,
        "users_count": 3,
        "posts_count": 6,
        "reactions": "many",
    }
    platform.client.order(Order.model_validate({**order, "api_call_limits_LLM": plain + 2}))
    status = platform.wait(world_id)
    assert (status.status.value, status.api_calls_made_LLM) == ("completed", plain + 2)
    assert (status.users_created, status.posts_created, status.tasks_failed) == (3, 6, 0)
    assert status.tasks_skipped >= 1
    assert "limit" in (status.error.reason if status.error else "")
    assert status.likes_created > 0, "what two of them said is there"
    audit.check_ledger(status)
    audit.check_money(status)
    posts = {post.post_id: post for one in audit.character_ids() for post in audit.posts_of(one)}
    audit.check_reactions(status, posts)
