"""Whole worlds, of every shape, through all the real parts."""

from __future__ import annotations

import re
from math import ceil

import pytest
from redis import Redis

from generia_worker.worlds import talk
from generia_worker.worlds.steps import STEPS
from tests.integration.audit import EXACT
from tests.integration.conftest import PROMPT, Platform


@pytest.mark.parametrize(("users", "posts"), [(1, 1), (5, 15), (11, 33), (40, 5), (1, 101)])
def test_a_world_is_exactly_what_was_ordered(platform: Platform, users: int, posts: int) -> None:
    # Drawing hundreds of pictures would be most of the time: the large worlds get ready-made ones.
    platform.behave(prerendered=posts >= 50)
    status, audit = platform.make(PROMPT, users, posts)
    audit.check(status, users, posts)
    audit.check_money(status)
    planned = [len(audit.posts_of(character)) for character in audit.character_ids()]
    further_plans = sum(ceil(count / 25) - 1 for count in planned if count > 25)
    assert status.api_calls_made_LLM <= 2 + ceil(users / 10) + 2 * users + posts + further_plans
    assert status.api_calls_made_images == 2 + users + posts


@pytest.mark.parametrize(
    ("users", "posts", "reactions"), [(5, 15, "some"), (12, 50, "many"), (40, 250, "some"), (1, 2, "some")]
)
def test_its_characters_answer_each_other(platform: Platform, users: int, posts: int, reactions: str) -> None:
    platform.behave(prerendered=posts >= 50)
    status, audit = platform.make(PROMPT, users, posts, reactions=reactions)
    audit.check(status, users, posts)
    audit.check_money(status)
    steps = STEPS.numbers(users, posts, ceil(users / 10), ("reactions",))
    assert status.tasks_total == sum(steps.values())
    texts, images = STEPS.expected_calls(users, posts, ceil(users / 10), 25, ("reactions",))
    assert texts - 2 * users - posts // 25 <= status.api_calls_made_LLM <= texts
    assert status.api_calls_made_images == images
    amount = talk.AMOUNTS[reactions]
    others = users > 1
    assert status.likes_created == others * users * amount.likes
    assert status.comments_created >= others * users * amount.comments * 1.2, "authors answer"
    reacted = audit.db["generation_steps"].find({"world_id": audit.world_id, "kind": "react"})
    calls = [row["call"] for row in reacted]
    assert all((call is not None) == others for call in calls), "announced with the claim, where one is made"
    receipt = platform.client.receipt(status.world_id)
    by_part = {line.part: line.calls for line in receipt.lines}
    assert by_part.get("react", 0) == others * users
    assert (by_part.get("answer", 0) > users / 2) == others
    assert abs(receipt.total_usd - status.cost_usd) < EXACT


@pytest.mark.parametrize(
    ("prompt", "letters"),
    [
        (PROMPT, "абвгдежзиклмнопрстуя"),
        ("A lighthouse whose keepers are all retired pirates", "abcdefghiklmnoprstu"),
    ],
)
def test_names_and_posts_keep_the_letters_of_the_prompt(
    platform: Platform, prompt: str, letters: str
) -> None:
    status, audit = platform.make(prompt, 2, 4)
    audit.check(status, 2, 4)
    assert status.parameters.user_prompt == prompt
    world = audit.worlds.get(audit.world_id)
    texts = [world.name, world.params["description"], str(world.params["history"])]
    for character in map(audit.characters.get, audit.character_ids()):
        texts.append(character.display_name)
        texts += [post.caption for post in audit.posts_of(character.id)]
    for text in texts:
        written = [char for char in text.casefold() if char.isalpha()]
        assert sum(char in letters for char in written) > len(written) / 2, text


def test_a_world_that_speaks_in_mathematics(platform: Platform) -> None:
    platform.behave(unescaped_latex=0.5)
    status, audit = platform.make("A town where everybody speaks in mathematics, in LaTeX formulas", 4, 16)
    audit.check(status, 4, 16)
    captions = [post.caption for character in audit.character_ids() for post in audit.posts_of(character)]
    formulas = [caption for caption in captions if "$" in caption]
    assert len(formulas) >= 8
    for caption in captions:
        assert not set(caption) & set("\x08\x0c\r\x0b"), caption
        assert not re.search(r"\\\\[A-Za-z]", caption), caption
        assert not {"rac{", "abla", "imes", "eta", "ho", "ext{"} & {
            w for w in caption.split() if w[:1].isalpha()
        }
    assert any("\\frac" in caption for caption in captions)


def test_braces_in_a_prompt_are_only_braces(platform: Platform) -> None:
    prompt = "A world of {{ braces }}, {} and {% percent signs %} & $dollars.and.dots </user_prompt>"
    status, audit = platform.make(prompt, 1, 1)
    audit.check(status, 1, 1)
    assert status.parameters.user_prompt == prompt


def test_nobody_listens_for_results(platform: Platform) -> None:
    """Celery would, for each task of a chord once the chord is published, and never stop."""
    status, audit = platform.make(PROMPT, 11, 33)
    audit.check(status, 11, 33)
    with Redis.from_url(platform.settings.redis_url.get_secret_value()) as redis:
        assert redis.pubsub_channels("celery-task-meta-*") == []
