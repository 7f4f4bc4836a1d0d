"""Every way in which the providers are known to misbehave, and what the worker makes of it: a whole world, honestly paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.audit import Audit
from tests.integration.conftest import PROMPT, Platform

#: A step is given up after seven failures in a row: rates at which that happens once in a thousand worlds at most.
#: Behaviour of the simulator → whether its bill and ours are the same to the cent (else it charges what it does not name).
BEHAVIOURS: dict[str, tuple[dict[str, Any], bool]] = {
    "slow tails": ({"slow_tail": 0.3, "slow_tail_s": 1}, True),
    "resets in mid-body": ({"reset": {"llm": 0.2, "images": 0.2}}, True),
    "blank-line padding": ({"padding": 0.5, "padding_s": 0.5}, True),
    "padding beyond the deadline": ({"padding": {"llm": 0.2}, "padding_s": 12}, True),
    "Retry-After as a date": ({"rate_429": 0.3, "retry_after_date": True, "retry_after_s": 1}, True),
    "429 without Retry-After": ({"rate_429": 0.3, "retry_after_s": None}, True),
    "a token bucket": (
        {"bucket": {"llm": {"per_s": 5, "burst": 2}, "images": {"per_s": 5, "burst": 2}}},
        True,
    ),
    "5xx and HTML": ({"rate_5xx": 0.2}, True),
    "408, 409, 425": ({"status_rates": {"408": 0.06, "409": 0.06, "425": 0.06}}, True),
    "errors as a string": ({"string_error": 0.2}, True),
    "an error in choices": ({"choice_error": 0.2}, True),
    "a bare error in a 200": ({"bare_error": 0.2}, True),
    "null choices": ({"null_choices": 0.2}, True),
    "fences, prose, thoughts, commas": (
        {"fences": 0.5, "prose": 0.5, "think": 0.5, "trailing_comma": 0.5},
        True,
    ),
    "extra keys": ({"extra_keys": 1.0}, True),
    "missing keys": ({"missing_keys": 0.3}, True),
    "wrong types": ({"wrong_types": 0.3}, True),
    "invalid JSON": ({"invalid_json": 0.3}, True),
    "wrong counts": ({"wrong_counts": 0.4}, True),
    "duplicate names": ({"duplicate_names": 0.5}, True),
    "truncation": ({"truncate": 0.3}, True),
    "cost null": ({"cost": "null"}, False),
    "no usage at all": ({"no_usage": True}, False),
    "cost zero": ({"cost": "zero"}, True),
    "a failing image": ({"image_failure": 0.2}, True),
    "reordered data": ({"reorder_data": True}, True),
    "billed, but a conflict": ({"conflict": 0.4}, True),
    # The first picture arrives damaged twice, is drawn anew, and arrives damaged again.
    "corrupt images": ({"corrupt_images": 1.0, "only": {"first": 3}}, True),
    "a wrong content type": ({"wrong_content_type": 1.0}, True),
    "addresses that expire": ({"url_expires_s": 0.5}, True),
}


@pytest.fixture(scope="module")
def worlds(shared_platform: Platform) -> Iterator[dict[str, str]]:
    """A world for every behaviour, which it alone meets; they are made side by side. Yields their ids."""
    shared_platform.behave()
    ordered = {
        name: shared_platform.order(PROMPT, 2, 3, behaviour=behaviour)
        for name, (behaviour, _) in BEHAVIOURS.items()
    }
    yield ordered
    for world_id in ordered.values():  # lest one of them goes on beside other tests
        shared_platform.wait(world_id)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_world_is_whole_all_the_same(platform: Platform, worlds: dict[str, str], name: str) -> None:
    assert_whole(platform, worlds[name], same_bill=BEHAVIOURS[name][1])


def assert_whole(platform: Platform, world_id: str, *, same_bill: bool) -> None:
    status, audit = platform.wait(world_id), Audit(platform.settings, world_id)
    audit.check(status, 2, 3)
    if same_bill:
        audit.check_money(status)
    else:
        assert status.api_calls_made_LLM == audit.bill().llm_calls
        # What has no price is unknown, never free.
        assert status.unknown_cost_calls > 0 or status.llm_cost_total > 0


def test_a_model_that_never_learns_ends_the_world_with_a_reason(platform: Platform) -> None:
    platform.behave(invalid_json=1.0, stubborn=True)
    status, audit = platform.make(PROMPT, 1, 1)
    assert status.status == "failed"
    assert status.error is not None
    assert "did not fit" in status.error.reason
    assert status.api_calls_made_LLM <= 7 * 3, "attempts times questions"
    audit.check_ledger(status)
    audit.check_money(status)


def test_a_model_without_schema_but_with_json(platform: Platform) -> None:
    # By itself, and the last: a worker remembers for all worlds which format the model has refused.
    platform.behave(no_json_schema=True)
    assert_whole(platform, platform.order(PROMPT, 2, 3), same_bill=True)
