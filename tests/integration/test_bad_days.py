"""Providers that misbehave: the world is whole all the same, or says why not."""

from __future__ import annotations

from tests.integration.audit import Audit, calls_of
from tests.integration.conftest import PROMPT, Platform


def test_a_large_world_on_a_bad_day(platform: Platform) -> None:
    platform.behave(
        rate_429=0.07,
        retry_after_s=1,
        rate_5xx=0.07,
        invalid_json=0.05,
        wrong_counts=0.05,
        hang={"llm": 0.02, "images": 0.02},
        unescaped_latex=0.05,
    )
    status, audit = platform.make(PROMPT, 11, 40)
    audit.check(status, 11, 40)
    audit.check_money(status)
    refused = sum(call["state"] == "refused" for call in calls_of(audit.db, audit.world_id))
    assert refused > 5, "the simulator did not misbehave at all"


def test_calls_that_hang_are_abandoned_and_counted(platform: Platform) -> None:
    platform.forget_calls()
    platform.behave(hang=1.0, only={"after": 2, "first": 1})
    status, audit = platform.make(PROMPT, 1, 2)
    audit.check(status, 1, 2)
    audit.check_money(status)
    # The third text call is lost for good; the third picture is fetched by its taskUUID.
    assert (status.ambiguous_calls_LLM, status.ambiguous_calls_images) == (1, 0)
    assert (status.api_calls_made_LLM, status.api_calls_made_images) == (8, 5)


def test_no_credit_on_the_third_call(platform: Platform) -> None:
    platform.let_credit_end(3)
    status, audit = platform.make(PROMPT, 3, 6)
    assert status.status == "failed"
    assert status.error is not None
    assert "no credit" in status.error.reason
    assert "top up" in status.error.reason
    assert audit.character_ids() == []
    assert audit.bill().llm_calls == 2
    assert status.tasks_completed + status.tasks_failed + status.tasks_skipped == status.tasks_total
    audit.check_ledger(status)
    audit.check_money(status)


def test_no_credit_in_the_middle_of_the_posts(platform: Platform) -> None:
    # Of texts there are three for the world, one a character, one a plan, one a post. The last character may come after
    # all posts of the two others, as the sixteenth.
    platform.let_credit_end(17)
    status, audit = platform.make(PROMPT, 3, 12)
    assert status.status == "failed"
    assert status.error is not None
    assert "no credit" in status.error.reason
    posts = [post for character in audit.character_ids() for post in audit.posts_of(character)]
    assert len(posts) == status.posts_created < 12
    assert len(audit.character_ids()) == status.users_created == 3
    audit.check_ledger(status)
    audit.check_money(status)


def test_one_post_that_is_refused_does_not_stop_the_others(platform: Platform) -> None:
    # The words of a post are known only to itself: moderation refuses the picture of exactly those.
    platform.behave(forbidden_words=["Post 2 of 3"], only={"after": 0})
    status, audit = platform.make("A village of three very talkative lighthouse keepers", 1, 3)
    assert status.status == "completed"
    assert (status.posts_created, status.tasks_failed, status.tasks_skipped) == (2, 1, 1)
    failed = (
        Audit(platform.settings, audit.world_id)
        .db["generation_steps"]
        .find_one({"world_id": audit.world_id, "state": "failed"})
    )
    assert failed is not None
    assert failed["step"] == "post/01/02"
    assert "403" in failed["failure"]["reason"]
    audit.check_ledger(status)


def test_a_plan_that_fails_leaves_the_character_with_a_face(platform: Platform) -> None:
    platform.behave(forbidden_words=["Plan exactly"])
    status, audit = platform.make("A village of three very talkative lighthouse keepers", 2, 4)
    assert status.status == "completed"
    assert (status.users_created, status.posts_created, status.tasks_failed) == (2, 0, 2)
    characters = audit.character_ids()
    assert len(characters) == 2
    for character_id in characters:
        assert audit.characters.get(character_id).avatar_media_id
    audit.check_ledger(status)


def test_a_world_without_pictures_of_its_own_still_gets_its_people(platform: Platform) -> None:
    platform.behave(forbidden_words=["cover and icon"])
    status, audit = platform.make("A village of three very talkative lighthouse keepers", 2, 2)
    assert status.status == "completed"
    assert {stage.name: stage.status.value for stage in status.stages}["world_image"] == "failed"
    assert (status.users_created, status.posts_created, status.tasks_failed) == (2, 2, 1)
    audit.check_ledger(status)


def test_a_server_without_structured_output(platform: Platform) -> None:
    # Remembered per worker process: the first calls pay with a refusal each, later ones do not.
    platform.behave(
        no_json_schema=True, no_json_object=True, fences=0.5, prose=0.3, think=0.3, trailing_comma=0.5
    )
    status, audit = platform.make(PROMPT, 2, 4)
    audit.check(status, 2, 4)
    audit.check_money(status)


def test_a_provider_that_names_no_cost_is_not_free(platform: Platform) -> None:
    platform.behave(cost="missing")
    status, audit = platform.make(PROMPT, 1, 1)
    audit.check(status, 1, 1)
    # The stack's price table and the fallback price of an image stand in.
    assert status.llm_cost_total > 0
    assert status.image_cost_total == 4 * (platform.settings.image_price_usd or 0)
