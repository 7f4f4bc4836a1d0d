"""After whole worlds, on good days and bad ones, `/metrics` agrees with what their status documents say."""

from __future__ import annotations

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.conftest import Platform

pytestmark = pytest.mark.stack

#: Outcomes of calls that count as made; one that is `late` was counted as ambiguous before.
MADE = ("answered", "spoiled", "ambiguous")


def scrape(platform: Platform) -> dict[tuple[str, ...], float]:
    """Return all samples; label values come in the order of the labels' names."""
    headers = {"Authorization": f"Bearer {platform.settings.api_token.get_secret_value()}"}
    reply = requests.get(f"{platform.settings.api_url}/metrics", headers=headers, timeout=10)
    assert reply.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


#: That none of fifty calls is refused happens once in a million worlds.
BAD_DAY = {"rate_429": 0.15, "rate_5xx": 0.1, "invalid_json": 0.1}


@pytest.mark.parametrize("behaviour", [{}, BAD_DAY])
def test_metrics_agree_with_the_status_document(platform: Platform, behaviour: dict[str, float]) -> None:
    platform.behave(**behaviour)
    before = scrape(platform)
    status, audit = platform.make("A market where clouds are sold by weight", 5, 15)
    audit.check(status, 5, 15)
    after = scrape(platform)

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    made = {
        provider: sum(grown("generia_paid_calls_total", outcome, provider) for outcome in MADE)
        for provider in ("llm", "images")
    }
    assert made == {"llm": status.api_calls_made_LLM, "images": status.api_calls_made_images}
    assert grown("generia_dollars_total", "llm") == pytest.approx(status.llm_cost_total)
    assert grown("generia_dollars_total", "images") == pytest.approx(status.image_cost_total)
    receipt = platform.client.receipt(status.world_id)
    assert grown("generia_tokens_total", "prompt") == sum(line.prompt_tokens for line in receipt.lines)
    assert grown("generia_tokens_total", "completion") == sum(
        line.completion_tokens for line in receipt.lines
    )
    refused = sum(grown("generia_paid_calls_total", "refused", provider) for provider in ("llm", "images"))
    assert (refused > 0) == bool(behaviour)
    called = sum(grown("generia_paid_call_seconds_count", provider) for provider in ("llm", "images"))
    assert called >= sum(made.values())
    assert grown("generia_tasks_total", "success", "tasks.posts.write_post") == 15
    assert grown("generia_task_seconds_count", "tasks.posts.write_post") >= 15
    assert grown("generia_settles_total", "yes") > 0
    assert after["generia_calls_in_flight", "llm"] == 0
    assert after.get(("generia_calls_waiting", "llm"), 0) == 0
