"""Schedules: worlds that live on, a round a day. The collection, and when a day is due; making it is up to the caller.

A day is known by its date, and at most one round of its world has it (`Round.day`): whoever makes it twice makes it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from generia_worker.client.schedule import DAYS_MAX, Schedule
from generia_worker.engine.generations import Generation
from generia_worker.engine.results import Results
from generia_worker.storage.database import Database, Document
from generia_worker.worlds.documents import DayNews
from generia_worker.worlds.steps import CHRONICLE

#: When a day that could not begin is tried again.
AGAIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Living:
    """A row of `schedules`; `_id` is the world's id.

    `since`: when it began, whose time of day is that of each day. `next_at`: when to look at it again; None while it is
    paused, and once it has `ended`.
    """

    world_id: str
    posts_a_day: int
    budget_a_day: float | None
    budget_total: float | None
    until: date
    paused: bool
    since: datetime
    next_at: datetime | None
    last_day: date | None
    waiting: str | None
    ended: str | None

    def day_at(self, now: datetime) -> date:
        """Return the day that is to be told at `now`: that of the last moment with this schedule's time of day."""
        moment = datetime.combine(now.date(), self._time, now.tzinfo)
        return (moment if moment <= now else moment - timedelta(days=1)).date()

    def next_after(self, now: datetime) -> datetime:
        """Return the first moment after `now` with this schedule's time of day: what lies before is not made up for."""
        moment = datetime.combine(now.date(), self._time, now.tzinfo)
        return moment if moment > now else moment + timedelta(days=1)

    @property
    def _time(self) -> time:
        return self.since.time()


class Schedules:
    """The collection `schedules`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.schedules

    def put(self, world_id: str, asked: Schedule, now: datetime) -> Living:
        """Begin a schedule, or change it; one that has ended begins anew. Its next day is due at once, if none was today."""
        before = self.find(world_id)
        goes_on = before is not None and before.ended is None
        since = before.since if before is not None and goes_on else now.replace(microsecond=0)
        until = asked.until or (since + timedelta(days=DAYS_MAX - 1)).date()
        change: Document = {
            "posts_a_day": asked.posts_a_day,
            "budget_a_day": asked.budget_a_day,
            "budget_total": asked.budget_total,
            "until": until.isoformat(),
            "paused": asked.paused,
            "since": since,
            "next_at": None if asked.paused else now,
            "waiting": None,
            "ended": None,
        }
        fresh = {"last_day": None} if before is None else {}
        self._rows.update_one({"_id": world_id}, {"$set": change | fresh}, upsert=True)
        found = self.find(world_id)
        assert found is not None
        return found

    def find(self, world_id: str) -> Living | None:
        """Return a world's schedule, or None."""
        row = self._rows.find_one({"_id": world_id})
        return None if row is None else _read(row)

    def due(self, now: datetime, limit: int) -> list[Living]:
        """Return the schedules to look at, the longest waiting first."""
        rows = self._rows.find({"next_at": {"$type": "date", "$lte": now}}).sort("next_at", 1).limit(limit)
        return [_read(row) for row in rows]

    def told(self, found: Living, day: date, now: datetime) -> None:
        """Note that a day was begun; the next one is due at its time."""
        self._change(found, {"last_day": day.isoformat(), "next_at": found.next_after(now), "waiting": None})

    def wait(self, found: Living, why: str, now: datetime) -> None:
        """Note why a day cannot begin now; it is looked at again later."""
        self._change(found, {"next_at": min(now + AGAIN, found.next_after(now)), "waiting": why})

    def end(self, found: Living, why: str) -> None:
        """Note why no day will begin any more."""
        self._change(found, {"next_at": None, "waiting": None, "ended": why})

    def _change(self, found: Living, fields: Document) -> None:
        """Change a schedule as it was found; one that somebody changed meanwhile is left to the next look."""
        self._rows.update_one({"_id": found.world_id, "next_at": found.next_at}, {"$set": fields})


def chronicle(generation: Generation, results: Results) -> list[dict[str, Any]]:
    """Return what happened in a world, day by day: [{day, headline, what_happened}]."""
    days = {one.number: one.day for one in generation.rounds}
    news = results.all_of(generation.world_id, CHRONICLE.kind, DayNews)
    return [
        {"day": days[step.round], **one.as_document()} for step, one in news.items() if days.get(step.round)
    ]


def _read(row: Document) -> Living:
    return Living(
        world_id=row["_id"],
        posts_a_day=row["posts_a_day"],
        budget_a_day=row["budget_a_day"],
        budget_total=row["budget_total"],
        until=date.fromisoformat(row["until"]),
        paused=row["paused"],
        since=row["since"],
        next_at=row["next_at"],
        last_day=None if row["last_day"] is None else date.fromisoformat(row["last_day"]),
        waiting=row["waiting"],
        ended=row["ended"],
    )
