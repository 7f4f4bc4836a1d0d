"""Providers that are away or of no use for a long time: row 18. Either the worlds go on afterwards, or they end and say
why; what they cost is bounded either way."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.faults.harness import PROMPT, Faults
from tests.faults.servers import attempts_at
from tests.integration.audit import calls_of

#: An outage is given up after this; a text that hangs costs a test so much. A picture that does not hang needs some
#: seconds on a busy machine: given up, it would be one failure more than was ordered.
OUTAGE_MAX_S, TEXT_MAX_S, PICTURE_MAX_S = 10, 2, 5
#: Backoffs as delivered would outlast the outages of a test by far.
SETTINGS = {
    "outage_max_s": OUTAGE_MAX_S,
    "llm_timeout_s": TEXT_MAX_S,
    "image_timeout_s": PICTURE_MAX_S,
    "retry_backoff_s": 0.1,
    "retry_backoff_max_s": 1,
}
#: A step is tried so often: once, and then `step_max_retries` times.
ATTEMPTS = 7
USERS, POSTS = 2, 3


@pytest.fixture
def outage_s(time_scale: float) -> float:
    """Ten minutes in a full run. Scaled twice: what has to pass are the backoffs, and those are scaled."""
    return min(600 * time_scale * time_scale, 3)


AWAY: dict[str, dict[str, Any]] = {
    "429": {"rate_429": 1, "retry_after_s": 0.5},
    "429 without a word": {"rate_429": 1, "retry_after_s": None},
}


@pytest.mark.parametrize("behaviour", AWAY.values(), ids=AWAY.keys())
def test_a_provider_that_comes_back(faults: Faults, outage_s: float, behaviour: dict[str, Any]) -> None:
    # Two worlds: one is in mid fan-out, the other has not begun.
    faults.behave(latency={"llm": {"fixed_s": 0.3}, "images": {"fixed_s": 0.3}})
    begun = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.billed(begun, "character"), "the characters are being written")
    faults.behave(**behaviour)
    waiting = faults.order(PROMPT, USERS, POSTS)
    # Everybody pauses when one is asked to: steps of the other world may be those that are refused, again and again.
    faults.until(
        lambda: attempts_at(faults, waiting) or faults.step(waiting, "describe").get("failure"),
        "the world that has not begun is refused, or put off",
        OUTAGE_MAX_S / 2,
    )
    time.sleep(outage_s)
    tried = attempts_at(faults, waiting)
    spent = faults.step(waiting, "describe")["attempts"]
    faults.behave()
    for world in (begun, waiting):
        faults.assert_whole(world, USERS, POSTS)
    # With a backoff that grows, and a pause for everybody where the provider asks for one.
    assert tried <= 4 + outage_s / 0.5, tried
    assert spent == 0, "waiting was counted as an attempt"


def test_calls_that_hang_and_a_provider_that_comes_back(faults: Faults) -> None:
    # Hanging calls are billed by this provider, and their answers never come: each is counted as ambiguous.
    faults.behave(latency={"llm": {"fixed_s": 0.2}, "images": {"fixed_s": 0.2}})
    world = faults.order(PROMPT, USERS, POSTS)
    faults.until(lambda: faults.billed(world, "character"), "the characters are being written")
    faults.behave(hang=1)

    def given_up() -> int:
        calls = calls_of(faults.db, world)
        return sum((call["provider"], call["state"]) == ("llm", "ambiguous") for call in calls)

    faults.until(lambda: given_up() >= USERS, "calls are given up")
    faults.behave()
    status = faults.assert_whole(world, USERS, POSTS, ambiguous=(ATTEMPTS - 1) * (USERS + POSTS))
    assert status.ambiguous_calls_LLM > 0


GONE: dict[str, tuple[dict[str, Any], str]] = {
    "500": ({"status_rates": {500: 1}}, "HTTP 500"),
    "hangs": ({"hang": 1}, "in time"),
}


def test_a_provider_that_does_not_come_back(faults: Faults) -> None:
    """Every way of being of no use ends the world, with the reason, after a bounded number of attempts."""
    for name, (behaviour, reason) in GONE.items():
        faults.behave(**behaviour)
        world = faults.order(PROMPT, USERS, POSTS)
        status = faults.ended(world, 60)
        assert status.status == "failed", name
        assert status.error is not None
        assert reason in status.error.reason, (name, status.error)
        assert status.error.step == "describe"
        assert attempts_at(faults, world) == ATTEMPTS, name
        faults.assert_honest(world, status, ambiguous=ATTEMPTS)


def test_a_provider_that_refuses_for_longer_than_an_outage_may_last(faults: Faults) -> None:
    faults.behave(rate_429=1, retry_after_s=1)
    world = faults.order(PROMPT, USERS, POSTS)
    status = faults.ended(world, 60)
    assert status.status == "failed"
    assert status.error is not None
    assert "429" in status.error.reason
    assert attempts_at(faults, world) <= 2 * OUTAGE_MAX_S
    faults.assert_honest(world, status)


def test_pictures_that_fail_for_good_leave_the_texts(faults: Faults) -> None:
    faults.behave(status_rates={500: {"images": 1}})
    world = faults.order(PROMPT, USERS, POSTS)
    status = faults.ended(world, 60)
    assert status.status == "completed"
    assert (status.users_created, status.posts_created) == (USERS, 0)
    assert status.tasks_failed == 1 + USERS + POSTS
    texts = 3 + 2 * USERS + POSTS
    # The cover and the icon are tried at one time.
    assert attempts_at(faults, world) == texts + ATTEMPTS * (2 + USERS + POSTS)
    faults.assert_honest(world, status)
    faults.assert_no_orphans(world)


def test_a_step_of_many_calls_is_not_given_up_while_it_gets_further(faults: Faults) -> None:
    """Each of two calls of one step fails nearly as often as a step may: what counts are failures in a row."""
    failures = ATTEMPTS - 2
    faults.forget_calls()
    # The second text call and the second picture are both of the step `illustrate`.
    faults.behave(status_rates={500: 1}, only={"after": 1, "first": failures})
    world = faults.order(PROMPT, 1, 1)
    faults.assert_whole(world, 1, 1)
    assert faults.step(world, "illustrate")["attempts"] == 2 * failures
