"""When posts were written: properties over any plan, and plans by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from generia_worker.worlds.dates import DAYS_MOST, SPAN_DAYS, written_at

NOW = datetime(2026, 5, 9, 12, tzinfo=UTC)
anything = st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=250)


def ago(found: list[datetime]) -> list[int]:
    return [(NOW - moment) // timedelta(days=1) for moment in found]


@given(st.text(max_size=20), anything)
def test_times_are_past_distinct_and_in_the_order_of_the_plan(key: str, days_ago: list[float | None]) -> None:
    found = written_at(key, NOW, days_ago)
    assert len(found) == len(days_ago)
    assert found == sorted(set(found))
    assert found[-1] < NOW
    assert NOW - found[0] < timedelta(days=DAYS_MOST + 2)
    assert found == written_at(key, NOW, days_ago)


@given(st.text(max_size=20), st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_what_the_plan_says_is_believed(key: str, days: list[int]) -> None:
    days.sort(reverse=True)
    assert ago(written_at(key, NOW, list(days))) == days


def test_what_cannot_be_is_spread_over_two_weeks() -> None:
    for days_ago in ([0, 5], [None, 1], [-1.0], [1e9], [3, float("inf")]):
        assert max(ago(written_at("w", NOW, days_ago))) < SPAN_DAYS
    found = ago(written_at("w", NOW, [None] * 14))
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (13, 0)


def test_characters_do_not_post_at_the_same_time() -> None:
    first, second = (written_at(f"w/{number}", NOW, [2, 1, 0]) for number in (1, 2))
    assert not set(first) & set(second)
