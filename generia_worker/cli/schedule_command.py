"""`generia schedule`: how a world lives on, and what happened in it."""

from __future__ import annotations

from typing import Any

import click
from pydantic import ValidationError
from rich.markup import escape

from generia_worker.cli import display
from generia_worker.cli.stacks import Running
from generia_worker.cli.world_commands import client_of, find_world
from generia_worker.client.client import GeneriaClient
from generia_worker.client.schedule import ChronicleDay, Schedule, ScheduleStatus
from generia_worker.errors import NotFoundError

#: Days of the chronicle that are shown.
_SHOWN = 5


def schedule(running: Running, world: str, changes: dict[str, Any], *, end: bool, as_json: bool) -> None:
    """Change a world's schedule by what is named, or end it, and show it with the last days of its chronicle."""
    client = client_of(running)
    world_id = find_world(running, client, world).world_id
    if end:
        status = client.end_schedule(world_id)
    elif changes:
        status = client.schedule(world_id, _changed(client, world_id, changes))
    else:
        status = client.schedule(world_id)
    days = client.chronicle(world_id)
    if as_json:
        told = [day.model_dump(mode="json") for day in days]
        display.as_json(status.model_dump(mode="json") | {"chronicle": told})
        return
    for line in _lines(status, days):
        display.out.print(escape(line))


def _changed(client: GeneriaClient, world_id: str, changes: dict[str, Any]) -> Schedule:
    """Return the schedule that there is, or a new one, with these changes. Raises click's UsageError."""
    before: dict[str, Any] = {}
    try:
        found = client.schedule(world_id)
        if found.ended is None:
            before = found.model_dump(include=set(Schedule.model_fields))
    except NotFoundError:
        pass
    if "posts_a_day" not in before | changes:
        raise click.UsageError("Name --posts-a-day: this world does not live on yet.")
    try:
        return Schedule.model_validate(before | changes)
    except ValidationError as error:
        raise click.UsageError(error.errors()[0]["msg"]) from None


def _lines(status: ScheduleStatus, days: list[ChronicleDay]) -> list[str]:
    posts = f"{status.posts_a_day} posts a day until {status.until}"
    if status.budget_a_day is not None:
        posts += f", a day at most {display.dollars(status.budget_a_day)}"
    spent = f"{status.days} days, {display.dollars(status.spent_usd)}"
    if status.budget_total is not None:
        spent += f" of {display.dollars(status.budget_total)}"
    state = "paused"
    if status.ended:
        state = f"ended: {status.ended}"
    elif status.waiting:
        state = f"waits: {status.waiting}"
    elif status.next_at is not None:
        state = f"next day at {status.next_at:%Y-%m-%d %H:%M} UTC"
    told = [f"{one.day}  {one.headline}" for one in days[-_SHOWN:]]
    return [posts, f"so far: {spent}", state, *told]
