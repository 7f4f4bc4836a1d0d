"""How a world lives on, day by day, as it is asked for and as it is told; and its chronicle."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from generia_worker.client.order import Count, Dollars

#: Posts of one day at most, and days at most that a schedule may have before it.
POSTS_A_DAY_MAX, DAYS_MAX = 50, 366
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: Any) -> Any:
    """A day is written as such: numbers and times are none."""
    if value is None or isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("a day is meant, such as 2026-12-24")


class Schedule(BaseModel):
    """The body of `PUT /v1/generations/{world_id}/schedule`: so many posts each day, and what they may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    posts_a_day: Count = Field(ge=1, le=POSTS_A_DAY_MAX, examples=[5])
    budget_a_day: Dollars | None = Field(default=None, description="Dollars a day at most.")
    budget_total: Dollars | None = Field(default=None, description="Dollars of all days at most.")
    until: Annotated[date | None, BeforeValidator(_day)] = Field(
        default=None, description=f"Its last day; none: at most {DAYS_MAX} days.", examples=["2026-12-24"]
    )
    paused: bool = Field(default=False, strict=True, description="No day begins while it is.")


class ScheduleStatus(BaseModel):
    """A schedule as it stands. `waiting` says why a day that is due has not begun, `ended` why none will begin any more."""

    model_config = ConfigDict(extra="ignore")

    world_id: str
    posts_a_day: int
    budget_a_day: float | None
    budget_total: float | None
    until: date
    paused: bool
    days: int = Field(description="Days that were made.")
    spent_usd: float = Field(description="What they cost, or may have.")
    last_day: date | None
    next_at: datetime | None = Field(description="When the next day is made; null when none is to come.")
    waiting: str | None
    ended: str | None


class ChronicleDay(BaseModel):
    """What happened in a world on one day."""

    day: date
    headline: str
    what_happened: str
