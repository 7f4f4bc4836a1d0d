"""Days: lets the worlds live on that have a schedule. Asked by beat; a clock is a parameter.

A day is an extension of its world by so many posts, under the day's budget, with news of its own. Two schedulers make it
once, and one that was down for a week makes one day, not seven: what was missed has not happened.
"""

from __future__ import annotations

import logging
from datetime import datetime

from generia_worker.app.container import Container
from generia_worker.app.ordering import Ordering
from generia_worker.client.order import Extension
from generia_worker.client.schedule import ChronicleDay, Schedule, ScheduleStatus
from generia_worker.errors import ConflictError, GeneriaError, NotFoundError
from generia_worker.worlds.schedules import Living, chronicle

log = logging.getLogger(__name__)

#: Worlds whose day is begun in one go.
_MOST = 50


class Days:
    """Schedules of worlds, and the days that they make."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._ordering = Ordering(container)

    # --- what a person asks for ------------------------------------------------------------------------------------
    def schedule(self, world_id: str, asked: Schedule, now: datetime) -> ScheduleStatus:
        """Let a world live on like this from now on.

        Raises:
            NotFoundError: it was never ordered.
            ConflictError: a budget is too small for anything; its last day is over.
            InvalidInputError: a budget needs a price that nobody knows.
        """
        self._container.generations.get(world_id)
        for usd in (asked.budget_a_day, asked.budget_total):
            least = self._ordering.least_usd() if usd is not None else 0.0
            if usd is not None and usd < least:
                message = f"The smallest post may cost ${least:.4f}: name at least so much."
                raise ConflictError(message).with_code("budget_too_small")
        if asked.until is not None and asked.until < now.date():
            raise ConflictError("The last day is over: name one that is to come.").with_code("day_is_over")
        return self._told(self._container.schedules.put(world_id, asked, now))

    def status(self, world_id: str) -> ScheduleStatus:
        """Return how a world's schedule stands. Raises NotFoundError where it has none."""
        return self._told(self._find(world_id))

    def end(self, world_id: str) -> ScheduleStatus:
        """Let no day of a world begin any more. Raises NotFoundError where it has no schedule."""
        found = self._find(world_id)
        if found.ended is None:
            self._container.schedules.end(found, "It was ended.")
        return self.status(world_id)

    def chronicle(self, world_id: str) -> list[ChronicleDay]:
        """Return what happened in a world, day by day. Raises NotFoundError."""
        told = chronicle(self._container.generations.get(world_id), self._container.results)
        return [ChronicleDay.model_validate(day) for day in told]

    def _find(self, world_id: str) -> Living:
        found = self._container.schedules.find(world_id)
        if found is None:
            raise NotFoundError(f"World {world_id} has no schedule.")
        return found

    def _told(self, found: Living) -> ScheduleStatus:
        days = self._days_of(found)
        fields = {name: getattr(found, name) for name in ScheduleStatus.model_fields if hasattr(found, name)}
        return ScheduleStatus(**fields, days=len(days), spent_usd=sum(days.values()))

    def _days_of(self, found: Living) -> dict[str, float]:
        """Return the days that a schedule has made, each with what it cost, or may have."""
        rounds = self._container.generations.get(found.world_id).rounds
        days = {one.number: one.day for one in rounds if one.day is not None and one.at >= found.since}
        spent = self._container.requests.spent_by_round(found.world_id) if days else {}
        return {day: spent.get(number, 0.0) for number, day in days.items()}

    # --- what beat asks for ----------------------------------------------------------------------------------------
    def begin_due(self, now: datetime) -> list[str]:
        """Begin the days that are due; return the worlds whose first messages are to be published."""
        return [
            found.world_id for found in self._container.schedules.due(now, _MOST) if self._begin(found, now)
        ]

    def _begin(self, found: Living, now: datetime) -> bool:
        schedules, day = self._container.schedules, found.day_at(now)
        if day > found.until:
            schedules.end(found, "Its last day is over.")
            return False
        if found.last_day is not None and found.last_day >= day:
            schedules.told(found, found.last_day, now)
            return False
        try:
            budget = self._budget(found)
            if budget is not None and budget < self._ordering.least_usd():
                schedules.end(found, "Its budget is used up.")
                return False
            asked = Extension(posts_count=found.posts_a_day, budget=budget)
            self._ordering.extend(found.world_id, asked, day=day.isoformat(), at=now)
        except NotFoundError as error:
            schedules.end(found, error.message)
            return False
        except ConflictError as error:
            if error.code in ("world_full", "nobody_writes"):
                schedules.end(found, error.message)
            else:
                schedules.wait(found, error.message, now)
            return False
        except GeneriaError as error:
            log.warning("World %s does not live on for now: %s", found.world_id, error.message)
            schedules.wait(found, error.message, now)
            return False
        schedules.told(found, day, now)
        return True

    def _budget(self, found: Living) -> float | None:
        """Return what a day may cost: as much as is named, and not more than is left of all."""
        named = [] if found.budget_a_day is None else [found.budget_a_day]
        if found.budget_total is not None:
            named.append(max(found.budget_total - sum(self._days_of(found).values()), 0.0))
        return min(named, default=None)
