"""When the posts of a world were written: in its own recent past, in the order of their plan. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

#: How far back posts lie whose plan does not say when they were written, and the most that one may say, in days.
SPAN_DAYS, DAYS_MOST = 14.0, 366.0
#: Between two posts of one character lies this at least.
_GAP = timedelta(minutes=1)
#: After how long people have something to say of a post, in seconds: on average, where there is that much time.
_TALK_S = 5 * 3600.0


def written_at(key: str, until: datetime, days_ago: Sequence[float | None]) -> list[datetime]:
    """Return when each post of a character was written, the first one first; all of them before `until`, no two at once.

    `days_ago` is what the plan says of each. It is believed when it leads from the past towards today; else they lie evenly
    over two weeks, as people's posts do: not quite. The same `key` gives the same times.

        written_at("w1/07", datetime(2026, 5, 9, 12, tzinfo=UTC), [3, 1, 0])    # on May 6th, 8th and 9th
    """
    rng = random.Random(key)
    count = len(days_ago)
    told = [days for days in days_ago if days is not None and 0 <= days <= DAYS_MOST]
    if len(told) == count and told == sorted(told, reverse=True):
        days = _within_their_days(told, rng)
    else:
        days = [(count - index - rng.uniform(0.1, 0.9)) / count * SPAN_DAYS for index in range(count)]
    found: list[datetime] = []
    latest = until
    for ago in reversed(days):
        latest = min(until - timedelta(days=ago), latest - _GAP)
        found.append(latest.replace(microsecond=0))
    return found[::-1]


def written_between(
    key: str, since: datetime, until: datetime, days_ago: Sequence[float | None]
) -> list[datetime]:
    """Return the same for posts that follow those of a round that ended at `since`: all of them after it.

    Where the plan says otherwise, or there is not so much time, they lie evenly in it, not quite.
    """
    found = written_at(key, until, days_ago)
    if found and found[0] > since:
        return found
    rng, count = random.Random(key), len(days_ago)
    length = until - since
    return [since + length * ((index + rng.uniform(0.2, 0.8)) / count) for index in range(count)]


def said_at(key: str, written: datetime, until: datetime) -> datetime:
    """Return when something was said of a post that was written at `written`: afterwards, mostly soon, before `until`.

    The same `key` gives the same time.
    """
    rng = random.Random(key)
    most_s = (until - written).total_seconds() * rng.uniform(0.2, 0.95)
    return written + timedelta(seconds=max(min(rng.expovariate(1 / _TALK_S), most_s), 0.001))


def written_on_day(
    key: str, since: datetime, until: datetime, hours: Sequence[float | None]
) -> list[datetime]:
    """Return when each post of the 24 hours before `until` was written, none before `since`, the first one first.

    `hours` is at which hour of the day (UTC) the plan sees each; where it says nothing, or that hour is not in this time,
    the post lies somewhere in it.
    """
    rng, since = random.Random(key), max(since, until - timedelta(days=1))
    found: list[datetime] = []
    for hour in hours:
        moment = since + (until - since) * rng.uniform(0.02, 0.98)
        if hour is not None and 0 <= hour < 24:
            wanted = until.replace(hour=0, minute=0, second=0, microsecond=0)
            wanted += timedelta(hours=hour, minutes=rng.uniform(0, 20))
            wanted -= timedelta(days=1) if wanted >= until else timedelta()
            moment = wanted if wanted > since else moment
        found.append(moment)
    return sorted(found)


def _within_their_days(days: Sequence[float], rng: random.Random) -> list[float]:
    """Give each post a time within the 24 hours that its whole number of days names, those of one day in their order."""
    found: list[float] = []
    for day in sorted({math.floor(one) for one in days}, reverse=True):
        number = sum(math.floor(one) == day for one in days)
        found += sorted((day + rng.random() for _ in range(number)), reverse=True)
    return found
